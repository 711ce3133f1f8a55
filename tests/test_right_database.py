"""Demo accounts and a clinic's never share a database: neither mode starts on the other's."""

import os
import subprocess
import sys
from typing import Any

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.test import override_settings

from clinic.models import Patient, Practitioner, User
from clinic.right_database import refuse_at_start, refuse_wrong_database
from tests.factories import PatientFactory, PractitionerFactory, UserFactory

CLINIC, DEMO = {"MODE": "production", "PRODUCTION": True}, {"MODE": "demo", "PRODUCTION": False}


def _accounts(*addresses: str) -> None:
    for address in addresses:
        UserFactory(email=address)


@pytest.mark.django_db
class TestWhatIsRefused:
    def test_a_demo_on_the_database_of_a_clinic(self) -> None:
        _accounts("ana@clinic.example")
        with override_settings(**DEMO), pytest.raises(ImproperlyConfigured, match="real clinic"):
            refuse_wrong_database()

    @pytest.mark.parametrize("is_active", [True, False])
    def test_a_clinic_where_accounts_of_a_demo_are_left(self, is_active: bool) -> None:
        _accounts("ana@clinic.example")
        UserFactory(email="silva@Demo.Invalid", is_active=is_active)
        with override_settings(**CLINIC), pytest.raises(ImproperlyConfigured, match="accounts of a demo"):
            refuse_wrong_database()

    def test_the_command_that_both_begin_with_says_it_in_a_sentence(self) -> None:
        _accounts("ana@clinic.example")
        with override_settings(**DEMO), pytest.raises(CommandError, match="lets everybody in"):
            call_command("check_database")

    def test_the_demo_is_not_built_beside_a_clinics_accounts(self) -> None:
        _accounts("ana@clinic.example")
        with override_settings(**DEMO), pytest.raises(CommandError, match="real clinic"):
            call_command("seed_demo", verbosity=0)
        assert User.objects.count() == 1


@pytest.mark.django_db
class TestTheDemo:
    def test_is_built_on_no_clinics_machine(self) -> None:
        with override_settings(**CLINIC), pytest.raises(CommandError, match="set MESOCLINIC_MODE=demo"):
            call_command("seed_demo", verbosity=0)
        assert not User.objects.exists()

    @pytest.mark.parametrize("somebody", [PatientFactory, PractitionerFactory])
    def test_is_built_among_no_people(self, somebody: Any) -> None:
        somebody()
        User.objects.update(email="ana@demo.invalid")
        before = User.objects.count(), Patient.objects.count(), Practitioner.objects.count()
        with override_settings(**DEMO), pytest.raises(CommandError, match="the demo needs an empty one"):
            call_command("seed_demo", verbosity=0)
        assert (User.objects.count(), Patient.objects.count(), Practitioner.objects.count()) == before


@pytest.mark.django_db
class TestWhatIsNot:
    @pytest.mark.parametrize("mode", [CLINIC, DEMO])
    def test_a_database_without_accounts(self, mode: dict[str, Any]) -> None:
        with override_settings(**mode):
            refuse_wrong_database()

    def test_each_on_its_own(self) -> None:
        _accounts("ana@clinic.example", "x@demo.invalid.example")
        with override_settings(**CLINIC):
            refuse_wrong_database()

    def test_a_demo_in_which_somebody_was_added(self) -> None:
        _accounts("silva@demo.invalid", "ana@clinic.example")
        with override_settings(**DEMO):
            refuse_wrong_database()


def test_a_worker_begins_while_the_database_is_down(monkeypatch: pytest.MonkeyPatch, db: None) -> None:
    from django.db import OperationalError

    from clinic import right_database

    def down() -> bool:
        raise OperationalError("no connection")

    monkeypatch.setattr(right_database, "_has_accounts", down)
    with override_settings(**CLINIC):
        refuse_at_start()


@pytest.mark.parametrize("module", ["clinic.wsgi", "clinic.asgi"])
def test_a_web_server_does_not_begin_on_the_wrong_database(committed_db: str, module: str) -> None:
    """The real thing: a process of its own, in the mode of a demo, on a copy of a clinic's database."""
    UserFactory(email="ana@clinic.example")
    ours = {name: value for name, value in os.environ.items() if name.startswith("MESOCLINIC_")}
    environment = {**ours, "MESOCLINIC_MODE": "demo", "DATABASE_NAME": committed_db, "PATH": "/usr/bin:/bin"}
    begun = subprocess.run(
        [sys.executable, "-c", f"import {module}"],
        cwd=settings.BASE_DIR,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert begun.returncode != 0 and "accounts of a real clinic" in begun.stderr


def test_a_mode_that_does_not_exist_is_refused() -> None:
    """A misspelt "production" must not become something laxer."""
    begun = subprocess.run(
        [sys.executable, "-c", "import clinic.settings"],
        cwd=settings.BASE_DIR,
        env={"MESOCLINIC_MODE": "prod", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert begun.returncode != 0 and "demo, test or production, not 'prod'" in begun.stderr
