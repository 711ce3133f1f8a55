"""The session's draft and its signed record as pages: what the form, the rows and the rules have to say."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from clinic.errors import DomainError
from consultations import body_map, purposes
from consultations.actions.sessions import Contents
from consultations.enums import ScoreMoment, SessionOutcome
from consultations.forms.session_repeat import Repeat
from consultations.forms.session_typing import as_data
from consultations.forms.sessions import SessionForm
from consultations.forms.zones import ZoneRows
from consultations.lot_queries import every_lot
from consultations.models import ReactionType, Scale, Session, SessionTyping, SessionZone, TechniqueRule
from consultations.queries import PlanFacts, facts_of_one, policy_in_force
from consultations.rules import (
    aftercare,
    authorship,
    codes,
    doses,
    late_readings,
    recipes,
    techniques,
    tested_lots,
)
from consultations.rules import lots as lots_rules
from consultations.rules.over_caps import NeedsReason
from consultations.session_page import banner, bars, cautions, closed_since, exceeded
from consultations.technique_enums import Counted, GunMode
from consultations.views import chart


@dataclass
class Recording:
    """A draft with its form and its rows of zones, as saved or as typed."""

    session: Session
    facts: PlanFacts
    form: SessionForm
    rows: ZoneRows
    data: Mapping[str, Any] | None = None
    zone_errors: tuple[str, ...] = ()
    outside: tuple[DomainError, ...] = ()
    is_saved: bool = False
    typing: SessionTyping | None = None
    repeated: Repeat | None = None
    is_judged: bool = True

    @classmethod
    def of(
        cls, session: Session, facts: PlanFacts, data: Mapping[str, Any] | None = None, *, add: bool = False
    ) -> "Recording":
        """The draft as saved, or with `data` as typed; `add` gives one more row."""
        template, rule = session.plan.template, TechniqueRule.objects.of(session.technique)
        form = SessionForm(
            data,
            session=session,
            facts=facts,
            rule=rule,
            scale=Scale.objects.current().filter(code=template.scale_code).first()
            if template.scale_code
            else None,
            lots=every_lot(facts),
            reactions=ReactionType.objects.current(),
        )
        each = template.usual_ml_per_point
        usual = {"points": template.usual_points, "ml_per_point": each.normalize() if each else None}
        rows = ZoneRows(
            data,
            saved=list(session.zones.select_related("zone")),
            usual={} if rule.counts == Counted.AREA or rule.injects_nothing else usual,
            rule=rule,
            with_area=doses.needs_area(facts) or "spacing_mm" in rule.asks,
            add=add,
        )
        return cls(session, facts, form, rows, data)

    @classmethod
    def as_left(cls, session: Session, facts: PlanFacts) -> "Recording":
        """The draft as its window left it: with what was typed and not saved yet, not judged."""
        typing = typing_of(session)
        if typing is None:
            return cls.of(session, facts)
        recording = cls.of(session, facts, as_data(typing, session))
        recording.form.is_valid()
        recording.typing, recording.is_judged = typing, False
        return recording

    def forget_errors(self) -> None:
        """A row was asked for, or a window left; nothing was submitted: what was typed stays, nothing is judged."""
        for form in (self.form, *self.rows.forms):
            form.forget_errors()

    def is_valid(self) -> bool:
        """Both are asked, so that every error shows at once."""
        form, rows = self.form.is_valid(), self.rows.is_valid()
        return form and rows

    @property
    def contents(self) -> Contents:
        """For the action."""
        form = self.form
        return Contents(
            zones=self.rows.contents, lots=form.lots, scores=form.scores, reactions=form.reactions
        )

    def typed(self, name: str) -> Any:
        """A field of the session, as typed or saved."""
        if self.form.is_bound:
            return getattr(self.form, "cleaned_data", {}).get(name)
        return getattr(self.session, name)

    def refuse(self, refusal: DomainError, *, saved: bool) -> None:
        """Put the refusal where it belongs; the page builds on the version that is now on record."""
        self.is_saved = saved
        for each in refusal.refusals if isinstance(refusal, NeedsReason) else (refusal,):
            if each.field == "zones":
                self.zone_errors = (*self.zone_errors, str(each.message))
            else:
                self.form.add_domain_error(each)
        self.outside = refusal.refusals if isinstance(refusal, NeedsReason) else ()
        self.form.data = self.form.data.copy()
        self.form.data["version"] = self.session.version


def typing_of(session: Session) -> SessionTyping | None:
    """What was typed into the draft since it was last saved."""
    return getattr(session, "typing", None)


def totals(recording: Recording) -> dict[str, Any]:
    """For _session_totals.html."""
    zones = recording.rows.doses
    facts, session = recording.facts, recording.session
    found = bars(facts, zones, weight_kg=recording.typed("weight_kg"), session=session)
    return {
        "bars": found,
        "cautions": [*recording.form.lots_past_use, *cautions(facts, session)],
        "unusual": techniques.unusual(
            session.technique,
            recording.rows.rule,
            zones,
            spacing_mm=recording.typed("spacing_mm"),
            minutes=recording.typed("minutes_applied"),
        ),
        "session": session,
        "has_proposal": recording.rows.has_proposal,
    }


def outside_now(recording: Recording) -> dict[str, Any]:
    """For _session_outside_now.html: the caps that what is typed now exceeds, and the lots of the saved draft that were past
    use or ask for a new test."""
    session, facts = recording.session, recording.facts
    weight, zones = recording.typed("weight_kg"), recording.rows.doses
    over = exceeded(facts, zones, weight_kg=weight, session=session)
    found = [*lots_rules.refusals(session), *tested_lots.refusals(facts, session)]
    lots = [str(each.message) for each in found]
    return {"is_reason_asked": True, "exceeded": over, "outside": [*over, *lots]}


def draft_page(
    request: HttpRequest, recording: Recording, *, at: datetime, status: int = 200
) -> HttpResponse:
    """The draft: everything that is recorded, on one page."""
    session, facts = recording.session, recording.facts
    running = totals(recording)
    begun = banner(facts, session.planned, on=session.started_at, recording=True)
    if not recording.is_judged:
        recording.forget_errors()
    context = (
        chart.header(request, session.patient)
        | running
        | _map(request, recording)
        | {
            "form": recording.form,
            "rows": recording.rows,
            "zone_errors": recording.zone_errors,
            "asks_reason": bool(recording.outside or recording.form["deviation_reason"].value()),
            "outside": recording.outside,
            "deviation": _deviation(session),
            "is_saved": recording.is_saved,
            "banner": begun,
            "closed_since": closed_since(facts, session, begun, at=at),
            "total": len(facts.planned),
            "late": [each for each in late_readings.looks(facts, at=at) if each.is_open],
            "keeping": _keeping(recording, at=at),
            "typing": recording.typing,
            "repeated": recording.repeated,
            "may_count": "spacing_mm" in recording.rows.rule.asks,
            "may_repeat": bool(facts.given),
            "sheet": aftercare.sheet_of(session, views=recording.rows.views, ended_at=at),
        }
    )
    return render(request, "consultations/session.html", context, status=status)


def _keeping(recording: Recording, *, at: datetime) -> dict[str, Any]:
    """How the page keeps what is typed: how often, in which window, and what it has to keep at once."""
    session, typing = recording.session, typing_of(recording.session)
    saved = session.events.order_by("-pgh_created_at").values_list("pgh_created_at", flat=True).first()
    return {
        "seconds": policy_in_force(at).autosave_seconds,
        "window": uuid4(),
        "shows": typing.window if typing else "",
        "saved_at": typing.typed_at if recording.typing and typing else saved,
        "at_once": recording.form.is_bound and recording.typing is None,
    }


def _map(request: HttpRequest, recording: Recording) -> dict[str, Any]:
    """For _session_map.html: the drawings, and what sessions of all plans have put into each zone so far."""
    session, rows = recording.session, recording.rows
    given = Session.objects.visible_to(request.user).given().filter(patient=session.patient_id)
    earlier = body_map.earlier_by_zone(SessionZone.objects.filter(session__in=given))
    views = body_map.views(rows.zones.values(), today=rows.chosen, earlier=earlier, places=rows.places)
    return {
        "views": views,
        "earlier": list(earlier.values()),
        "has_points": rows.rule.counts != Counted.AREA,
    }


def record_page(request: HttpRequest, session: Session, *, at: datetime) -> HttpResponse:
    """What is on record: signed, or a colleague's draft that may be taken over by name."""
    facts = facts_of_one(session.plan)
    scores = list(session.scores.select_related("scale"))
    zones = list(session.zones.select_related("zone"))
    context = chart.header(request, session.patient) | {
        "session": session,
        "total": len(facts.planned),
        "zones": zones,
        "views": body_map.of_record(zones),
        "lots": [used.lot for used in session.used_lots.select_related("lot__component")],
        "doses": list(session.doses.select_related("component")),
        "scores": [
            (moment.label, [each for each in scores if each.moment == moment]) for moment in ScoreMoment
        ],
        "has_scores": bool(scores),
        "reactions": list(session.reactions.select_related("reaction")),
        "technique": _technique(session),
        "deviation": _deviation(session),
        "sheet": aftercare.sheet_of(
            session, views={row.zone.view for row in zones}, ended_at=session.ended_at or at
        ),
        "addenda": list(session.addenda.select_related("written_by")),
        "error": getattr(session, "entered_in_error", None),
        "may_write": authorship.may_record(request.user),
        "later_url": _later_url(session),
    }
    return render(request, "consultations/session_record.html", context)


