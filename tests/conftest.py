"""What every test stands on: settings in test mode, a database with the reference data, people, and a stopped clock.

Set here and nowhere else: settings are read once, so their environment must be right before the first import of
Django. Do not name DJANGO_SETTINGS_MODULE in pyproject.toml: pytest-django would then read the settings before this
file has spoken.
"""

import gc
import os
import subprocess
import sys

os.environ["MESOCLINIC_MODE"] = "test"
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "clinic.settings")
if os.environ.get("TEST_DATABASE_URL"):
    os.environ["DATABASE_URL"] = os.environ["TEST_DATABASE_URL"]

from clinic import embedded

if not os.environ.get("DATABASE_URL"):
    os.environ["MESOCLINIC_DATABASE"] = "throwaway"
    embedded.start()

import django

django.setup()

# The environment comes first, Django second; hence E402 for everything that needs either.
from collections.abc import Iterator  # noqa: E402
from datetime import datetime, timedelta  # noqa: E402
from importlib import import_module  # noqa: E402
from pathlib import Path  # noqa: E402

import hypothesis  # noqa: E402
import pytest  # noqa: E402
import time_machine  # noqa: E402
from _pytest.nodeid import coerce_node_id  # noqa: E402
from django.conf import settings  # noqa: E402
from django.contrib.staticfiles.handlers import StaticFilesHandler  # noqa: E402
from django.db import connection, transaction  # noqa: E402
from django.http import FileResponse, HttpRequest  # noqa: E402
from django.test import Client  # noqa: E402
from django.test import client as test_client  # noqa: E402
from pytest_django.live_server_helper import LiveServer  # noqa: E402
from pytest_django.plugin import DjangoDbBlocker  # noqa: E402

from clinic.models import Practitioner, User  # noqa: E402
from tests import loaded_database  # noqa: E402
from tests.addresses import World  # noqa: E402
from tests.database_copies import Copies  # noqa: E402
from tests.factories import PractitionerFactory, UserFactory  # noqa: E402
from tests.factories.clock import CLINIC_NOW  # noqa: E402
from tests.shown_templates import kept_of_a_page  # noqa: E402
from tests.signing_in import sign_in  # noqa: E402
from tests.undefined_variables import UndefinedVariable  # noqa: E402

if settings.MODE != "test":
    pytest.exit(
        "The settings were read before tests/conftest.py: remove DJANGO_SETTINGS_MODULE from pyproject.toml."
    )

settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# WhiteNoise would otherwise look at every static file for every client that a test makes.
settings.WHITENOISE_AUTOREFRESH = True
# Files come from where they are written: a machine that never ran the demo has collected none.
settings.WHITENOISE_USE_FINDERS = True
test_client.store_rendered_templates = kept_of_a_page
settings.TEMPLATES[0]["OPTIONS"]["string_if_invalid"] = UndefinedVariable(settings.BASE_DIR)

