"""One patient's record as it stood at a moment, put together from the history."""
