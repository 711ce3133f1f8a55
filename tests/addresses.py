"""Every route of the product by its name, and its address."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.urls import URLPattern, URLResolver, get_resolver, reverse

from tests.things import Things


def routes() -> dict[str, URLPattern]:
    """Every route of the resolver by its full name; the admin's catch-all has none."""
    return dict(_walk(get_resolver().url_patterns, ""))


def _walk(patterns: list[URLPattern | URLResolver], space: str) -> Iterator[tuple[str, URLPattern]]:
    for pattern in patterns:
        if isinstance(pattern, URLPattern):
            yield f"{space}{pattern.name}", pattern
        else:
            yield from _walk(
                pattern.url_patterns, f"{space}{pattern.namespace}:" if pattern.namespace else space
            )


OURS = {name: pattern for name, pattern in routes().items() if not name.startswith("admin:")}
ADMIN = {name: pattern for name, pattern in routes().items() if name.startswith("admin:")}


UNKNOWN = UUID(int=0)
# What the pattern around theirs asks for (allauth's).
AROUND = {"mfa_edit_webauthn": {"pk": 0}, "mfa_remove_webauthn": {"pk": 0}}


class World(Things):
    """Things, and the addresses of the routes that are about them."""

    def address(self, name: str, **instead: Any) -> str:
        """The route's address, for the objects of this world unless others are named."""
        wanted = self.ids | self.by_route.get(name, {}) | instead
        own = {key: wanted[key] for key in OURS[name].pattern.converters} or _groups(name)
        return reverse(name, kwargs=AROUND.get(name, {}) | own)


def _groups(name: str) -> dict[str, str]:
    """Regular expressions (allauth's) name their groups."""
    made_up = {"uidb36": "1", "key": "made-up"}
    return {key: made_up[key] for key in OURS[name].pattern.regex.groupindex}


def admin_address(name: str) -> str:
    """A route of the admin, with made-up keys: who may not come in learns nothing from what exists."""
    if name == "admin:None":
        return "/admin/no/such/page/"
    pattern = ADMIN[name].pattern
    values = {"app_label": "clinic", "uuid": UNKNOWN, "int": 1}
    kwargs = {
        key: values.get(key, values.get(type(converter).__name__.removesuffix("Converter").lower(), "1"))
        for key, converter in pattern.converters.items()
    } or {key: values.get(key, "1") for key in pattern.regex.groupindex}
    return reverse(name, kwargs=kwargs)