# How long an example takes says how busy the machine is, not whether it is right.
hypothesis.settings.register_profile(
    "untimed", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("untimed")

DATABASE_FIXTURES = {"db", "committed_db", "rows"}
# Each of these takes seconds: begun last, one of them would keep one worker busy while the others have nothing to do.
_LONG = ("crash", "browser", "race")
_LONG_FOLDERS = ("tests", "tests/backup", "tests/benchmarks")


def pytest_configure(config: pytest.Config) -> None:
    """Names the markers, so that a misspelt one is an error."""
    config.addinivalue_line(
        "markers", "xdist_group(name): tests of one group share a worker (with -p no:xdist too)"
    )
    config.addinivalue_line("markers", "db: needs the database; set on every such test by this file")


def pytest_sessionstart(session: pytest.Session) -> None:
    """Has the database made while the workers collect, and run what needs none."""
    if getattr(session.config.option, "numprocesses", None) and not hasattr(session.config, "workerinput"):
        make = "import django; django.setup(); from tests import loaded_database; loaded_database.make()"
        making = subprocess.Popen([sys.executable, "-c", make], cwd=settings.BASE_DIR)
        session.config.add_cleanup(lambda: _end(making))


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    process.wait()


def pytest_collection(session: pytest.Session) -> None:
    """Lets every second worker begin at the other end: a module is rewritten for its asserts by whoever comes to it first.

    Together they rewrote each module twice, at the same moment; it takes two thirds of the collecting in a new clone.
    """
    worker = getattr(session.config, "workerinput", {}).get("workerid", "gw0")
    if int(worker.removeprefix("gw")) % 2:
        for path in sorted(Path(__file__).parent.rglob("test_*.py"), reverse=True):
            import_module(".".join(path.relative_to(settings.BASE_DIR).with_suffix("").parts))


def pytest_itemcollected(item: pytest.Item) -> None:
    """Marks what needs the database (`-m db`)."""
    names = set(getattr(item, "fixturenames", ()))
    if names & DATABASE_FIXTURES or item.get_closest_marker("django_db"):
        item.add_marker("db")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keeps the drills on one worker, as their clinics take long to make, and puts all tests in turn.

    pytest 9.2 looks for a test's name elsewhere than xdist 3.8 writes its group, so that no group is kept. The tests that
    commit do as well without: each has a database of its own.
    """
    for item in items:
        if item.get_closest_marker("xdist_group") and hasattr(item, "_nodeid"):
            item._id = coerce_node_id(item._nodeid)
    items.sort(key=_turn)


def _turn(item: pytest.Item) -> int:
    """First what needs no database, while another worker makes it; then what is long by itself; then everything else."""
    if not item.get_closest_marker("db") and "django_db_setup" not in getattr(item, "fixturenames", ()):
        return 0
    folder = item.path.relative_to(settings.BASE_DIR).parent.as_posix()
    is_long = folder in _LONG_FOLDERS or any(item.get_closest_marker(name) for name in _LONG)
    return 1 if is_long else 2


def pytest_collection_finish(session: pytest.Session) -> None:
    """Modules and collected tests stay to the end: the collector need not look at them again after every test.

    What tests make themselves is collected as before.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def django_db_setup(
    django_test_environment: None,
    django_db_modify_db_settings: None,
    django_db_blocker: DjangoDbBlocker,
) -> Iterator[None]:
    """The migrated database with the reference data and the clinic's settings, as every clinic has them.

    In place of pytest-django's own, which makes no database when none of the collected tests names `db` itself: ours
    name `rows` or `committed_db`, and would then have run on the clinic's.
    """
    with django_db_blocker.unblock():
        loaded_database.copy_to(connection.settings_dict["TEST"]["NAME"])
    yield
    with django_db_blocker.unblock():
        # A browser that kept its line open keeps a server thread, and that its connection: the database is dropped now.
        loaded_database.drop(connection.settings_dict["NAME"])


@pytest.fixture(scope="session")
def database_copies(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Copies]:
    """Copies of the loaded database, made ahead."""
    with django_db_blocker.unblock():
        _disconnect_others(connection.settings_dict["NAME"])
        copies = Copies(connection.settings_dict["NAME"], connection.get_connection_params())
    yield copies
    copies.close()


@pytest.fixture
def committed_db(
    request: pytest.FixtureRequest, database_copies: Copies, django_db_blocker: DjangoDbBlocker
) -> Iterator[str]:
    """A copy of the loaded database for one test that commits for real, from as many threads as it likes.

    Yields its name; it is dropped afterwards. Not together with `db` or `django_db`, which roll back.
    """
    if "db" in request.fixturenames or request.node.get_closest_marker("django_db"):
        pytest.fail("A test either commits (committed_db) or is rolled back (db, django_db): choose one.")
    with django_db_blocker.unblock():
        connection.close()
        source, copy = connection.settings_dict["NAME"], database_copies.take()
        # Every thread's connections read this same dictionary.
        connection.settings_dict["NAME"] = copy
        try:
            yield copy
        finally:
            connection.close()
            connection.settings_dict["NAME"] = source
            database_copies.drop(copy)


def _disconnect_others(name: str) -> None:
    """Close this thread's connection and end everybody else's to the database."""
    connection.close()
    with connection._nodb_cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])