def _later_url(session: Session) -> str:
    """What it means for the later visits of the course that this one was not, or only partly, given."""
    visit = session.appointment
    fell_short = session.is_signed and session.outcome != SessionOutcome.COMPLETE
    if not fell_short or visit is None or visit.purpose != purposes.session_of(session.planned):
        return ""
    return reverse("clinic:appointment_later", args=[visit.pk])


def _deviation(session: Session) -> str:
    """Why it was given all the same, and what was outside the rules."""
    if session.deviation is None:
        return ""
    outside = ", ".join(codes.in_words(code) for code in session.deviation.codes)
    words = _("%(reason)s Outside the rules: %(codes)s.")
    said = words % {"reason": session.deviation.reason, "codes": outside}
    return f"{said} {session.deviation.findings}".strip()


def _technique(session: Session) -> list[dict[str, Any]]:
    """The technique's own parameters with their names, where they were recorded."""
    items = [
        {"label": _("Technique"), "value": session.technique},
        {"label": _("Mix"), "value": recipes.words_of(session.formula, at=session.started_at)},
    ]
    for name in (
        "device",
        "needle",
        "depth_mm",
        "gun_mode",
        "shots_per_minute",
        "program",
        "intensity",
        "minutes_applied",
        "spacing_mm",
        "line_length_mm",
        "unusual_reason",
        "weight_kg",
    ):
        if value := getattr(session, name):
            field = session._meta.get_field(name)
            shown = (
                value.normalize() if isinstance(value, Decimal) else dict(GunMode.choices).get(value, value)
            )
            items.append({"label": str(field.verbose_name).capitalize(), "value": shown})
    return items
