"""What a patient is told after a session: real times, only what holds for it, kept word for word."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from clinic.models import ClinicSettings, Practitioner, User
from consultations.actions import sessions
from consultations.models import AftercareRule, AftercareSheet, BodyZone, RedFlag, Session
from consultations.rules.aftercare import holds, sheet_of, until
from tests.factories import (
    AftercareRuleFactory,
    AftercareScopeFactory,
    FormulaFactory,
    SessionFactory,
    SessionZoneFactory,
    lots_of,
)
from tests.factories.clock import CLINIC_NOW

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clinic_now")]


def on_the_clock(moment: datetime) -> str:
    return timezone.localtime(moment).strftime("%A %H:%M")


def test_the_times_are_counted_from_the_end_the_soonest_first() -> None:
    rules = [AftercareRuleFactory(name="Exercise", hours=72), AftercareRuleFactory(name="Shower", hours=8)]
    ended = CLINIC_NOW.replace(minute=30, second=12, microsecond=7)
    assert [(each.what, each.until) for each in until(rules, ended_at=ended)] == [
        ("Shower", CLINIC_NOW.replace(hour=17, minute=30)),
        ("Exercise", CLINIC_NOW.replace(day=5, minute=30)),
    ]


@pytest.mark.parametrize(
    ("ended", "words"),
    [
        (datetime(2026, 11, 23, 13, 30, tzinfo=UTC), "Thursday 14:30"),
        # 72 hours are 72 hours: over the night of 25 October the clock shows an hour less.
        (datetime(2026, 10, 23, 12, 30, tzinfo=UTC), "Monday 13:30"),
    ],
    ids=["an ordinary week", "over the clock change"],
)
def test_no_strenuous_exercise_before_thursday_half_past_two(ended: datetime, words: str) -> None:
    rule = AftercareRule.objects.current().get(code="exercise")
    (advice,) = until([rule], ended_at=ended)
    assert on_the_clock(advice.until) == words


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        (None, True),
        ({"view": "scalp"}, True),
        ({"view": "face"}, False),
        ({"view": "", "technique_code": "nappage"}, True),
        ({"view": "", "technique_code": "pc_dc"}, False),
        ({"view": "", "formula_code": "F-HAIR"}, True),
        ({"view": "scalp", "technique_code": "pc_dc"}, False),
    ],
)
def test_a_rule_holds_where_everything_its_scope_names_fits(
    scope: dict[str, str] | None, expected: bool
) -> None:
    rule = AftercareRuleFactory(code="hair")
    scopes = {} if scope is None else {"hair": [AftercareScopeFactory(rule_code="hair", **scope)]}
    found = holds(rule, scopes, technique_code="nappage", formula_code="F-HAIR", views={"scalp"})
    assert found is expected


def test_of_several_scopes_one_that_fits_is_enough() -> None:
    rule = AftercareRuleFactory(code="hair")
    scopes = {
        "hair": [AftercareScopeFactory(rule_code="hair", view=view, code=view) for view in ("face", "scalp")]
    }
    assert holds(rule, scopes, technique_code="x", formula_code="y", views={"scalp"})


@pytest.mark.parametrize(
    ("views", "told"),
    [({"scalp"}, {"hair_wash"}), ({"face"}, {"make_up"}), ({"body_back"}, set()), (set(), set())],
)
def test_hair_is_spoken_of_only_after_the_scalp_and_make_up_after_the_face(
    views: set[str], told: set[str]
) -> None:
    names = dict(AftercareRule.objects.current().values_list("name", "code"))
    advice = sheet_of(SessionFactory(), views=views, ended_at=CLINIC_NOW).advice
    narrowed = {"hair_wash", "make_up"}
    assert {names[each.what] for each in advice} == (set(names.values()) - narrowed) | told


def test_a_session_with_its_own_formula_is_told_what_holds_for_that_one() -> None:
    session = SessionFactory()
    own = FormulaFactory(code="F-OWN")
    rule = AftercareRuleFactory(name="Own formula only", code="own")
    AftercareScopeFactory(rule_code="own", view="", formula_code="F-OWN")
    told = [each.what for each in sheet_of(session, views=(), ended_at=CLINIC_NOW).advice]
    assert rule.name not in told
    session.planned.formula = own
    told = [each.what for each in sheet_of(session, views=(), ended_at=CLINIC_NOW).advice]
    assert rule.name in told


@pytest.fixture
def signed(doctor: Practitioner, practitioner_user: User) -> Session:
    """A session of the face, signed with the aftercare handed out."""
    draft = SessionFactory(
        practitioner=doctor, needle="30G", depth_mm=2, outcome="complete", aftercare_given=True
    )
    SessionZoneFactory(session=draft, zone=BodyZone.objects.current().get(code="cheek_left"))
    for lot in lots_of(draft.plan.formula):
        draft.used_lots.create(lot=lot)
    return sessions.sign(session=draft, version=draft.version, by=practitioner_user, at=CLINIC_NOW)


def test_the_sheet_is_kept_as_it_was_handed_out(signed: Session, practitioner_user: User) -> None:
    kept = AftercareSheet.objects.get()
    assert (kept.session, kept.handed_by, kept.handed_at) == (signed, practitioner_user, CLINIC_NOW)
    assert kept.emergency_number == ClinicSettings.objects.get().emergency_number
    before = sheet_of(Session.objects.get(), views=(), ended_at=CLINIC_NOW)
    assert before.emergency_number == kept.emergency_number != ""
    assert before.is_kept and ("Make-up on the area", CLINIC_NOW + timedelta(hours=24)) in [
        (each.what, each.until) for each in before.advice
    ]
    AftercareRule.objects.current().update(retired_at=CLINIC_NOW)
    RedFlag.objects.current().update(retired_at=CLINIC_NOW)
    assert sheet_of(Session.objects.get(), views=(), ended_at=CLINIC_NOW) == before


def test_the_record_shows_the_kept_sheet(practitioner_client: Client, signed: Session) -> None:
    AftercareRule.objects.current().update(retired_at=CLINIC_NOW)
    page = practitioner_client.get(reverse("consultations:session", args=[signed.pk])).content.decode()
    for words in (
        "Make-up on the area",
        "Kept as handed out",
        "wheezing or trouble breathing",
        "the skin breaks down",
    ):
        assert words in page


def test_a_session_that_was_not_given_has_no_sheet(doctor: Practitioner, practitioner_user: User) -> None:
    draft = SessionFactory(practitioner=doctor, outcome="not_given", outcome_reason="fever")
    sessions.sign(session=draft, version=draft.version, by=practitioner_user, at=CLINIC_NOW)
    assert not AftercareSheet.objects.exists()
