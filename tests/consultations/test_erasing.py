"""A record that was erased holds nothing of a person, in no table; what has to stay for others stays, and nobody else's row."""

from collections.abc import Iterator
from dataclasses import replace
from http import HTTPStatus
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, models, transaction
from django.db.models import Q
from django.test import Client

from clinic import history_chain
from clinic.actions import history
from clinic.enums import ErasureKind, ErasureStage
from clinic.history_chain import Head
from clinic.models import Appointment, Erasure, ErasureDone, Patient, Practitioner, RecordOpened, User
from consultations import photographs
from consultations.actions import erasing
from consultations.erasure import ledger as ledgers
from consultations.erasure import tables
from consultations.erasure.fates import Fate, history_of
from consultations.models import Photo, ReactionType, Session, SessionReaction
from consultations.whole_record.tables import listed, of_patients, whose
from tests.addresses import World
from tests.factories import (
    AddendumFactory,
    AftercareSheetFactory,
    AppointmentFactory,
    CauseFindingFactory,
    ConsentWithdrawalFactory,
    ConsultationFactory,
    ContactTryFactory,
    ContraindicationAnswerFactory,
    DeviationFactory,
    EvidenceDiscussedFactory,
    FollowUpFactory,
    GoalFactory,
    LeafletHandoutFactory,
    PhotographyWithdrawalFactory,
    RecallCallFactory,
    ReviewScoreFactory,
    SessionFactory,
    SessionScoreFactory,
    SessionTypingFactory,
    cleared_plan,
)
from tests.factories.clock import ago
from tests.guards import refusal_of
from tests.test_routes import ask

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clinic_now")]

MARK, BORN = "zqxmarked", "1950-05-05"
# What people do not write: codes of lists, keys, and the sentence on the erasure, in which no name may stand.
NOT_WRITTEN = """
    Allergy.component_codes Allergy.group_code AdverseEvent.component_codes Appointment.purpose CauseFinding.cause_codes
    CauseFinding.opened_codes Deviation.codes Erasure.reason Erasure.withdrawn_because ErasureDone.counts ErasureDone.files
    PatchTest.component_codes PatientMerge.moved RecordOpened.page SessionDose.unit SessionZone.places
    WaitlistEntry.purpose
"""


# Columns that take no mark: a program writes them in a form of its own.
FIXED = {"Photo.file_name", "Photo.sha256"}
# Pages about rows of records, and lists of such rows.
READ_STILL = """
    patient event health_answer check_in_review report_triage consultation plan review consent cause patch_test session
    photo_consent_withdraw leaflets_of trace lots incidents events cohorts worklists error_confirm
"""
# What none of the builders makes.
ROWS = (
    AddendumFactory,
    AftercareSheetFactory,
    CauseFindingFactory,
    ConsentWithdrawalFactory,
    ContactTryFactory,
    ContraindicationAnswerFactory,
    DeviationFactory,
    EvidenceDiscussedFactory,
    FollowUpFactory,
    GoalFactory,
    LeafletHandoutFactory,
    PhotographyWithdrawalFactory,
    RecallCallFactory,
    ReviewScoreFactory,
    SessionScoreFactory,
    SessionTypingFactory,
)


def written(model: type[models.Model]) -> Iterator[models.Field]:
    """Its columns in which somebody can have written something about a person."""
    for column in model._meta.concrete_fields:
        free = isinstance(column, models.CharField | models.TextField) and not column.flatchoices
        may_hold_a_name = (free or isinstance(column, models.JSONField)) and not column.generated
        if may_hold_a_name and f"{model.__name__}.{column.name}" not in NOT_WRITTEN.split():
            yield column


def mark(patients: list[Patient]) -> set[str]:
    """Writes the mark into all of that, in rows and history, past all triggers; returns the columns that took it."""
    took = set()
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        for model in of_patients():
            its = [(model, whose(model, patients))]
            its += [
                (each, Q(pgh_obj__in=model._base_manager.filter(its[0][1]).values("pk")))
                for each in history_of(model)
            ]
            for table, condition in its:
                for column in written(model):
                    if column.name in {each.name for each in table._meta.concrete_fields}:
                        value = [MARK] if isinstance(column, models.JSONField) else MARK[: column.max_length]
                        if marked(table._base_manager.filter(condition), {column.name: value}):
                            took.add(f"{model.__name__}.{column.name}")
        Patient.objects.filter(pk__in=[each.pk for each in patients]).update(birth_date=BORN)
        Patient.pgh_event_model.objects.filter(pgh_obj__in=patients).update(birth_date=BORN)
        cursor.execute("SET LOCAL session_replication_role = origin")
    return took


