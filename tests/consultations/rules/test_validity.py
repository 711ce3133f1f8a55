"""How long consultations and consents hold: whole days of the clinic, the same in Python and in the database."""

from datetime import date, datetime, timedelta

import pytest
from django.db import connection

from clinic.gaps import months_later
from clinic.models import Patient
from clinic.rules.people import of_age_from
from consultations.models import PathwayPolicy, Plan
from consultations.queries import facts_of_one
from consultations.rules import consent, validity
from consultations.rules.gates import consent as consent_gate
from tests.consultations.policies import decided
from tests.factories import (
    ConsentFactory,
    ConsultationConfirmationFactory,
    ConsultationFactory,
    PlanFactory,
    consented_plan,
)
from tests.factories.clock import PARIS, ago
from tests.guards import without

DAY = timedelta(days=1)


def gate(part: str, plan: Plan, on: datetime, known_by: datetime | str = "infinity") -> str | None:
    """What one part of the SQL gate says; by itself it judges days to come, too."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {part}(%s, %s, %s, NULL, %s)", [plan.pk, plan.patient_id, on, known_by])
        return cursor.fetchone()[0]


def morning(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 9, tzinfo=PARIS)


@pytest.mark.parametrize("born", [date(2008, 1, 1) + n * DAY for n in range(0, 1461, 37)])
def test_of_age_on_the_day_the_age_says(born: date) -> None:
    day = of_age_from(born)
    assert [Patient(birth_date=born).age_on(each) for each in (day - DAY, day)] == [17, 18]


def test_born_on_29_february_of_age_on_1_march() -> None:
    assert of_age_from(date(2008, 2, 29)) == date(2026, 3, 1)
    assert of_age_from(date(2008, 2, 28)) == date(2026, 2, 28)


@pytest.mark.django_db
class TestAConsent:
    @pytest.mark.parametrize(
        ("signed", "ends"),
        [
            (date(2026, 3, 2), date(2027, 3, 2)),
            (date(2024, 2, 29), date(2025, 2, 28)),  # there is no 29th
            (date(2023, 2, 28), date(2024, 2, 28)),
            (date(2025, 12, 31), date(2026, 12, 31)),
        ],
    )
    def test_it_holds_for_a_year_to_the_day(self, signed: date, ends: date) -> None:
        plan = PlanFactory()
        ConsentFactory(plan=plan, signed_at=morning(signed))
        assert _ends(plan) == ends
        assert _both(plan, ends - DAY) == {True}
        assert _both(plan, ends) == {False}

    @pytest.mark.parametrize(
        ("born", "of_age"),
        [
            (date(2008, 2, 29), date(2026, 3, 1)),
            (date(2008, 2, 28), date(2026, 2, 28)),
            (date(2008, 3, 1), date(2026, 3, 1)),
            (date(2008, 12, 31), date(2026, 12, 31)),
        ],
    )
    def test_a_minors_ends_on_the_18th_birthday(self, born: date, of_age: date) -> None:
        plan = PlanFactory(patient__birth_date=born, patient__representative_name="Clara Moreau")
        signed = morning(of_age - 60 * DAY)
        ConsentFactory(plan=plan, signer="representative", signer_relation="mother", signed_at=signed)
        assert _ends(plan) == of_age
        assert _both(plan, of_age - DAY) == {True}
        assert _both(plan, of_age) == {False}

    @pytest.mark.parametrize(("days_before", "ends"), [(1, date(2026, 2, 28)), (0, date(2027, 2, 28))])
    def test_a_representative_who_signs_on_that_very_day_signs_for_a_grown_up(
        self, days_before: int, ends: date
    ) -> None:
        """Somebody who is of age can be represented too: that consent does not end on the day it is signed."""
        of_age = date(2026, 2, 28)
        plan = PlanFactory(patient__birth_date=date(2008, 2, 28), patient__representative_name="Clara Moreau")
        signed = morning(of_age - days_before * DAY)
        ConsentFactory(plan=plan, signer="representative", signer_relation="mother", signed_at=signed)
        assert _ends(plan) == ends
        assert _both(plan, of_age + DAY) == {not days_before}
        assert [_both(plan, ends - DAY), _both(plan, ends)] == [{True}, {False}]

    def test_it_is_said_that_the_patient_signs_once_of_age(self) -> None:
        plan = PlanFactory(patient__birth_date=date(2008, 2, 28), patient__representative_name="Clara Moreau")
        by = {"signer": "representative", "signer_name": "Clara Moreau", "signer_relation": "mother"}
        ConsentFactory(plan=plan, signed_at=morning(date(2026, 1, 2)), **by)
        (condition,) = consent_gate.missing(facts_of_one(plan), morning(date(2026, 2, 28)))
        assert condition.what == (
            "Consent to sign anew: from 28 Feb 2026 the patient signs, who is of age then."
        )
        assert condition.detail == "Signed by Clara Moreau for the patient on 2 Jan 2026."

    def test_what_a_young_person_signs_once_of_age_holds_on(self) -> None:
        plan = PlanFactory(patient__birth_date=date(2008, 2, 29))
        ConsentFactory(plan=plan, signed_at=morning(date(2026, 3, 1)))
        assert _both(plan, date(2026, 6, 1)) == {True}

    def test_the_last_minutes_of_the_clinics_day_are_still_its_last_day(self) -> None:
        plan = PlanFactory()
        ConsentFactory(plan=plan, signed_at=datetime(2026, 3, 2, 0, 30, tzinfo=PARIS))  # 1 March in UTC
        last = datetime(2027, 3, 1, 23, 59, tzinfo=PARIS)
        assert consent.in_force(facts_of_one(plan), on=last) is not None
        assert gate("gate_consent", plan, last) is None
        assert gate("gate_consent", plan, last + timedelta(minutes=1)) == "consent"

    @pytest.mark.parametrize("months", [1, 3, 11])
    def test_the_months_are_the_policys(self, months: int) -> None:
        plan = consented_plan()
        decided(ago(days=100), consent_valid_months=months)
        ends = months_later(ago(days=20).date(), months)
        assert [_both(plan, ends - DAY), _both(plan, ends)] == [{True}, {False}]


@pytest.mark.django_db
class TestAConsultation:
    @pytest.mark.parametrize("confirmed", [None, 200, 5])
    def test_it_holds_for_a_year_from_its_signature_or_its_last_confirmation(
        self, confirmed: int | None
    ) -> None:
        plan = PlanFactory(consultation=ConsultationFactory(signed=True, signed_at=ago(days=300)))
        if confirmed:
            ConsultationConfirmationFactory(consultation=plan.consultation, confirmed_at=ago(days=confirmed))
        ends = months_later(ago(days=confirmed or 300).date(), 12)
        facts = facts_of_one(plan)
        assert validity.consultation_ends(facts, on=morning(ends)) == ends
        assert gate("gate_suitable", plan, morning(ends - DAY)) is None
        assert gate("gate_suitable", plan, morning(ends)) == "consultation_expired"

    def test_it_is_to_be_confirmed_from_the_very_day_on_which_it_ends(self) -> None:
        plan = consented_plan(sessions=1)
        facts = facts_of_one(plan)
        ends = validity.consultation_ends(facts, on=ago(days=0))
        assert ends is not None
        days = (ends - DAY, ends, ends + DAY)
        asked = [validity.consultation_to_confirm(facts, on=morning(day)) for day in days]
        assert asked == [False, True, True]
        assert [gate("gate_suitable", plan, morning(day)) for day in days[:2]] == [
            None,
            "consultation_expired",
        ]

    def test_a_confirmation_made_later_does_not_count_for_what_was_known(self) -> None:
        plan = PlanFactory(consultation=ConsultationFactory(signed=True, signed_at=ago(days=400)))
        ConsultationConfirmationFactory(consultation=plan.consultation, confirmed_at=ago(hours=1))
        now, then = ago(minutes=1), ago(hours=2)
        assert gate("gate_suitable", plan, now) is None
        assert gate("gate_suitable", plan, now, then) == "consultation_expired"

    def test_without_a_policy_nothing_holds(self) -> None:
        plan = consented_plan()
        with without("pathway_policy_published"):
            PathwayPolicy.objects.all()._raw_delete("default")
            assert _both(plan, ago(days=1).date()) == {False}
            assert gate("gate_suitable", plan, ago(days=1)) == "consultation_expired"


def _ends(plan: Plan) -> date:
    facts = facts_of_one(plan)
    return validity.consent_ends(facts.consents[0], facts)


def _both(plan: Plan, day: date) -> set[bool]:
    """Whether a consent is in force that morning, in Python and in SQL; one element when they agree."""
    in_python = consent.in_force(facts_of_one(plan), on=morning(day)) is not None
    return {in_python, gate("gate_consent", plan, morning(day)) is None}
