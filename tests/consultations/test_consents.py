"""Consent as an action: what is signed is what was shown; a withdrawal works at once."""

import hashlib
import json
from datetime import UTC, timedelta
from typing import Any

import pytest
from django.core.serializers.json import DjangoJSONEncoder

from clinic.actions import visits
from clinic.enums import AppointmentStatus
from clinic.errors import DomainError, NotAllowed, NotCleared
from clinic.models import Appointment, Practitioner, User
from consultations import purposes
from consultations.actions import consents as actions
from consultations.actions.signing import content_hash
from consultations.enums import Signer
from consultations.models import Consent, ConsentText, Plan
from consultations.rules import consent_texts
from tests.factories import (
    AppointmentFactory,
    AppointmentTypeFactory,
    ConsentTextFactory,
    PlanFactory,
    cleared_plan,
)
from tests.factories.clock import CLINIC_NOW, ahead

pytestmark = pytest.mark.django_db


def _sign(plan: Plan, user: User, text: ConsentText | None = None, **other: Any) -> Consent:
    usual = {"signer": Signer.PATIENT, "signer_name": "Jeanne Moreau", "agreed": True}
    text = text or ConsentTextFactory()
    read = {"words_read": consent_texts.seal_of(consent_texts.wording(plan, text))}
    return actions.sign(plan=plan, text=text, by=user, at=CLINIC_NOW, **{**usual, **read, **other})


def _session_visit(plan: Plan, status: AppointmentStatus = AppointmentStatus.BOOKED) -> Appointment:
    planned = plan.planned_sessions.first()
    visit = AppointmentFactory(
        patient=plan.patient,
        type=AppointmentTypeFactory(session=True),
        purpose=purposes.session_of(planned),
        starts_at=ahead(hours=1),
        status=status,
    )
    planned.appointment = visit
    planned.save()
    return visit


def test_the_words_name_what_this_plan_is(doctor: Practitioner, practitioner_user: User) -> None:
    plan = PlanFactory(sessions=5)
    text = ConsentTextFactory(body="{indication}; {formula}: {components}; {technique}; {sessions}.")
    components = ", ".join(str(part.component) for part in plan.formula.parts.all())
    signed = _sign(plan, practitioner_user, text)
    assert signed.words == f"{plan.indication}; {plan.formula}: {components}; {plan.technique}; 5."
    assert (signed.signed_by, signed.signed_at, signed.formula) == (
        practitioner_user,
        CLINIC_NOW,
        plan.formula,
    )


def test_one_stroke_more_or_another_moment_is_another_seal(
    doctor: Practitioner, practitioner_user: User
) -> None:
    drawn = [[[10, 20, 0], [30, 40, 16], [50, 20, 33], [70, 20, 50]]]
    signed = _sign(PlanFactory(), practitioner_user, beside=actions.Beside(strokes=drawn))
    assert content_hash(Consent.objects.get(pk=signed.pk)) == signed.content_hash
    for changed in ([*drawn, [[80, 80, 90]]], [[[10, 20, 1], *drawn[0][1:]]], []):
        signed.strokes = changed
        assert content_hash(signed) != Consent.objects.get(pk=signed.pk).content_hash


@pytest.mark.parametrize("field", ["identity_seen", "interpreter_name", "assent_name", "assent_missing"])
def test_who_stands_beside_the_signature_is_in_the_seal(
    field: str, doctor: Practitioner, practitioner_user: User
) -> None:
    signed = _sign(PlanFactory(), practitioner_user)
    setattr(signed, field, "Clara Moreau")
    assert content_hash(signed) != signed.content_hash


def test_a_consent_from_before_signatures_were_drawn_still_fits_its_seal(
    doctor: Practitioner, practitioner_user: User
) -> None:
    signed = _sign(PlanFactory(), practitioner_user)
    known = ["id", "patient_id", "plan_id", "formula_id", "text_id", "words", "signer", "signer_name"]
    known += ["signer_relation", "signed_at", "signed_by_id"]
    content = json.dumps(
        [{name: getattr(signed, name) for name in known} | {"signed_at": CLINIC_NOW.astimezone(UTC)}],
        cls=DjangoJSONEncoder,
        sort_keys=True,
        ensure_ascii=False,
    )
    assert hashlib.sha256(content.encode()).hexdigest() == signed.content_hash


def test_only_a_practitioner_witnesses(reception: User, admin: User) -> None:
    for user in (reception, admin):
        with pytest.raises(NotAllowed):
            _sign(PlanFactory(), user)


def test_a_refused_signature_leaves_nothing(doctor: Practitioner, practitioner_user: User) -> None:
    with pytest.raises(DomainError):
        _sign(PlanFactory(), practitioner_user, agreed=False)
    assert Consent.objects.count() == 0


def test_the_consent_turns_a_provisional_session_into_a_booked_one(
    doctor: Practitioner, practitioner_user: User
) -> None:
    plan = cleared_plan()
    first = plan.consents.get()
    actions.withdraw(consent=first, reason="", by=practitioner_user, at=CLINIC_NOW)
    visit = _session_visit(plan, AppointmentStatus.PROVISIONAL)
    _sign(plan, practitioner_user)
    visit.refresh_from_db()
    assert visit.status == AppointmentStatus.BOOKED


def test_a_withdrawal_works_at_once(doctor: Practitioner, practitioner_user: User) -> None:
    plan = cleared_plan()
    visit = _session_visit(plan)
    actions.withdraw(
        consent=plan.consents.get(), reason="changed my mind", by=practitioner_user, at=CLINIC_NOW
    )
    visit.refresh_from_db()
    assert visit.status == AppointmentStatus.PROVISIONAL
    visits.arrive(appointment=visit, by=practitioner_user, at=CLINIC_NOW)
    with pytest.raises(NotCleared) as refused:
        visits.start(appointment=visit, by=practitioner_user, at=CLINIC_NOW + timedelta(hours=1))
    assert refused.value.code == "consent"


def test_a_consent_is_withdrawn_once(doctor: Practitioner, practitioner_user: User) -> None:
    consent = cleared_plan().consents.get()
    actions.withdraw(consent=consent, reason="", by=practitioner_user, at=CLINIC_NOW)
    with pytest.raises(DomainError) as refused:
        actions.withdraw(consent=consent, reason="", by=practitioner_user, at=CLINIC_NOW)
    assert refused.value.code == "withdrawn_already"


def test_reception_does_not_withdraw(reception: User) -> None:
    with pytest.raises(NotAllowed):
        actions.withdraw(consent=cleared_plan().consents.get(), reason="", by=reception, at=CLINIC_NOW)
