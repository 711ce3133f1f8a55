"""The session pages: judged, begun, written with running totals, signed; not given; deviations; the signed record."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from html import unescape
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import DjangoAssertNumQueries

from clinic.enums import AppointmentStatus, DeviceKind
from clinic.models import RecordOpened, User
from consultations import purposes
from consultations.actions import consents
from consultations.actions import sessions as actions
from consultations.enums import SessionOutcome, TechniqueFamily
from consultations.enums import TestRequirement as Requirement
from consultations.models import BodyZone, Deviation, Plan, PlannedSession, Session
from consultations.models import TestReading as Reading
from consultations.queries import facts_of_one
from consultations.session_page import banner
from tests.consultations import course
from tests.factories import (
    AppointmentFactory,
    ComponentFactory,
    ConsentWithdrawalFactory,
    ConsultationConfirmationFactory,
    DeviceFactory,
    FormulaFactory,
    LotFactory,
    PatientFactory,
    PractitionerFactory,
    SessionFactory,
    TechniqueFactory,
    cleared_plan,
    consented_plan,
)
from tests.factories.clock import CLINIC_NOW, TODAY, ago

pytestmark = pytest.mark.django_db


@pytest.fixture
def plan(clinic_now: datetime) -> Plan:
    """Cleared for its first session."""
    return cleared_plan(sessions=3)


@pytest.fixture
def draft(plan: Plan, practitioner_client: Client) -> Session:
    """Begun on the page a moment ago."""
    post(practitioner_client, "session_begin", first(plan).pk)
    return Session.objects.get()


@pytest.fixture
def kybella(clinic_now: datetime, practitioner_client: Client, practitioner_user: User) -> Session:
    """A draft of a plan with the label's caps: 50 points, 0.2 ml, 100 mg."""
    plan = course.cleared("FAT-DCA", by=practitioner_user, at=CLINIC_NOW)
    post(practitioner_client, "session_begin", first(plan).pk)
    return Session.objects.get()


def first(plan: Plan) -> PlannedSession:
    return plan.planned_sessions.get(ordinal=1)


def post(client: Client, route: str, key: Any, data: dict[str, Any] | None = None) -> HttpResponse:
    return client.post(reverse(f"consultations:{route}", args=[key]), data or {})


def get(client: Client, route: str, key: Any) -> HttpResponse:
    return client.get(reverse(f"consultations:{route}", args=[key]))


def filled(session: Session, *rows: tuple[int, str], **changes: Any) -> dict[str, Any]:
    """What the browser sends for a complete session; `changes` replace or add fields."""
    places = BodyZone.objects.current()[: len(rows)]
    data: dict[str, Any] = {"version": session.version, "zone_rows": len(rows)}
    for index, (place, (points, each)) in enumerate(zip(places, rows, strict=True)):
        data |= {
            f"zone{index}-zone": place.pk,
            f"zone{index}-points": points,
            f"zone{index}-ml_per_point": each,
            f"zone{index}-area_cm2": points,
        }
    for part in session.plan.formula.parts.all():
        lot = part.component.lots.order_by("expires_on").first()
        data[f"lot_{part.component.code}"] = [str(lot.pk)]
    data |= {"needle": "30G", "depth_mm": str(session.technique.depth_min_mm), "outcome": "complete"}
    return data | {"aftercare_given": "on", **changes}


def codes(answer: HttpResponse) -> set[str]:
    return answer.context["form"].error_codes


# --- Before it begins --------------------------------------------------------------------------------------------------


def test_the_banner_says_what_cleared_the_session(plan: Plan) -> None:
    reading = Reading.objects.get(patch_test__plan=plan)
    reading.patch_test.refresh_from_db()
    found = banner(facts_of_one(plan), first(plan), on=CLINIC_NOW)
    assert found.is_clear
    assert found.words == (
        "consultation 31 Jan 2026",
        "consent v1 of 10 Feb 2026",
        "test read 22 Feb 2026 (no reaction seen, valid to 22 Aug 2026)",
    )


def test_the_banner_says_when_the_consultation_was_confirmed_since(plan: Plan) -> None:
    for days in (9, 4):
        ConsultationConfirmationFactory(consultation=plan.consultation, confirmed_at=ago(days=days))
    found = banner(facts_of_one(plan), first(plan), on=CLINIC_NOW)
    assert found.words[:2] == ("consultation 31 Jan 2026", "confirmed 26 Feb 2026")


