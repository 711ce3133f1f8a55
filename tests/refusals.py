"""What an action or a rule is refused with."""

from collections.abc import Callable

from clinic.errors import DomainError


def domain_error_of(act: Callable[[], object]) -> DomainError | None:
    """The refusal; None where it goes through."""
    try:
        act()
    except DomainError as refused:
        return refused
    return None


def code_and_field(act: Callable[[], object]) -> tuple[str, str | None]:
    """Of the refusal; ("", None) where it goes through."""
    refused = domain_error_of(act)
    return (refused.code, refused.field) if refused else ("", None)
