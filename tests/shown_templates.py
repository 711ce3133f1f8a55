"""What a test's client keeps of the templates that an answer was made of."""

from copy import copy
from typing import Any

from django.template import Context, Template
from django.test.utils import ContextList


def kept_of_a_page(
    store: dict[str, Any], signal: Any, sender: Any, template: Template, context: Context, **_rest: Any
) -> None:
    """The names of all templates, and the context of each that was asked for by itself.

    In place of Django's own, which copies the context for what is included as well: hundreds of times a page, and what is
    included sees nothing that its page does not.
    """
    store.setdefault("templates", []).append(template)
    if context.template is template:
        store.setdefault("context", ContextList()).append(copy(context))