def test_the_banner_names_no_test_where_several_tests_clear_the_components_together(
    clinic_now: datetime,
) -> None:
    patient, parts = PatientFactory(), [(ComponentFactory(), 1), (ComponentFactory(), 1)]
    for each in parts:
        cleared_plan(patient=patient, formula=FormulaFactory(parts=[each]))
    both = {"formula": FormulaFactory(parts=parts), "test_policy__requirement": Requirement.NOT_AGAIN}
    plan = consented_plan(patient=patient, **both)
    found = banner(facts_of_one(plan), first(plan), on=CLINIC_NOW)
    assert found.is_clear
    assert found.words[-1] == "components tested before and valid"


def test_a_draft_says_what_closed_since_it_was_begun(draft: Session, practitioner_client: Client) -> None:
    """Begun when it was cleared, opened again after the patient has taken the consent back: nothing is injected any more."""
    words = "Closed since this record was begun"
    before = get(practitioner_client, "session", draft.pk).content.decode()
    assert "Cleared for today" in before and words not in before
    ConsentWithdrawalFactory(
        consent=draft.plan.consents.get(), withdrawn_at=CLINIC_NOW + timedelta(minutes=5)
    )
    page = get(practitioner_client, "session", draft.pk).content.decode()
    assert words in page and "No consent in force names this formula." in page
    assert "Cleared for today" not in page


def test_a_cleared_session_can_begin_and_attaches_to_the_visit_in_progress(
    practitioner_client: Client, plan: Plan
) -> None:
    visit = AppointmentFactory(
        patient=plan.patient, starts_at=ago(minutes=10), status=AppointmentStatus.IN_PROGRESS
    )
    page = get(practitioner_client, "session_of", first(plan).pk).content.decode()
    assert "Cleared for today" in page and "Begin session" in page
    answer = post(practitioner_client, "session_begin", first(plan).pk)
    session = Session.objects.get()
    assert answer["Location"] == reverse("consultations:session", args=[session.pk])
    assert (session.appointment, session.started_at) == (visit, CLINIC_NOW)


def test_one_that_is_not_cleared_says_what_is_missing_and_does_not_begin(practitioner_client: Client) -> None:
    plan = consented_plan()
    page = get(practitioner_client, "session_of", first(plan).pk).content.decode()
    assert "Not cleared" in page and "Begin session" not in page
    assert "The formula&#x27;s components need a test read without reaction" in page
    answer = post(practitioner_client, "session_begin", first(plan).pk)
    assert answer.status_code == 422
    assert Session.objects.count() == 0


def test_a_begun_session_opens_from_its_place_in_the_plan(
    practitioner_client: Client, draft: Session
) -> None:
    target = reverse("consultations:session", args=[draft.pk])
    assert get(practitioner_client, "session_of", draft.planned_id)["Location"] == target
    assert post(practitioner_client, "session_begin", draft.planned_id)["Location"] == target
    assert Session.objects.count() == 1


# --- The draft ---------------------------------------------------------------------------------------------------------


def test_the_draft_is_prefilled_from_the_template_and_the_first_lot_to_expire(
    practitioner_client: Client, practitioner_user: User, clinic_now: datetime
) -> None:
    plan = course.cleared("FACE-AMIN", by=practitioner_user, at=CLINIC_NOW)
    part = plan.formula.parts.first()
    soon = LotFactory(component=part.component, expires_on=TODAY + timedelta(days=9))
    LotFactory(component=part.component, expires_on=TODAY - timedelta(days=1))
    post(practitioner_client, "session_begin", first(plan).pk)
    context = get(practitioner_client, "session", Session.objects.get().pk).context
    (row,) = context["rows"].forms
    assert (row["points"].value(), row["ml_per_point"].value()) == (225, "0.01")
    assert context["form"][f"lot_{part.component.code}"].value() == [str(soon.pk)]
    assert len(context["form"].fields[f"lot_{part.component.code}"].choice.usable) == 2


def test_saving_keeps_the_draft_and_signing_seals_it(
    practitioner_client: Client, practitioner_user: User, draft: Session
) -> None:
    post(practitioner_client, "session", draft.pk, filled(draft, (10, "0.1"), save=1, outcome=""))
    draft.refresh_from_db()
    assert (draft.is_signed, draft.version, draft.needle) == (False, 2, "30G")
    page = get(practitioner_client, "session", draft.pk)
    assert page.context["bars"][0].value == Decimal(1)
    answer = post(practitioner_client, "session", draft.pk, filled(draft, (10, "0.1"), (5, "0,2"), sign=1))
    draft.refresh_from_db()
    assert answer.status_code == 302
    assert (draft.signed_by, draft.outcome, draft.ended_at) == (practitioner_user, "complete", CLINIC_NOW)
    assert [(zone.points, zone.volume_ml) for zone in draft.zones.all()] == [
        (10, Decimal(1)),
        (5, Decimal(1)),
    ]
    assert [dose.amount for dose in draft.doses.all()] == [Decimal(20), Decimal(4)]