def marked(rows: models.QuerySet, value: dict[str, Any]) -> int:
    (name,) = value
    for some in (rows, rows.exclude(**{name: ""})):
        try:
            with transaction.atomic():
                return some.update(**value)
        except DatabaseError:
            continue
    return 0


def everywhere() -> set[str]:
    """All tables of the database with a row that has the mark, or the birth date, in any column."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        names = [name for (name,) in cursor.fetchall()]
        found = set()
        for name in names:
            cursor.execute(f"SELECT EXISTS (SELECT FROM {name} AS t WHERE t::text ~* '{MARK}|{BORN}')")
            if cursor.fetchone()[0]:
                found.add(name)
    return found


def checksums(patients: list[Patient]) -> dict[str, list[tuple]]:
    """Every column of every row of these patients, and of its history."""
    found = {}
    for model in of_patients():
        rows = model._base_manager.filter(whose(model, patients))
        keys = list(rows.values_list("pk", flat=True))
        found[model.__name__] = sorted(map(repr, rows.values_list()))
        for table in history_of(model):
            found[table.__name__] = sorted(
                map(repr, table._base_manager.filter(pgh_obj__in=keys).values_list())
            )
    return found


def disabled_triggers() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_trigger WHERE tgenabled <> 'O' AND NOT tgisinternal")
        return cursor.fetchone()[0]


@pytest.fixture
def world(doctor: Practitioner) -> World:
    """The world of tests/test_routes.py, as records of one person: all are merged into one."""
    world = World.built_for(doctor)
    for make in ROWS:
        make()
    someone = Patient.objects.current().first()
    RecordOpened.objects.create(at=ago(), user=doctor.user, patient=someone, page="x", reason="the heirs")
    SessionReaction.objects.create(
        session=Session.objects.drafts().first(), reaction=ReactionType.objects.first(), grade=1, note="red"
    )
    kept = Patient.objects.exclude(merged_from=None).get()
    Patient.objects.current().exclude(pk=kept.pk).update(merged_into=kept)
    world.ids["kept"] = kept
    return world


def decided(patient: Patient, by: User) -> Erasure:
    return Erasure.objects.create(
        patient=patient,
        kind=ErasureKind.ASKED,
        reason="asked in writing",
        decided_at=ago(days=8),
        not_before=ago(days=1),
        decided_by=by,
    )


def erase(erasure: Erasure) -> list[ErasureDone]:
    return [
        erasing.carry_out(erasure=erasure, stage=stage, anew=True, by=None, at=ago())
        for stage in ErasureStage
    ]


def without(model: type[models.Model], column: str) -> tuple[Fate, ...]:
    """The fates, with one column forgotten."""
    return tuple(
        replace(each, texts=tuple(name for name in each.texts if each.model is not model or name != column))
        for each in tables.FATES
    )


def unsaid(fates: tuple[Fate, ...]) -> set[str]:
    """Columns of a patient's tables, and such tables, of which nobody has said what becomes of them."""
    by_model: dict[type[models.Model], list[Fate]] = {}
    for each in fates:
        by_model.setdefault(each.model, []).append(each)
    found = {model.__name__ for model in of_patients() - set(by_model)}
    for model, its in by_model.items():
        kept = {each.name for table in history_of(model) for each in table._meta.concrete_fields}
        names = {
            each.name
            for each in (*model._meta.concrete_fields, *listed(model))
            if all(f.of(each) for f in its)
        }
        found |= {
            f"{model.__name__}.{each.name}"
            for each in (*model._meta.get_fields(),)
            if (each.concrete or each.many_to_many) and not each.auto_created and each.name not in names
            if not each.many_to_many or each in listed(model)
        }
        found |= {
            f"history of {model.__name__}.{name}" for name in kept - names if not name.startswith("pgh_")
        }
        if not any(each.goes for each in its):
            found |= {f"{model.__name__}: why it stays" for each in its if not each.because}
    return found


