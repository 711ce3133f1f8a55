"""The schedule review, put together: use, losses, waiting, lead times, and what is not ready. Read only.

Everything is asked for one `Period` and one `Whose`; admins see everybody's figures, practitioners their own (docs/security.md).
"""