def test_a5_the_51st_point_is_refused_at_the_zones_and_what_was_typed_stays(
    practitioner_client: Client, kybella: Session
) -> None:
    answer = post(
        practitioner_client, "session", kybella.pk, filled(kybella, (51, "0.19"), sign=1, note="went well")
    )
    assert answer.status_code == 422
    assert answer.context["zone_errors"] == (
        "51 points are more than the 50 that Deoxycholic acid (sodium deoxycholate) allows in a session.",
    )
    page = answer.content.decode()
    assert 'value="51"' in page and "went well" in page
    kybella.refresh_from_db()
    assert not kybella.is_signed
    again = filled(kybella, (50, "0.2"), sign=1)
    assert post(practitioner_client, "session", kybella.pk, again).status_code == 302


def test_a5_a_dose_over_its_cap_is_refused_with_its_arithmetic(
    practitioner_client: Client, kybella: Session
) -> None:
    data = filled(kybella, (50, "0.2"), sign=1) | {"zone0-volume_ml": "10.1", "zone0-area_cm2": "51"}
    answer = post(practitioner_client, "session", kybella.pk, data)
    assert answer.context["zone_errors"] == (
        "Deoxycholic acid (sodium deoxycholate): 101 mg are more than the cap (100 mg per session).",
    )


def test_a5_more_than_two_mg_on_a_square_centimetre_are_refused_and_the_area_is_asked(
    practitioner_client: Client, kybella: Session
) -> None:
    assert "Area, cm²" in get(practitioner_client, "session", kybella.pk).content.decode()
    said = []
    for area in ("", "9.5", "10"):
        kybella.refresh_from_db()
        data = filled(kybella, (10, "0.2"), sign=1) | {"zone0-area_cm2": area}
        answer = post(practitioner_client, "session", kybella.pk, data)
        said.append(answer.context["zone_errors"] if answer.status_code == 422 else answer.status_code)
    assert said == [
        ("Enter the area of every zone in cm²: a cap counts by it.",),
        ("2.106 mg per cm² are more than the 2 mg that Deoxycholic acid (sodium deoxycholate) allows.",),
        302,
    ]
    assert kybella.zones.get().area_cm2 == Decimal(10)


def test_where_no_cap_counts_by_area_none_is_asked(practitioner_client: Client, draft: Session) -> None:
    assert "Area, cm²" not in get(practitioner_client, "session", draft.pk).content.decode()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("zone0-points", "-5"),
        ("zone0-points", "2001"),
        ("zone0-points", "ten"),
        ("zone0-ml_per_point", "-0.1"),
        ("zone0-ml_per_point", "5.1"),
        ("zone0-ml_per_point", "1e400"),
        ("zone0-ml_per_point", "NaN"),
        ("zone0-volume_ml", "1000"),
        ("zone0-zone", "999999"),
        ("zone0-zone", ""),
    ],
)
def test_absurd_zones_are_refused_next_to_the_field_and_nothing_is_saved(
    practitioner_client: Client, draft: Session, name: str, value: str
) -> None:
    answer = post(
        practitioner_client, "session", draft.pk, filled(draft, (10, "0.1"), save=1) | {name: value}
    )
    (row,) = answer.context["rows"].forms
    assert answer.status_code == 422
    assert set(row.errors) == {name.partition("-")[2]}
    draft.refresh_from_db()
    assert (draft.version, draft.zones.count()) == (1, 0)


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("depth_mm", "21", "max_value"),
        ("depth_mm", "-1", "min_value"),
        ("depth_mm", "1,000", "ambiguous"),
        ("outcome", "perfect", "invalid_choice"),
        ("outcome", "partial", "reason_missing"),
        ("needle", "x" * 61, "max_length"),
        ("note", "fine\x00", "null_character"),
        ("version", "soon", "invalid"),
        ("ended_at_0", "2026-03-01", "invalid_time"),
    ],
)
def test_a_field_that_makes_no_sense_is_refused_and_nothing_is_saved(
    practitioner_client: Client, draft: Session, name: str, value: str, code: str
) -> None:
    answer = post(
        practitioner_client, "session", draft.pk, filled(draft, (10, "0.1"), save=1) | {name: value}
    )
    assert (answer.status_code, codes(answer)) == (422, {code})
    draft.refresh_from_db()
    assert draft.version == 1


@pytest.mark.parametrize(("clock", "found"), [("08:58", {"ended_before"}), ("09:00", set())])
def test_a_session_does_not_end_before_it_began(
    practitioner_client: Client, draft: Session, clock: str, found: set[str]
) -> None:
    data = filled(draft, (10, "0.1"), save=1, ended_at_0="2026-03-02", ended_at_1=clock)
    answer = post(practitioner_client, "session", draft.pk, data)
    draft.refresh_from_db()
    assert (answer.status_code, draft.ended_at) == ((422, None) if found else (302, CLINIC_NOW))
    assert not found or codes(answer) == found


