"""Two practitioners, two plans, one patient, one cap: never more on record than the cap, however the signatures meet."""

from collections.abc import Callable
from decimal import Decimal
from threading import Barrier

import pytest
from django.db.models import Sum

from clinic.errors import DomainError
from clinic.models import Practitioner
from consultations.actions import sessions
from consultations.models import Session, SessionDose
from consultations.rules import over_caps
from tests.clinic.test_races import race
from tests.consultations import course
from tests.factories import (
    ComponentFactory,
    DoseCapFactory,
    FormulaFactory,
    PractitionerFactory,
    SessionFactory,
    cleared_plan,
)
from tests.factories.clock import CLINIC_NOW, ago
from tests.guards import sql

pytestmark = pytest.mark.race


@pytest.fixture
def drafts(committed_db: str) -> list[Session]:
    """Two empty drafts of two plans, by two practitioners, with a cap of 100 mg over both."""
    component = ComponentFactory()
    DoseCapFactory(component_code=component.code, limit=100)
    formula = FormulaFactory(parts=[(component, Decimal(10))])
    knee = cleared_plan(formula=formula)
    face = cleared_plan(formula=formula, patient=knee.patient)
    return [
        SessionFactory(
            plan=plan, practitioner=PractitionerFactory(signs_in=True), started_at=ago(hours=1), lots=[]
        )
        for plan in (knee, face)
    ]


def author(draft: Session) -> Practitioner:
    return Practitioner.objects.get(pk=draft.practitioner_id)


def write(draft: Session) -> None:
    """Sixty milligrams."""
    course.written(draft, course.zones((60, "0.1")), by=author(draft).user, at=CLINIC_NOW)


def signer(draft: Session) -> Callable[[], object]:
    return lambda: sessions.sign(session=draft, version=None, by=author(draft).user, at=CLINIC_NOW)


def writer_and_signer(draft: Session) -> Callable[[], object]:
    def run() -> object:
        write(draft)
        return signer(draft)()

    return run


def on_record() -> Decimal:
    return SessionDose.objects.filter(session__signed_at__isnull=False).aggregate(
        total=Sum("amount", default=Decimal(0))
    )["total"]


def test_of_two_that_write_and_sign_at_once_at_most_one_is_signed(drafts: list[Session]) -> None:
    outcomes = race([writer_and_signer(draft) for draft in drafts])
    refusals = [each for each in outcomes if isinstance(each, Exception)]
    assert refusals, "120 mg were signed"
    assert {type(each) for each in refusals} == {over_caps.NeedsReason}
    assert {each.code for each in refusals if isinstance(each, DomainError)} == {"over_cap"}
    assert on_record() <= Decimal(100)


@pytest.fixture
def signed_at_once(drafts: list[Session], monkeypatch: pytest.MonkeyPatch) -> list[Session]:
    """Written drafts whose signatures take no lock and have both been judged before either is on record."""
    for draft in drafts:
        write(draft)
    both_judged, check = Barrier(2), over_caps.check_reasoned

    def judged_together(*args: object, **kwargs: object) -> None:
        check(*args, **kwargs)  # type: ignore[arg-type]
        both_judged.wait(timeout=60)

    monkeypatch.setattr(sessions, "hold_still", lambda patient: None)
    monkeypatch.setattr(over_caps, "check_reasoned", judged_together)
    return drafts


def test_without_the_locks_the_database_itself_refuses_the_second(signed_at_once: list[Session]) -> None:
    outcomes = race([signer(draft) for draft in signed_at_once])
    (refused,) = [each for each in outcomes if isinstance(each, DomainError)]
    assert (refused.code, on_record()) == ("session_over_cap", Decimal(60))


def test_without_locks_and_trigger_both_are_signed(signed_at_once: list[Session]) -> None:
    (trigger,) = [each for each in Session._meta.triggers if each.name == "session_over_cap"]
    sql(f'ALTER TABLE consultations_session DISABLE TRIGGER "{trigger.get_pgid(Session)}"')()
    race([signer(draft) for draft in signed_at_once])
    assert on_record() == Decimal(120)
