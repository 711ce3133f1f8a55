"""Backups: taken under load, brought back, and refused when anything is wrong with them."""