def test_a_zone_has_an_area(practitioner_client: Client, kybella: Session) -> None:
    data = filled(kybella, (10, "0.1"), save=1) | {"zone0-area_cm2": "0"}
    answer = post(practitioner_client, "session", kybella.pk, data)
    (row,) = answer.context["rows"].forms
    assert (answer.status_code, dict(row.errors)) == (422, {"area_cm2": ["Above zero."]})
    assert kybella.zones.count() == 0


def test_a_zone_named_twice_is_refused(practitioner_client: Client, draft: Session) -> None:
    data = filled(draft, (10, "0.1"), (5, "0.1"), save=1)
    answer = post(practitioner_client, "session", draft.pk, data | {"zone1-zone": data["zone0-zone"]})
    assert [form.error_codes for form in answer.context["rows"].forms] == [{"zone_twice"}, {"zone_twice"}]


def test_adding_a_zone_keeps_what_was_typed_judges_nothing_and_saves_nothing(
    practitioner_client: Client, draft: Session
) -> None:
    data = filled(draft, (10, "0.1"), add_zone=1) | {"zone0-zone": "", "note": "half way"}
    answer = post(practitioner_client, "session", draft.pk, data)
    assert answer.status_code == 200
    assert [form["points"].value() for form in answer.context["rows"].forms] == ["10", None]
    assert "half way" in answer.content.decode() and "invalid-feedback" not in answer.content.decode()
    draft.refresh_from_db()
    assert draft.version == 1


@pytest.mark.parametrize("count", ["", "x", "0", "999", "-3"])
def test_a_nonsense_number_of_rows_breaks_nothing(
    practitioner_client: Client, draft: Session, count: str
) -> None:
    data = filled(draft, (10, "0.1"), save=1) | {"zone_rows": count}
    assert post(practitioner_client, "session", draft.pk, data).status_code == 302


def test_a_stale_page_is_told_and_keeps_what_was_typed(practitioner_client: Client, draft: Session) -> None:
    stale = filled(draft, (10, "0.1"), save=1, note="from the other window")
    post(practitioner_client, "session", draft.pk, filled(draft, (5, "0.1"), save=1))
    answer = post(practitioner_client, "session", draft.pk, stale)
    assert (answer.status_code, codes(answer)) == (409, {"stale_record"})
    assert "from the other window" in answer.content.decode()
    assert draft.zones.get().points == 5


def test_running_totals_are_computed_by_the_server_and_save_nothing(
    practitioner_client: Client, kybella: Session
) -> None:
    data = filled(kybella, (42, "0.2")) | {"zone0-zone": ""}
    answer = post(practitioner_client, "session_doses", kybella.pk, data)
    bars = {bar.label: (bar.value, bar.cap) for bar in answer.context["bars"]}
    assert bars == {
        "Volume": (Decimal("8.4"), None),
        "Points": (Decimal(42), Decimal(50)),
        "Most at one point": (Decimal("0.2"), Decimal("0.2")),
        "Most on one cm²": (Decimal(2), Decimal(2)),
        "Deoxycholic acid (sodium deoxycholate)": (Decimal(84), Decimal(100)),
    }
    assert "84 of 100 mg" in answer.content.decode()
    assert "8.4 ml × 10 mg per ml = 84 mg · cap: 100 mg per session" in answer.content.decode()
    assert kybella.zones.count() == 0


def test_a2_the_third_session_counts_twenty_milligrams_in_three_millilitres(
    practitioner_client: Client, practitioner_user: User, clinic_now: datetime
) -> None:
    plan = course.cleared("PAIN-ACUTE-LBP", by=practitioner_user, at=ago(days=6))
    for ordinal, days in ((1, 6), (2, 3)):
        course.given(
            plan,
            ordinal,
            rows=course.zones((20, "0.15")),
            by=practitioner_user,
            at=ago(days=days),
            weight_kg=Decimal(70),
        )
    third = plan.planned_sessions.get(ordinal=3)
    waiting = get(practitioner_client, "session_of", third.pk).content.decode()
    post(practitioner_client, "session_begin", third.pk)
    session = Session.objects.get(planned=third)
    answer = post(practitioner_client, "session_doses", session.pk, filled(session, (20, "0.15")))
    assert "3 ml × 6.6667 mg per ml = 20 mg · cap: 40 mg per session" in answer.content.decode()
    page = get(practitioner_client, "session", session.pk).content.decode()
    assert ["methylprednisolone 20 mg" in each for each in (waiting, page)] == [True, True]
    agreed = get(practitioner_client, "plan", plan.pk).content.decode()
    assert "Sessions 3, 4, 5" in agreed


