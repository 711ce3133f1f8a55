"""django-appointment in an environment, a project and a database of its own."""
