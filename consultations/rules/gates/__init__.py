"""One module per thing that can be missing, each the twin of a part of the SQL gate: `suitable` of `gate_suitable()`.

`missing(facts, on, planned)` says what is missing at the moment `on` for the session `planned` (None: for a test
injection), in sentences; nothing is an empty list. `rules.clearance` asks them in order. Diaries judge every visit by
them, so they read `facts` and never the database.
"""