def test_the_running_total_names_a_colleagues_draft_of_another_plan(
    practitioner_client: Client, draft: Session
) -> None:
    other = cleared_plan(formula=draft.plan.formula, patient=draft.patient)
    theirs = SessionFactory(plan=other, lots=[], zones=[{"points": 10}], started_at=ago(minutes=20))
    page = post(practitioner_client, "session_doses", draft.pk, filled(draft, (20, "0.1"))).content.decode()
    assert f"10 mg of it: in the draft of {theirs.practitioner}, begun" in page


def test_the_usual_figures_of_the_course_count_once_their_zone_is_chosen(
    practitioner_client: Client, practitioner_user: User, clinic_now: datetime
) -> None:
    plan = course.cleared("PAIN-ACUTE-LBP", by=practitioner_user, at=CLINIC_NOW)
    post(practitioner_client, "session_begin", first(plan).pk)
    session = Session.objects.get()
    words = "They count once its zone is chosen."
    assert words in get(practitioner_client, "session", session.pk).content.decode()
    typed = filled(session, (20, "0.15"))
    chosen, without = (
        post(practitioner_client, "session_doses", session.pk, typed | zone)
        for zone in ({}, {"zone0-zone": "", "zone0-area_cm2": ""})
    )
    assert [words in each.content.decode() for each in (chosen, without)] == [False, True]
    volumes = [{bar.label: bar.value for bar in each.context["bars"]}["Volume"] for each in (chosen, without)]
    assert volumes == [Decimal(3), Decimal(0)]


def test_a6_the_weight_is_asked_where_a_cap_counts_per_kg(
    practitioner_client: Client, practitioner_user: User, clinic_now: datetime
) -> None:
    plan = course.cleared("PAIN-ACUTE-LBP", by=practitioner_user, at=CLINIC_NOW)
    post(practitioner_client, "session_begin", first(plan).pk)
    session = Session.objects.get()
    answer = post(practitioner_client, "session", session.pk, filled(session, (20, "0.15"), sign=1))
    assert codes(answer) == {"weight_missing"}
    # Until it is typed, the cap that is shown is not the only one.
    words = "A cap of 4.5 mg per kg counts too: enter the weight."
    without, with_weight = (
        post(practitioner_client, "session_doses", session.pk, filled(session, (20, "0.15"), **weight))
        for weight in ({}, {"weight_kg": "50"})
    )
    assert [words in each.content.decode() for each in (without, with_weight)] == [True, False]
    assert "20 of 225 mg" in with_weight.content.decode()
    session.refresh_from_db()
    data = filled(session, (20, "0.15"), sign=1, weight_kg="50", score_before="6", score_after="4")
    assert post(practitioner_client, "session", session.pk, data).status_code == 302
    session.refresh_from_db()
    doses = {
        dose.component.code: (dose.amount, dose.cap_amount)
        for dose in session.doses.select_related("component")
    }
    assert doses["lidocaine"] == (Decimal(20), Decimal(225))
    assert [(score.moment, score.value) for score in session.scores.all()] == [("before", 6), ("after", 4)]


@pytest.mark.parametrize(
    ("family", "asked"),
    [
        (TechniqueFamily.NEEDLE, ["needle", "depth_mm"]),
        (TechniqueFamily.GUN, ["device", "depth_mm", "gun_mode", "shots_per_minute"]),
        (TechniqueFamily.NEEDLELESS, ["device", "program", "intensity", "minutes_applied"]),
    ],
)
def test_each_technique_asks_for_its_own_parameters(
    practitioner_client: Client, clinic_now: datetime, family: TechniqueFamily, asked: list[str]
) -> None:
    plan = cleared_plan(technique=TechniqueFactory(family=family))
    post(practitioner_client, "session_begin", first(plan).pk)
    form = get(practitioner_client, "session", Session.objects.get().pk).context["form"]
    assert form.technique_names == asked


def test_a_needleless_session_is_signed_with_an_area_s_volume(
    practitioner_client: Client, clinic_now: datetime
) -> None:
    plan = cleared_plan(technique=TechniqueFactory(family=TechniqueFamily.NEEDLELESS))
    device = DeviceFactory(kind=DeviceKind.NEEDLELESS)
    post(practitioner_client, "session_begin", first(plan).pk)
    session = Session.objects.get()
    data = filled(
        session, (0, "0"), sign=1, device=device.pk, program="face", intensity="3", minutes_applied="10"
    )
    answer = post(practitioner_client, "session", session.pk, data | {"zone0-volume_ml": "3"})
    assert answer.status_code == 302
    assert [(zone.points, zone.volume_ml) for zone in session.zones.all()] == [(0, Decimal(3))]


