"""What trials found for an indication and a formula: the words that are talked about, and their seal."""

from hashlib import sha256

from consultations.models import Formula, Indication


def words_of(indication: Indication | None, formula: Formula | None) -> list[str]:
    """The notes as the page shows them, that of the indication first; empty ones are left out."""
    notes = [each.evidence for each in (indication, formula) if each is not None]
    return [note for note in notes if note]


def seal_of(words: list[str]) -> str:
    """What tells whether the words on record are those that stood on the page: SHA-256, in hexadecimal digits."""
    return sha256("\n\n".join(words).encode()).hexdigest()
