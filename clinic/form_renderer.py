"""How Django writes the fields of forms into a page (ADR 46)."""

from typing import Any

from django.forms import renderers
from django.template import TemplateDoesNotExist


class FormRenderer(renderers.Jinja2):
    """Django's own templates for fields in the language that is compiled; in the other one where a package has no such copy."""

    others = renderers.DjangoTemplates()

    def get_template(self, template_name: str) -> Any:
        """The template, compiled at its first use.

        Raises:
            TemplateDoesNotExist: there is none in either language.
        """
        try:
            return super().get_template(template_name)
        except TemplateDoesNotExist:
            return self.others.get_template(template_name)