class TestEveryColumnHasItsFate:
    def test_no_table_and_no_column_was_forgotten(self) -> None:
        assert unsaid(tables.FATES) == set()

    @pytest.mark.parametrize(
        ("forgotten", "found"),
        [
            (without(Session, "note"), {"Session.note"}),
            (tuple(each for each in tables.FATES if each.model is not Photo), {"Photo"}),
            (
                tuple(replace(each, stays={}) if each.model is Photo else each for each in tables.FATES),
                {"Photo.id", "Photo.taken_at"},  # of rows that go, no kind of column explains itself
            ),
        ],
    )
    def test_one_that_is_forgotten_is_found(self, forgotten: tuple[Fate, ...], found: set[str]) -> None:
        assert unsaid(forgotten) >= found

    def test_every_column_that_can_hold_a_name_is_overwritten_or_is_named_here(self) -> None:
        kept = {
            f"{each.model.__name__}.{column.name}"
            for each in tables.FATES
            for column in written(each.model)
            if column.name not in (*each.texts, *each.overwritten)
        }
        assert kept == set()


class TestNothingIsLeft:
    def test_of_a_person_with_rows_in_every_table_also_after_a_backup_brought_them_back(
        self,
        world: World,
        admin: User,
        practitioner_client: Client,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        person = world.ids.pop("kept")
        plan = cleared_plan()
        SessionFactory(plan=plan, signed=True, started_at=ago(days=7))
        other = [plan.patient]
        draft = ConsultationFactory(patient=person, answers=[{"note": "of a draft"}])
        lent = AppointmentFactory(patient=person, note="at the other record for a while")
        Appointment.objects.filter(pk=lent.pk).update(patient=plan.patient)
        took = mark(tables.record_of(person))
        draft.answers.all().delete()
        draft.delete()
        assert {
            f"{model.__name__}.{column.name}" for model in of_patients() for column in written(model)
        } - took == FIXED
        history.seal(by=None, at=ago())
        names = list(Photo.objects.values_list("file_name", flat=True))
        files = [photographs.path_of(name) for name in names if photographs.path_of(name).exists()]
        before, marked_before, ledger = checksums(other), everywhere(), tmp_path / "erasures.ledger"
        assert (history_chain.verify().broken, bool(files), len(marked_before) > 60) == (None, True, True)

        # Control: a column that is forgotten keeps what was written there.
        with transaction.atomic():
            monkeypatch.setattr(erasing, "FATES", without(Session, "note"))
            erase(decided(person, admin))
            assert everywhere() == {"consultations_session", "consultations_sessionevent"}
            transaction.set_rollback(True)
        monkeypatch.undo()

        with transaction.atomic():
            for done in erase(decided(person, admin)):
                ledgers.note(done, ledger)
            assert everywhere() == set()
            transaction.set_rollback(True)
        assert everywhere() == marked_before  # as after the restore of a backup that is older

        def command() -> str:
            out = StringIO()
            call_command("erase_patients", again=True, ledger=ledger, heads=tmp_path / "heads", stdout=out)
            return out.getvalue()

        noted = ledger.read_text()
        assert "0 files" in command()
        assert everywhere() == set()
        assert checksums(other) == before
        assert [each for each in files if each.exists()] == []
        assert (disabled_triggers(), refused(person)) == (0, True)
        verdict = history_chain.verify(
            Head.read(line.split()[-1]) for line in (tmp_path / "heads").read_text().splitlines()
        )
        assert verdict.broken is None
        assert {each.reason for each in verdict.replaced} == {f"erasure {Erasure.objects.get().pk}"}

        # Once more: nothing is left to do, and nothing is done.
        after = checksums(tables.record_of(person))
        assert "rows" not in command()
        assert checksums(tables.record_of(person)) == after
        assert ledger.read_text().startswith(noted)

        # Every page about what stays still answers, to whoever reads records.
        for name in READ_STILL.split():
            answer = ask(practitioner_client, "get", world.address(f"consultations:{name}"))
            assert answer.status_code == HTTPStatus.OK, name


def refused(patient: Patient) -> bool:
    """Whether the guards are on again."""
    signed = Session.objects.filter(patient__in=tables.record_of(patient)).signed().first()
    return refusal_of(lambda: Session.objects.filter(pk=signed.pk).update(note="again")) == "session_signed"
