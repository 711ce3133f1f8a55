"""The ground the other tests stand on: clock, committed copies of the database, undefined template variables."""

import threading
from collections.abc import Callable

import pytest
from django.db import connection, connections
from django.template import engines
from django.test import Client
from django.utils import timezone

from clinic.models import ClinicSettings, Patient
from consultations.models import Formula
from tests.factories import PatientFactory
from tests.factories.clock import CLINIC_NOW


def test_the_clock_stands_still_on_a_monday_morning(clinic_now: object) -> None:
    assert timezone.now() == CLINIC_NOW == clinic_now
    assert timezone.localtime().strftime("%A %H:%M") == "Monday 09:00"


def test_no_test_runs_on_the_clinics_own_database(rows: None) -> None:
    assert connection.settings_dict["NAME"].startswith("test_")


def test_every_database_has_the_reference_data_and_the_clinics_time_zone(db: None) -> None:
    assert Formula.objects.current().exists()
    assert ClinicSettings.objects.get().time_zone == "Europe/Paris"


def _in_a_thread(work: Callable[[], object]) -> list[object]:
    """What the work returns in a thread of its own, with a connection of its own."""
    found: list[object] = []

    def run() -> None:
        found.append(work())
        connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return found


@pytest.mark.parametrize("round", [1, 2])
def test_what_a_test_commits_other_threads_see_and_the_next_test_does_not(
    committed_db: str, round: int
) -> None:
    assert Patient.objects.count() == 0
    PatientFactory()
    assert _in_a_thread(Patient.objects.count) == [1]
    assert Formula.objects.current().exists()


def test_people_and_clients_live_in_the_committed_copy_too(
    committed_db: str, reception_client: Client
) -> None:
    assert connection.settings_dict["NAME"] == committed_db
    assert _in_a_thread(lambda: reception_client.session["_auth_user_id"]) != []


def test_an_undefined_variable_in_our_template_fails_the_test() -> None:
    with pytest.raises(pytest.fail.Exception, match="Undefined template variable nobody in"):
        _ours("{{ nobody }}").render({})


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("{% if nobody %}x{% endif %}", ""),
        ("{% for one in nobody %}x{% endfor %}", ""),
        ("{{ nobody|default:'–' }}", "–"),
        ("{{ somebody.name }}", "Ana"),
        ("{{ somebody.nothing }}", "None"),
    ],
)
def test_tested_looped_and_defaulted_variables_need_not_exist(words: str, shown: str) -> None:
    assert _ours(words).render({"somebody": {"name": "Ana", "nothing": None}}) == shown


def test_templates_of_other_packages_may_rely_on_undefined_variables() -> None:
    assert engines["django"].from_string("[{{ nobody|upper }}]").render({}) == "[]"


def _ours(words: str) -> object:
    """A template that pretends to lie in templates/."""
    from django.conf import settings
    from django.template import Origin
    from django.template.backends.django import Template
    from django.template.base import Template as Parsed

    engine = engines["django"]
    origin = Origin(str(settings.BASE_DIR / "templates" / "made_up.html"))
    return Template(Parsed(words, origin=origin, engine=engine.engine), engine)