def test_reactions_from_the_list_are_kept_with_their_grade(
    practitioner_client: Client, draft: Session
) -> None:
    post(practitioner_client, "session", draft.pk, filled(draft, (10, "0.1"), save=1, reaction_bruising="2"))
    assert [(each.reaction.code, each.grade) for each in draft.reactions.all()] == [("bruising", 2)]
    form = get(practitioner_client, "session", draft.pk).context["form"]
    assert (form["reaction_bruising"].value(), form.has_reactions) == ("2", True)


# --- Not given, deviations ---------------------------------------------------------------------------------------------


def test_not_given_is_recorded_with_its_reason_and_the_session_stays_to_be_given(
    practitioner_client: Client, plan: Plan
) -> None:
    refused = post(practitioner_client, "session_not_given", first(plan).pk, {"reason": " "})
    assert (refused.status_code, Session.objects.count()) == (422, 0)
    answer = post(practitioner_client, "session_not_given", first(plan).pk, {"reason": "fever"})
    assert answer["Location"] == reverse("consultations:patient", args=[plan.patient_id])
    session = Session.objects.get()
    assert (session.outcome, session.outcome_reason, session.is_signed) == (
        SessionOutcome.NOT_GIVEN,
        "fever",
        True,
    )
    page = get(practitioner_client, "session_of", first(plan).pk)
    assert page.status_code == 200 and "fever" in page.content.decode()


def test_not_given_at_its_own_visit_leads_to_the_later_visits_of_the_course(
    practitioner_client: Client, plan: Plan
) -> None:
    visit = AppointmentFactory(
        patient=plan.patient,
        purpose=purposes.session_of(first(plan)),
        status=AppointmentStatus.IN_PROGRESS,
        starts_at=ago(hours=1),
    )
    answer = post(practitioner_client, "session_not_given", first(plan).pk, {"reason": "fever"})
    assert answer["Location"] == reverse("clinic:appointment_later", args=[visit.pk])
    assert Session.objects.get().appointment == visit


def test_what_had_closed_before_it_began_keeps_it_unsigned_and_is_said_with_who_can_help(
    practitioner_client: Client, draft: Session
) -> None:
    """Withdrawn and begun in the same moment by two people: the withdrawal comes to be known a little later."""
    ConsentWithdrawalFactory(consent=draft.plan.consents.get(), withdrawn_at=ago(hours=2))
    answer = post(practitioner_client, "session", draft.pk, filled(draft, (10, "0.1"), sign=1))
    (missing,) = answer.context["banner"].conditions
    assert (answer.status_code, missing.code) == (422, "consent")
    shown = unescape(answer.content.decode())
    assert missing.detail in shown and missing.who in shown and 'value="10"' in shown
    draft.refresh_from_db()
    assert (draft.is_signed, draft.version, draft.zones.count()) == (False, 1, 0)


def test_a_deviation_lists_what_was_missing_and_opens_its_record(
    practitioner_client: Client, practitioner_user: User, plan: Plan
) -> None:
    consents.withdraw(consent=plan.consents.get(), reason="", by=practitioner_user, at=ago(hours=3))
    page = get(practitioner_client, "session_deviation", first(plan).pk).content.decode()
    assert "No consent in force names this formula." in page
    data = {"started_at_0": "2026-03-02", "started_at_1": "08:10", "reason": "seen too late"}
    answer = post(practitioner_client, "session_deviation", first(plan).pk, data)
    session = Session.objects.get()
    assert answer["Location"] == reverse("consultations:session", args=[session.pk])
    assert (session.deviation.codes, session.deviation.reason) == (["consent"], "seen too late")
    record = get(practitioner_client, "session", session.pk).content.decode()
    assert "Deviation: given outside the rules" in record and "Cleared for today" not in record


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ({"started_at_0": "2026-03-02", "started_at_1": "09:30", "reason": "x"}, "future"),
        ({"started_at_0": "2026-03-02", "started_at_1": "08:10", "reason": ""}, "required"),
        ({"started_at_0": "9999-03-02", "started_at_1": "08:10", "reason": "x"}, "out_of_range"),
        ({"started_at_0": "2025-03-30", "started_at_1": "02:30", "reason": "x"}, "nonexistent"),
        ({"started_at_0": "2025-10-26", "started_at_1": "02:30", "reason": "x"}, "ambiguous"),
    ],
)
def test_a_deviation_with_an_impossible_time_or_no_reason_is_refused(
    practitioner_client: Client, plan: Plan, data: dict[str, str], code: str
) -> None:
    ConsentWithdrawalFactory(consent=plan.consents.get())
    answer = post(practitioner_client, "session_deviation", first(plan).pk, data)
    assert (answer.status_code, codes(answer)) == (422, {code})
    assert (Deviation.objects.count(), Session.objects.count()) == (0, 0)


