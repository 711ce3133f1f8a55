"""Makes a template variable that does not exist fail the test, in our own templates.

Django asks `string_if_invalid` for `"%s" in it` and then for `it % variable`, only where the variable was neither
tested (`{% if x %}`) nor looped over. Templates of other packages rely on undefined variables; those are left alone.
"""

import sys
from pathlib import Path
from types import FrameType

import pytest
from django.template.base import FilterExpression, Node, Origin, Variable
from django.template.context import BaseContext
from django.template.defaultfilters import default, default_if_none


class UndefinedVariable:
    """Stands where `string_if_invalid` is a text; fails the test instead of showing one."""

    def __init__(self, project: Path) -> None:
        self.ours = (str(project / "templates"), str(project / "clinic"), str(project / "consultations"))

    def __contains__(self, text: str) -> bool:
        return text == "%s"

    def __mod__(self, variable: Variable) -> str:
        """The value to show for `variable`; fails the test where the template is ours and names no default."""
        frame = sys._getframe(1)
        expression = frame.f_locals.get("self")
        context = frame.f_locals.get("context")
        if isinstance(expression, FilterExpression) and isinstance(context, BaseContext):
            template = _template_of(frame)
            if template.startswith(self.ours) and not _has_default(expression):
                pytest.fail(f"Undefined template variable {variable} in {template}", pytrace=False)
            return self._as_django_would(expression, context)
        return ""

    def _as_django_would(self, expression: FilterExpression, context: BaseContext) -> str:
        """The value with the filters applied to an empty text, as in production."""
        engine = context.template.engine
        engine.string_if_invalid = ""
        try:
            return expression.resolve(context)
        finally:
            engine.string_if_invalid = self


def _has_default(expression: FilterExpression) -> bool:
    return any(function in (default, default_if_none) for function, _arguments in expression.filters)


def _template_of(frame: FrameType | None) -> str:
    """The file of the template node that is being rendered."""
    while frame is not None:
        node = frame.f_locals.get("self")
        origin = getattr(node, "origin", None) if isinstance(node, Node) else None
        if isinstance(origin, Origin):
            return origin.name
        frame = frame.f_back
    return ""
