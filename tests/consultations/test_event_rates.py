"""Rates and clusters from recorded events to the page: the published figures, and what several share."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from consultations.models import AdverseEvent, PathwayPolicy, ReactionType, Session
from consultations.rules import event_rates
from consultations.tracing import Trace
from tests.factories import (
    AdverseEventFactory,
    DeviceFactory,
    LotFactory,
    RoomFactory,
    SessionFactory,
    cleared_plan,
)
from tests.factories.clock import ago

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clinic_now")]
EVENTS = "/events/"


def recorded(client: Client, session: Session, code: str, grade: int = 1) -> None:
    """As a practitioner types it, asked once more where plans change."""
    local = ago(hours=2) + timedelta(hours=1)  # the clinic's clock in winter
    typed = {
        "reaction": ReactionType.objects.current().get(code=code).pk,
        "grade": grade,
        "onset_at_0": f"{local:%Y-%m-%d}",
        "onset_at_1": f"{local:%H:%M}",
        "after": f"session-{session.pk}",
        "words": "seen",
        "causality": "probable",
        "seriousness": "not_serious",
        "outcome": "ongoing",
        "sure": "yes",
    }
    answer = client.post(reverse("consultations:event_new", args=[session.patient_id]), typed)
    assert answer.status_code == 302


def given(**more: object) -> Session:
    return SessionFactory(plan=cleared_plan(), signed=True, started_at=ago(hours=4), **more)


def test_a11_of_31_treated_12_bruise_38_7_and_1_has_pain_3_2_per_cent(practitioner_client: Client) -> None:
    """Farpour 2020, mesotherapy arm (PMC7421712): bruise 12, injection pain 1, of 31."""
    treated = [given() for _ in range(31)]
    for session in treated[:12]:
        recorded(practitioner_client, session, "bruising")
    recorded(practitioner_client, treated[12], "pain")
    assert AdverseEvent.objects.in_force().count() == 13
    page = practitioner_client.get(EVENTS)
    assert [
        (each.reaction.code, each.patients, each.treated, each.percent) for each in page.context["rates"]
    ] == [
        ("bruising", 12, 31, Decimal("38.7")),
        ("pain", 1, 31, Decimal("3.2")),
    ]
    shown = page.content.decode()
    for words in ("12 of 31 treated", "38.7 %", "1 of 31 treated", "3.2 %"):
        assert words in shown


@pytest.mark.parametrize(("shared", "found"), [(True, 1), (False, 0)])
def test_a_device_that_two_nodules_share_is_named_on_the_page(
    practitioner_client: Client, shared: bool, found: int
) -> None:
    gun = DeviceFactory(name="Gun A")
    for device in (gun, gun if shared else DeviceFactory(name="Gun B")):
        recorded(practitioner_client, given(device=device), "nodule")
    page = practitioner_client.get(EVENTS)
    clusters = [each for each in page.context["clusters"] if each.kind == "device"]
    assert [(each.shared, len(each.events)) for each in clusters] == [(gun, 2)] * found
    assert ("2 infections or nodules share the device Gun A" in page.content.decode()) is shared
    assert (f"/traces/device/{gun.pk}/?first=" in page.content.decode()) is shared


def test_lots_stand_first_then_what_most_share_and_each_leads_to_its_days() -> None:
    lot, room = LotFactory(), RoomFactory(name="Room 1")
    first, last = DeviceFactory(name="Gun B"), DeviceFactory(name="Gun A")
    for days, device, lots in ((30, first, (lot,)), (25, first, (lot,)), (18, last, ()), (8, last, ())):
        AdverseEventFactory(
            onset_at=ago(days=days), device=device, room=room, lots=lots, practitioner=None, in_clusters=True
        )
    policy = PathwayPolicy(cluster_events=2, cluster_days=10)
    found = event_rates.clusters(AdverseEvent.objects.all(), policy=policy)
    assert [(each.shared, len(each.events)) for each in found] == [(lot, 2), (room, 4), (last, 2), (first, 2)]

    def on(days: int) -> date:
        return timezone.localdate(ago(days=days))

    assert [each.trace for each in found] == [
        Trace(lot),
        Trace(room, on(40), on(8)),
        Trace(last, on(28), on(8)),
        Trace(first, on(40), on(25)),
    ]


def test_a_cluster_leads_to_the_trace_of_the_days_in_which_it_was_caused(practitioner_client: Client) -> None:
    """From the policy's 90 days before the first onset to the last; a lot is traced over all days."""
    gun = DeviceFactory(name="Gun A")
    sessions = [given(device=gun) for _each in range(2)]
    for session in sessions:
        recorded(practitioner_client, session, "nodule")
    clusters = practitioner_client.get(EVENTS).context["clusters"]
    onsets = sorted(timezone.localdate(each.onset_at) for each in AdverseEvent.objects.in_force())
    trace = next(each.trace for each in clusters if each.kind == "device")
    assert (trace.first_on, trace.last_on) == (onsets[0] - timedelta(days=90), onsets[-1])
    page = practitioner_client.get(f"/traces/device/{gun.pk}/?first={trace.first_on}&last={trace.last_on}")
    assert {row["patient"] for row in page.context["patients"]} == {each.patient for each in sessions}
