"""What waits for somebody: the lists by subject, and the counts of them (`notices`). A new list is a module of its own."""
