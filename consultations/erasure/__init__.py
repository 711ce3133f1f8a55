"""What becomes of each column when a patient's record is erased, until when it has to wait, and what stands in the way."""
