"""What the server loads before it answers."""

import gc

import pytest
from django.forms.renderers import get_default_renderer
from django.template import TemplateDoesNotExist, TemplateSyntaxError, engines
from django.template.loaders.filesystem import Loader
from jinja2 import FileSystemLoader

from clinic import loaded


@pytest.fixture
def nothing_on_disk(monkeypatch):
    """From now on no template can be read."""

    def _gone(self, origin):
        raise TemplateDoesNotExist(origin)

    return lambda: monkeypatch.setattr(Loader, "get_contents", _gone)


def _kept():
    return engines["django"].engine.template_loaders[0]


def test_no_page_reads_its_template_any_more(nothing_on_disk):
    names = list(loaded.template_names())
    assert {"base.html", "clinic/diary.html", "consultations/session.html"} <= set(names)
    loaded.load_pages()
    nothing_on_disk()
    for name in names:
        engines["django"].get_template(name)
    # Without it the first to ask would find out.
    _kept().reset()
    with pytest.raises(TemplateDoesNotExist):
        engines["django"].get_template("base.html")
    _kept().reset()


def test_no_field_reads_its_template_any_more(monkeypatch):
    loaded.load_pages()
    fields = get_default_renderer()
    monkeypatch.setattr(FileSystemLoader, "get_source", lambda *_of: pytest.fail("read again"))
    for name in fields.engine.env.list_templates():
        fields.get_template(name)
    monkeypatch.setattr(fields.engine.env, "cache", None)
    with pytest.raises(pytest.fail.Exception, match="read again"):
        fields.get_template("django/forms/widgets/select.html")


def test_a_page_that_cannot_be_shown_keeps_the_server_from_starting(settings, tmp_path):
    (tmp_path / "broken.html").write_text("{% if %}")
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path]}]
    with pytest.raises(TemplateSyntaxError):
        loaded.load_pages()


def test_what_is_loaded_is_not_looked_at_again():
    before, thresholds = gc.get_freeze_count(), gc.get_threshold()
    ring = [gc]
    ring.append(ring)
    try:
        loaded.keep()
        assert gc.get_freeze_count() > before
        assert not any(each is ring for each in gc.get_objects())
        assert gc.get_threshold() == loaded.SELDOM
    finally:
        gc.set_threshold(*thresholds)
        gc.unfreeze()
    assert any(each is ring for each in gc.get_objects())
