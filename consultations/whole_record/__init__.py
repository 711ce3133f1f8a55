"""One patient's whole record as a file: which tables it is made of, what stands in them, as a page and as data.

Read only. `tables` is the one list of everything that belongs to a patient; a table that leads to one and is in no list
fails the tests.
"""
