"""What the server loads before it answers, so that nobody waits for it and nothing is loaded by each worker anew.

It lives as long as the process. Were it loaded page by page, the garbage collector would look through all of it again with
every few requests that make many objects: a tenth of a second, for whoever asked just then.
"""

import gc
from collections.abc import Iterator
from pathlib import Path

from django.forms.renderers import get_default_renderer
from django.template import engines
from django.urls import get_resolver

# New objects between two looks at the youngest, and how many of these looks between two at the older ones.
SELDOM = 50_000, 10, 10


def load_pages() -> None:
    """All addresses with their views, all our templates and those of fields, as they will be asked for.

    Raises:
        TemplateSyntaxError: a template cannot be read; the server does not start with a page that cannot be shown.
    """
    get_resolver().url_patterns  # noqa: B018  looked at to be loaded
    for name in template_names():
        engines["django"].get_template(name)
    fields = get_default_renderer()
    for name in fields.engine.env.list_templates():
        fields.get_template(name)


def template_names() -> Iterator[str]:
    """Our own; those of packages are loaded when a page first shows them."""
    for directory in map(Path, engines["django"].engine.dirs):
        yield from (
            str(path.relative_to(directory)) for path in sorted(directory.rglob("*")) if path.is_file()
        )


def keep() -> None:
    """Put what is loaded by now out of the garbage collector's sight, and let it look less often at the rest.

    A page makes tens of thousands of objects, nearly all of which go by themselves when it is answered. As Python is set
    up (700, 10, 10), the collector looks for rings among them a hundred times a page, and every few pages through all.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*SELDOM)
