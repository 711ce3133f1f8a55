"""The whole clinic, database and photographs, as one encrypted file; and back.

`sealed` encrypts, `archive` says what is in the file, `postgres` runs PostgreSQL's own programs, `fingerprints` compares
tables; `taking` and `restoring` put them together for `manage backup` and `manage restore`.
"""


class BackupError(Exception):
    """No backup was made, or nothing was restored; the message is for the terminal and says what to do."""