# --- The record --------------------------------------------------------------------------------------------------------


def test_the_signed_record_shows_doses_lots_seal_and_aftercare(
    practitioner_client: Client, plan: Plan
) -> None:
    session = SessionFactory(plan=plan, signed=True)
    page = get(practitioner_client, "session", session.pk).content.decode()
    lot = session.used_lots.first().lot
    for expected in (lot.number, "Doses", session.content_hash[:12], "Print aftercare", "Add to this record"):
        assert expected in page
    assert 'name="sign"' not in page
    assert RecordOpened.objects.filter(page="consultations:session").count() == 1


def test_a_signed_record_cannot_be_saved_again(practitioner_client: Client, plan: Plan) -> None:
    session = SessionFactory(plan=plan, signed=True)
    answer = post(practitioner_client, "session", session.pk, filled(session, (10, "0.1"), sign=1))
    assert (answer.status_code, codes(answer)) == (422, {"signed"})


def test_a_colleague_s_draft_is_read_only_and_offers_to_take_over(
    practitioner_client: Client, plan: Plan
) -> None:
    session = SessionFactory(plan=plan, practitioner=PractitionerFactory(signs_in=True))
    page = get(practitioner_client, "session", session.pk).content.decode()
    assert "Take over in my name" in page and 'name="sign"' not in page
    answer = post(practitioner_client, "session", session.pk, filled(session, (10, "0.1"), save=1))
    assert answer.status_code == 403
    assert post(practitioner_client, "session_doses", session.pk).status_code == 403


@pytest.mark.parametrize("rows", [1, 3])
def test_the_draft_takes_a_fixed_number_of_queries(
    practitioner_client: Client, draft: Session, django_assert_num_queries: DjangoAssertNumQueries, rows: int
) -> None:
    post(practitioner_client, "session", draft.pk, filled(draft, *[(5, "0.1")] * rows, save=1))
    with django_assert_num_queries(DRAFT_QUERIES):
        get(practitioner_client, "session", draft.pk)


DRAFT_QUERIES = 45


@pytest.mark.parametrize("route", ["session_of", "session_not_given", "session_deviation", "session"])
def test_sessions_are_for_practitioners(
    reception_client: Client, admin_client: Client, client: Client, plan: Plan, route: str
) -> None:
    key = SessionFactory(plan=plan).pk if route == "session" else first(plan).pk
    for other in (reception_client, admin_client):
        assert get(other, route, key).status_code == 404
    assert get(client, route, key).status_code == 302
    for other in (reception_client, admin_client):
        assert post(other, "session_begin", first(plan).pk).status_code == 404


def test_unknown_sessions_are_not_found(practitioner_client: Client) -> None:
    unknown = "00000000-0000-4000-8000-000000000000"
    for route in ("session_of", "session_not_given", "session_deviation", "session"):
        assert get(practitioner_client, route, unknown).status_code == 404
    for route in ("session_begin", "session_doses"):
        assert post(practitioner_client, route, unknown).status_code == 404


@pytest.mark.parametrize(
    ("outcome", "leads"),
    [(SessionOutcome.PARTIAL, True), (SessionOutcome.NOT_GIVEN, True), (SessionOutcome.COMPLETE, False)],
)
def test_what_was_not_wholly_given_leads_to_the_later_visits(
    practitioner_client: Client, outcome: SessionOutcome, leads: bool
) -> None:
    plan = cleared_plan(sessions=2)
    planned = plan.planned_sessions.first()
    visit = AppointmentFactory(
        patient=plan.patient,
        purpose=purposes.session_of(planned),
        status="in_progress",
        starts_at=ago(hours=1),
    )
    reason = "" if outcome == SessionOutcome.COMPLETE else "felt faint"
    injected = {"zones": [], "lots": [], "doses": []} if outcome == SessionOutcome.NOT_GIVEN else {}
    session = SessionFactory(
        plan=plan,
        planned=planned,
        appointment=visit,
        signed=True,
        outcome=outcome,
        outcome_reason=reason,
        **injected,
    )
    address = reverse("clinic:appointment_later", args=[visit.pk])
    shown = practitioner_client.get(reverse("consultations:session", args=[session.pk])).content.decode()
    assert (f'href="{address}"' in shown) is leads
    if leads:
        assert practitioner_client.get(address).status_code == 200


# --- Above a cap --------------------------------------------------------------------------------------------------------


