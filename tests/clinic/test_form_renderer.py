"""Fields say the same in both languages of templates, whatever was typed into them."""

import pytest
from django import forms
from django.contrib.admin import widgets as admin_widgets
from django.forms import renderers
from django.forms.renderers import get_default_renderer
from django.forms.widgets import Input
from django.template import TemplateDoesNotExist
from django.test import SimpleTestCase
from django.utils.translation import gettext_lazy as _

from clinic.form_renderer import FormRenderer

HOSTILE = "\"'><script>alert(1)</script>&amp;"
CHOICES = [("", _("Nothing yet")), (HOSTILE, HOSTILE), (_("Group"), [(1, _("Yes")), (0, "0 < 1")])]
WIDGETS = {
    forms.TextInput(): HOSTILE,
    forms.NumberInput(): 1234567,
    forms.HiddenInput(): HOSTILE,
    forms.MultipleHiddenInput(): [HOSTILE, 1],
    forms.ClearableFileInput(): HOSTILE,
    forms.Textarea(): HOSTILE,
    forms.DateInput(): HOSTILE,
    forms.SplitDateTimeWidget(): [HOSTILE, HOSTILE],
    forms.CheckboxInput(): HOSTILE,
    forms.NullBooleanSelect(): True,
    forms.Select(choices=CHOICES): HOSTILE,
    forms.RadioSelect(choices=CHOICES): HOSTILE,
    forms.SelectMultiple(choices=CHOICES): [HOSTILE, 1],
    forms.CheckboxSelectMultiple(choices=CHOICES): [HOSTILE, 1],
}
ATTRIBUTES = {"id": "id_it", "title": HOSTILE, "required": True, "disabled": False, "data-number": 1234567}


@pytest.mark.parametrize("widget", WIDGETS, ids=lambda widget: type(widget).__name__)
def test_a_field_says_what_djangos_own_says(widget: forms.Widget) -> None:
    ours, djangos = (
        "\n".join(widget.render("it", value, ATTRIBUTES, renderer) for value in (WIDGETS[widget], None))
        for renderer in (FormRenderer(), renderers.DjangoTemplates())
    )
    SimpleTestCase().assertHTMLEqual(ours, djangos)
    assert "<script" not in ours and "&lt;script" in ours


def test_pages_take_it_compiled() -> None:
    renderer = get_default_renderer()
    assert isinstance(renderer, FormRenderer)
    assert renderer.get_template(Input.template_name).backend.name == "djangoforms"
    assert hasattr(renderer.get_template(Input.template_name).template, "root_render_func")


def test_where_a_package_has_only_the_other_language_that_is_taken() -> None:
    assert "vDateField" in admin_widgets.AdminSplitDateTime().render("at", None, renderer=FormRenderer())


def test_what_is_in_neither_is_missed_by_its_name() -> None:
    with pytest.raises(TemplateDoesNotExist, match=r"no_such\.html"):
        FormRenderer().get_template("no_such.html")
