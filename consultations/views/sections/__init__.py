"""The lists of the worklists page by subject; `views.worklists` says which there are and in which order."""