def test_an_overdose_is_refused_with_a_place_for_the_reason_and_signed_with_it(
    practitioner_client: Client, kybella: Session
) -> None:
    assert not get(practitioner_client, "session", kybella.pk).context["asks_reason"]
    typed = filled(kybella, (50, "0.2"), **{"zone0-volume_ml": "10.1", "zone0-area_cm2": "51", "sign": "1"})
    refused = post(practitioner_client, "session", kybella.pk, typed)
    shown = refused.content.decode()
    assert refused.status_code == 422
    assert "101 mg are more than the cap (100 mg per session)." in shown
    assert "Why it was injected all the same" in shown
    assert not Deviation.objects.exists()
    kybella.refresh_from_db()
    assert not kybella.is_signed
    again = typed | {"version": kybella.version, "deviation_reason": "misread the syringe"}
    answer = post(practitioner_client, "session", kybella.pk, again)
    record = practitioner_client.get(answer["Location"]).content.decode()
    assert "misread the syringe Outside the rules: more of a component than its cap allows." in record
    assert "101 mg are more than the cap (100 mg per session)." in record


def test_while_a_reason_is_asked_the_totals_say_what_is_exceeded_now_and_take_the_question_back(
    practitioner_client: Client, kybella: Session
) -> None:
    def totals(ml: str, **more: str) -> str:
        typed = filled(kybella, (50, "0.2"), **{"zone0-volume_ml": ml, "zone0-area_cm2": "60"}, **more)
        return post(practitioner_client, "session_doses", kybella.pk, typed).content.decode()

    # Nobody was asked yet: the bar alone says it.
    assert "102 of 100 mg" in totals("10.2")
    assert "hx-swap-oob" not in totals("10.2")
    still = totals("10.2", deviation_reason="")
    assert "102 mg are more than the cap (100 mg per session)." in still
    assert '<ul id="outside-words" hx-swap-oob="true">' in still
    corrected = totals("10", deviation_reason="misread the syringe")
    assert '<div id="outside-the-rules" hx-swap-oob="delete"></div>' in corrected
    assert "more than the cap" not in corrected


def test_the_incident_list_shows_the_arithmetic_to_those_who_read_records(
    practitioner_client: Client, admin_client: Client, kybella: Session, practitioner_user: User
) -> None:
    rows = [replace(course.zones((50, "0.2"))[0], volume_ml=Decimal("10.1"), area_cm2=Decimal(51))]
    course.written(kybella, rows, by=practitioner_user, at=CLINIC_NOW)
    actions.sign(
        session=kybella, version=None, deviation_reason="misread", by=practitioner_user, at=CLINIC_NOW
    )
    url = reverse("consultations:incidents")
    seen, by_admin = (client.get(url).content.decode() for client in (practitioner_client, admin_client))
    assert "101 mg are more than the cap (100 mg per session)." in seen
    for page in (seen, by_admin):
        assert "more of a component than its cap allows" in page
    assert "101 mg" not in by_admin
    assert "misread" not in by_admin


def test_a_signature_beside_a_colleagues_draft_says_what_both_would_be(
    practitioner_client: Client, kybella: Session
) -> None:
    other = course.cleared("FAT-DCA", by=kybella.practitioner.user, at=CLINIC_NOW, patient=kybella.patient)
    colleague = PractitionerFactory(signs_in=True)
    SessionFactory(plan=other, practitioner=colleague, started_at=CLINIC_NOW, zones=[{"points": 50}])
    typed = filled(kybella, (50, "0.2"), sign="1")
    answer = post(practitioner_client, "session", kybella.pk, typed)
    kybella.refresh_from_db()
    assert kybella.is_signed
    shown = practitioner_client.get(answer["Location"]).content.decode()
    assert "with drafts of today 150 mg, more than the cap (100 mg per session)." in shown


def test_the_deviation_page_says_where_an_overdose_is_recorded(
    practitioner_client: Client, plan: Plan
) -> None:
    shown = get(practitioner_client, "session_deviation", first(plan).pk).content.decode()
    assert "More injected than a cap allows is not recorded here" in shown


def test_several_caps_that_are_exceeded_are_said_one_by_one(
    practitioner_client: Client, kybella: Session
) -> None:
    typed = filled(kybella, (60, "0.3"), **{"zone0-volume_ml": "18", "zone0-area_cm2": "51", "sign": "1"})
    refused = post(practitioner_client, "session", kybella.pk, typed)
    said = refused.context["zone_errors"]
    assert len(said) >= 2
    assert "180 mg are more than the cap (100 mg per session)." in said[-1]
    shown = unescape(refused.content.decode())
    for sentence in said:
        assert f"<li>{sentence}</li>" in shown