@pytest.fixture
def rows(request: pytest.FixtureRequest) -> None:
    """Where a fixture's rows go: the committed copy if the test uses one, else the transaction that is rolled back."""
    request.getfixturevalue("committed_db" if "committed_db" in request.fixturenames else "db")


class KeptFiles(StaticFilesHandler):
    """Style sheets and scripts that a browser asks for once, as in a clinic, where their names change with them.

    Asked again on every page they were eight of nine requests. Ten years, as the stopped clock is far from the browser's.
    """

    def serve(self, request: HttpRequest) -> FileResponse:
        """The file, with how long it stays good."""
        answer = super().serve(request)
        answer["Cache-Control"] = f"max-age={timedelta(days=3650) // timedelta(seconds=1)}, immutable"
        return answer


@pytest.fixture
def clinic_server(committed_db: str) -> Iterator[LiveServer]:
    """A running server on the committed copy, for browsers (`live_server` would empty the tables)."""
    server = LiveServer("localhost", start=False)
    server.thread.static_handler = KeptFiles
    server.start()
    yield server
    server.stop()


@pytest.fixture
def clinic_now() -> Iterator[datetime]:
    """Stops Python's clock on Monday 2 March 2026, 09:00 in the clinic. PostgreSQL's own clock runs on."""
    with time_machine.travel(CLINIC_NOW, tick=False):
        yield CLINIC_NOW


@pytest.fixture
def reception(rows: None) -> User:
    """Somebody at the desk."""
    return UserFactory(username="reception", first_name="Ana", last_name="Costa", reception=True)


@pytest.fixture(scope="module")
def standing_world(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    """All things of a practitioner, made once for a module.

    Each test runs in a transaction inside this one, and leaves the things as it found them.
    """
    with django_db_blocker.unblock(), transaction.atomic():
        with time_machine.travel(CLINIC_NOW, tick=False):
            user = UserFactory(username="doctor", first_name="Rui", last_name="Silva", practitioner=True)
            world = World.built_for(PractitionerFactory(name="Dr Silva", user=user))
        yield world
        transaction.set_rollback(True)


@pytest.fixture
def practitioner_user(request: pytest.FixtureRequest, rows: None) -> User:
    """The sign-in of `doctor`: with `standing_world` of the one whose things they are."""
    if "standing_world" in request.fixturenames:
        return User.objects.get(practitioner=request.getfixturevalue("standing_world").doctor_id)
    return UserFactory(username="doctor", first_name="Rui", last_name="Silva", practitioner=True)


@pytest.fixture
def doctor(request: pytest.FixtureRequest, practitioner_user: User) -> Practitioner:
    """A practitioner who signs in as `practitioner_user`."""
    if "standing_world" in request.fixturenames:
        return practitioner_user.practitioner
    return PractitionerFactory(name="Dr Silva", user=practitioner_user)


@pytest.fixture
def colleague(rows: None) -> Practitioner:
    """Another practitioner, for what is `doctor`'s own."""
    return PractitionerFactory(name="Dr Moreau", signs_in=True)


@pytest.fixture(scope="session", autouse=True)
def photo_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Photographs of tests go where they are taken away again, never beside a clinic's own."""
    settings.PHOTO_DIR = tmp_path_factory.mktemp("data") / "photos"
    return settings.PHOTO_DIR


@pytest.fixture
def admin(rows: None) -> User:
    """Somebody who keeps the clinic's data in order; may use Django's admin."""
    return UserFactory(username="admin", first_name="Lea", last_name="Roth", admin=True)


@pytest.fixture
def reception_client(reception: User) -> Client:
    """A browser signed in at the desk."""
    return _signed_in(reception)


@pytest.fixture
def practitioner_client(doctor: Practitioner, practitioner_user: User) -> Client:
    """A browser signed in as `doctor`."""
    return _signed_in(practitioner_user)


@pytest.fixture
def admin_client(admin: User) -> Client:
    """A browser signed in as `admin`."""
    return _signed_in(admin)


def _signed_in(user: User) -> Client:
    client = Client()
    sign_in(client, user)
    return client
