"""One patient's way through the clinic, step by step through the actions, at the times it happened."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone

from clinic import readiness
from clinic.actions import booking, people, visits
from clinic.availability import FreeStart, Gap, first_free, pairs
from clinic.enums import AppointmentStatus, CancelledBy
from clinic.errors import DomainError
from clinic.intervals import Interval
from clinic.models import Appointment, Device, Patient, Practitioner, User
from clinic.readiness import Offer
from consultations.actions import consents, consultations, patch_tests, sessions
from consultations.actions.plans import Proposal
from consultations.demo.choices import SIGNATURE, proposal_of, questions, reply_to, risks, zone_for
from consultations.demo.clinic import DemoClinic
from consultations.enums import Grade, Outcome, ScoreMoment, SessionOutcome, Signer, TechniqueFamily, TestArm
from consultations.lot_queries import usable_lots
from consultations.models import (
    Consultation,
    Formula,
    Indication,
    Leaflet,
    Lot,
    PatchTest,
    Plan,
    PlannedSession,
    PlanTemplate,
    Scale,
    Session,
    TechniqueRule,
)
from consultations.rules import consent_texts
from consultations.rules.lots import asked_for, sorted_out
from consultations.technique_enums import Counted

DISCUSSED = {
    f"discussed_{name}": True for name in ("technique", "visits", "alternatives", "aftercare", "expectations")
}


@dataclass
class Journey:
    """A patient and what has happened so far."""

    clinic: DemoClinic
    patient: Patient
    random: random.Random
    plan: Plan | None = None
    test: PatchTest | None = None
    visits: list[Appointment] = field(default_factory=list)

    @classmethod
    def start(
        cls, clinic: DemoClinic, details: Mapping[str, Any], at: datetime, rng: random.Random
    ) -> Journey:
        """Register the patient; the demo's look-alikes are different people."""
        try:
            patient = people.register(details=details, by=clinic.reception, at=at)
        except DomainError as error:
            if error.code != "likely_duplicate":
                raise
            alike = Patient.objects.filter(birth_date=details["birth_date"])
            patient = people.register(details=details, not_duplicates=list(alike), by=clinic.reception, at=at)
        return cls(clinic, patient, rng)

    # Booking -----------------------------------------------------------------

    def offer(self, kind: str, at: datetime) -> Offer:
        """What may be booked next, of the wanted kind."""
        for offer in readiness.pathway().offers(self.patient, at=at):
            if offer.purpose.split(":")[0] == kind:
                return offer
        raise LookupError(f"{self.patient}: no {kind} to book")

    def book(
        self, kind: str, near: datetime, *, at: datetime | None = None, who: Practitioner | None = None
    ) -> Appointment:
        """Book the next free start from `near` on."""
        at = at or near - timedelta(days=3)
        wish = self._next_free(kind, near, at=at, who=who)
        (appointment,) = booking.book_many(wishes=[wish], by=self.clinic.reception, at=at)
        self.visits.append(appointment)
        return appointment

    def hold(self, kind: str, near: datetime, *, at: datetime, until: datetime) -> None:
        """Keep the next free start from `near` on while the patient thinks about it."""
        wish = self._next_free(kind, near, at=at)
        booking.hold_many(wishes=[wish], until=until, by=self.clinic.reception, at=at)

    def _next_free(
        self, kind: str, near: datetime, *, at: datetime, who: Practitioner | None = None
    ) -> booking.Wish:
        offer = self.offer(kind, at)
        found = first_free(
            type=offer.type, at=at, earliest=near, patient=self.patient, practitioners=[who] if who else None
        )
        if not found:
            raise LookupError(f"no time for {offer.label}")
        return self._wish(offer, found[0])

    def book_test(self, near: datetime, *, at: datetime | None = None) -> tuple[Appointment, Appointment]:
        """Book a test injection and its reading as a pair."""
        at = at or near - timedelta(days=3)
        offer = self.offer("test", at)
        assert offer.pair is not None
        found = pairs(
            first_type=offer.type,
            second_type=offer.pair.type,
            window=Interval(near, near + timedelta(days=7)),
            gap=Gap(offer.pair.shortest, offer.pair.ideal, offer.pair.longest),
            at=at,
            limit=1,
            patient=self.patient,
        )
        if not found:
            raise LookupError(f"no pair for {offer.label}")
        test = self._wish(offer, found[0].first)
        reading = booking.Wish(
            self.patient,
            offer.pair.type,
            found[0].second.practitioner,
            found[0].second.room,
            found[0].second.starts_at,
            purpose=offer.pair.purpose,
            pair_of=0,
        )
        first, second = booking.book_many(wishes=[test, reading], by=self.clinic.reception, at=at)
        self.visits += [first, second]
        return first, second

    def _wish(self, offer: Offer, free: FreeStart) -> booking.Wish:
        return booking.Wish(
            self.patient, offer.type, free.practitioner, free.room, free.starts_at, free.device, offer.purpose
        )

    # The day itself ----------------------------------------------------------

    def arrive(self, visit: Appointment, *, late: int = -4) -> Appointment:
        """Check in, so many minutes after (or before) the start."""
        return visits.arrive(
            appointment=visit, by=self.clinic.reception, at=visit.starts_at + timedelta(minutes=late)
        )

    def begin(self, visit: Appointment) -> Appointment:
        """Check in and start."""
        self.arrive(visit)
        return visits.start(appointment=visit, by=_user(visit), at=visit.starts_at + timedelta(minutes=2))

    def finish(self, visit: Appointment) -> Appointment:
        """The visit is over."""
        return visits.complete(appointment=visit, by=_user(visit), at=visit.ends_at - timedelta(minutes=3))

    def confirm(self, visit: Appointment, at: datetime) -> Appointment:
        """The patient has confirmed."""
        return visits.confirm(appointment=visit, by=self.clinic.reception, at=at)

    def cancel(self, visit: Appointment, at: datetime, reason: str) -> Appointment:
        """The patient has called it off."""
        return visits.cancel(
            appointment=visit,
            cancelled_by=CancelledBy.PATIENT,
            reason=reason,
            by=self.clinic.reception,
            at=at,
        )

    def miss(self, visit: Appointment) -> Appointment:
        """The patient did not come."""
        return visits.no_show(
            appointment=visit, by=self.clinic.reception, at=visit.starts_at + timedelta(minutes=20)
        )

    # The pathway -------------------------------------------------------------

    def consult(
        self,
        visit: Appointment,
        template: str,
        *,
        starts_on: date | None = None,
        outcome: Outcome = Outcome.ELIGIBLE,
        reason: str = "",
        yes: Mapping[str, str] | None = None,
        since: Mapping[str, date] | None = None,
        until: date | None = None,
        technique: str = "",
        aims: Sequence[consultations.Aim] = (),
        sign: bool = True,
    ) -> Consultation:
        """Hold the consultation: answers (`yes` maps a question's code to the reason for going on), goals, outcome, plan."""
        self.begin(visit)
        by, at = _user(visit), visit.starts_at + timedelta(minutes=5)
        draft = consultations.begin(patient=self.patient, appointment=visit, by=by, at=at)
        chosen = PlanTemplate.objects.current().get(code=template)
        suitable = outcome in (Outcome.ELIGIBLE, Outcome.CONDITIONS)
        proposal = proposal_of(chosen, technique, starts_on) if suitable else None
        draft = consultations.save(
            consultation=draft,
            details=self._found(chosen)
            | {"outcome": outcome, "outcome_reason": reason, "deferred_until": until},
            replies=[reply_to(question, yes or {}, since or {}) for question in questions()],
            risks=risks(),
            proposal=proposal,
            aims=aims,
            version=draft.version,
            by=by,
            at=at,
        )
        return self._sign(draft, proposal, visit) if sign else draft

    def _found(self, template: PlanTemplate) -> dict[str, Any]:
        """What a consultation for the template usually finds and discusses."""
        return {
            "indication": Indication.objects.current().get(code=template.indication_code),
            "history": "Well otherwise. No earlier injections here.",
            "goals": "Hopes for a visible change, knows that it may not come.",
            "weight_kg": Decimal(self.random.randint(55, 88)),
            "leaflet": Leaflet.objects.current().get(code="about-mesotherapy"),
            **DISCUSSED,
        }

    def _sign(self, draft: Consultation, proposal: Proposal | None, visit: Appointment) -> Consultation:
        signed = consultations.sign(
            consultation=draft,
            proposal=proposal,
            version=draft.version,
            by=_user(visit),
            at=visit.starts_at + timedelta(minutes=30),
        )
        self.finish(visit)
        if proposal:
            self.plan = signed.plan
        return signed

    def consent(self, visit: Appointment, *, representative: str = "") -> None:
        """Sign the consent at a visit."""
        assert self.plan is not None
        plan = Plan.objects.get(pk=self.plan.pk)
        text = consent_texts.text_for(plan)
        assert text is not None
        consents.sign(
            plan=plan,
            text=text,
            signer=Signer.REPRESENTATIVE if representative else Signer.PATIENT,
            signer_name=representative or self.patient.name,
            signer_relation=self.patient.representative_relation if representative else "",
            beside=consents.Beside(
                SIGNATURE,
                identity_seen="Passport" if representative else "",
                assent_name=self.patient.name if representative else "",
            ),
            agreed=True,
            words_read=consent_texts.seal_of(consent_texts.wording(plan, text)),
            by=_user(visit),
            at=visit.starts_at + timedelta(minutes=3 if visit.type.purpose != "consultation" else 33),
        )

    def give_test(self, visit: Appointment, **immediate: Any) -> PatchTest:
        """Give the test injection at its visit; `immediate` are the immediate reading's own fields."""
        assert self.plan is not None
        if visit.status != AppointmentStatus.COMPLETED:
            self.begin(visit)
        plan = Plan.objects.select_related("formula", "test_policy").get(pk=self.plan.pk)
        given = visit.starts_at + timedelta(minutes=6)
        policy = plan.test_policy
        self.test = patch_tests.give(
            plan=plan,
            appointment=visit,
            details={
                "given_at": given,
                "method": policy.method,
                "arm": TestArm.LEFT,
                "site": policy.site,
                "volume_ml": policy.volume_ml,
                "saline_control": policy.negative_control,
                "observed_until": given + timedelta(minutes=policy.observe_minutes),
            },
            lots=self.lots(plan.formula, given),
            immediate={"wheal_start_mm": Decimal(5), "wheal_end_mm": Decimal(5), **immediate},
            by=_user(visit),
            at=given + timedelta(minutes=policy.observe_minutes),
        )
        self.finish(visit)
        return self.test

    def read(self, visit: Appointment, grade: Grade = Grade.NEGATIVE, note: str = "") -> None:
        """Read the test at its visit."""
        assert self.test is not None
        self.begin(visit)
        at = visit.starts_at + timedelta(minutes=5)
        patch_tests.read(
            test=self.test, details={"grade": grade, "read_at": at, "note": note}, by=_user(visit), at=at
        )
        self.finish(visit)

    def next_session(self) -> PlannedSession:
        """The first session of the plan that has not been given."""
        assert self.plan is not None
        given = Session.objects.given().filter(plan=self.plan).values("planned")
        return self.plan.planned_sessions.select_related("plan").exclude(pk__in=given).order_by("ordinal")[0]

    def open_session(self, visit: Appointment, contents: sessions.Contents | None = None) -> Session:
        """Begin the session at its visit and save what was injected (else what the template suggests) as a draft."""
        self.begin(visit)
        by, at = _user(visit), visit.starts_at + timedelta(minutes=4)
        planned = self.next_session()
        draft = sessions.begin(planned=planned, appointment=visit, by=by, at=at)
        return sessions.save(
            session=draft,
            details=self.details(draft),
            contents=contents or self.contents(draft),
            version=draft.version,
            by=by,
            at=at,
        )

    def give_session(self, visit: Appointment, contents: sessions.Contents | None = None) -> Session:
        """Give and sign the session at its visit."""
        draft = self.open_session(visit, contents)
        signed = sessions.sign(
            session=draft, version=draft.version, by=_user(visit), at=visit.ends_at - timedelta(minutes=4)
        )
        self.finish(visit)
        return signed

    def details(self, draft: Session) -> dict[str, Any]:
        """A plausible session's own fields, technique by technique."""
        technique = draft.technique
        details: dict[str, Any] = {
            "outcome": SessionOutcome.COMPLETE,
            "weight_kg": draft.plan.consultation.weight_kg,
            "aftercare_given": True,
            "needle": ""
            if technique.family == TechniqueFamily.NEEDLELESS
            else (technique.needle or "30G")[:60],
            "depth_mm": ((technique.depth_min_mm + technique.depth_max_mm) / 2).quantize(Decimal("0.1")),
        }
        if technique.family == TechniqueFamily.GUN:
            details |= {"gun_mode": "burst", "shots_per_minute": 120}
        if technique.family == TechniqueFamily.NEEDLELESS:
            details |= {"program": "Body 2", "intensity": "medium", "minutes_applied": 20, "depth_mm": None}
        if technique.device_kind and draft.device_id is None:
            details["device"] = Device.objects.active().filter(kind=technique.device_kind).first()
        return details

    def contents(self, draft: Session) -> sessions.Contents:
        """Points, lots and scores as the template suggests."""
        template = draft.plan.template
        points = template.usual_points or 20
        each = template.usual_ml_per_point or draft.technique.ml_per_point_min or Decimal("0.05")
        zone = zone_for(draft.plan.indication.code)
        scale = Scale.objects.current().filter(code=template.scale_code or "pain_nrs").first()
        scores = []
        if template.scale_code and scale is not None:
            start = max(Decimal(2), Decimal(8) - draft.planned.ordinal)
            scores = [
                sessions.Score(scale, ScoreMoment.BEFORE, start),
                sessions.Score(scale, ScoreMoment.AFTER, start - 1),
            ]
        by_area = TechniqueRule.objects.of(draft.technique).counts == Counted.AREA
        return sessions.Contents(
            zones=[
                sessions.Zone(zone, 0 if by_area else points, Decimal(0) if by_area else each, points * each)
            ],
            lots=self.lots(draft.formula, draft.started_at),
            scores=scores,
        )

    def lots(self, formula: Formula, on: datetime) -> list[Lot]:
        """One lot of each component that the recipe of today is mixed from, first to expire first."""
        asked, day = asked_for(formula, at=self.clinic.now), timezone.localdate(on)
        sorted_lots = (sorted_out(lots, asked, on=day) for lots in usable_lots(formula, on=on).values())
        return [fit[0] for fit, _aside in sorted_lots if fit]


def _user(visit: Appointment) -> User:
    user = visit.practitioner.user
    assert user is not None
    return user
