"""What is left when a database server or a web server dies in the middle of a working day."""
