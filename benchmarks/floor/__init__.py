"""The floor for bookings over HTTP: a signed-in Django view that inserts one row. Never part of the product."""
