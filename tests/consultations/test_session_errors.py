"""Checks after a session: who is on the call list already, and what a session entered in error takes with it."""

from html import unescape

import pytest
from django.test import Client
from django.urls import reverse

from clinic.models import ContactEntry, Practitioner, User
from consultations.actions import follow_ups, records
from consultations.models import AdverseEvent, EnteredInError, Session
from consultations.rules.session_errors import gone_with
from consultations.worklists.notices import notices
from tests.consultations.test_follow_ups import given
from tests.factories import AdverseEventFactory, EnteredInErrorFactory, UserFactory, cleared_plan
from tests.factories.clock import CLINIC_NOW, ago

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clinic_now")]


@pytest.fixture
def by(doctor: Practitioner, practitioner_user: User) -> User:
    """The practitioner who calls the session an error."""
    return practitioner_user


class TestASessionEnteredInError:
    def error(self, session: Session, by: User) -> EnteredInError:
        entry = records.call_error(record=session, reason="another patient", by=by, at=CLINIC_NOW)
        return records.confirm_error(entry=entry, by=UserFactory(admin=True), at=CLINIC_NOW)

    def test_nobody_calls_about_it_any_more(self, by: User, reception: User) -> None:
        session = given()
        entry = follow_ups.ask_to_call(session=session, by=reception, at=CLINIC_NOW)
        self.error(session, by)
        entry.refresh_from_db()
        assert (entry.closed_at, entry.close_reason) == (CLINIC_NOW, "The session was entered in error.")

    def test_the_call_stays_where_another_check_is_due(self, by: User, reception: User) -> None:
        session = given()
        given(2, cleared_plan(patient=session.patient))
        entry = follow_ups.ask_to_call(session=session, by=reception, at=CLINIC_NOW)
        self.error(session, by)
        entry.refresh_from_db()
        assert entry.closed_at is None

    def test_the_events_of_its_reactions_become_errors_with_it(self, by: User, admin_client: Client) -> None:
        session = given()
        made, told = (
            AdverseEventFactory(
                patient=session.patient, session=session, signed_at=at, onset_at=session.started_at
            )
            for at in (session.signed_at, ago(hours=1))
        )
        entry = records.call_error(record=session, reason="another patient", by=by, at=CLINIC_NOW)
        page = unescape(
            admin_client.get(reverse("consultations:error_confirm", args=[entry.pk])).content.decode()
        )
        assert "One adverse event that its reactions made becomes an error too" in page
        assert "One adverse event was recorded by itself: it stays." in page
        records.confirm_error(entry=entry, by=UserFactory(admin=True), at=CLINIC_NOW)
        error = EnteredInError.objects.get(adverse_event=made)
        assert (error.reason, error.requested_by) == (
            "The session behind it was entered in error: another patient",
            by,
        )
        assert list(AdverseEvent.objects.in_force()) == [told]

    def test_whoever_called_such_an_event_an_error_does_not_confirm_it_by_the_way(self, by: User) -> None:
        session, colleague = given(), UserFactory(practitioner=True)
        made = {"patient": session.patient, "session": session, "signed_at": session.signed_at}
        own, other = AdverseEventFactory.create_batch(2, onset_at=session.started_at, **made)
        called = EnteredInErrorFactory(adverse_event=own, requested_by=colleague)
        entry = records.call_error(record=session, reason="another patient", by=by, at=CLINIC_NOW)
        records.confirm_error(entry=entry, by=colleague, at=CLINIC_NOW)
        called.refresh_from_db()
        assert (called.requested_by, called.confirmed_at) == (colleague, None)
        assert EnteredInError.objects.get(adverse_event=other).confirmed_by == colleague

    def test_it_is_their_last_word_and_none_that_was_taken_back_before(self) -> None:
        session = given()
        made, gone = AdverseEventFactory.create_batch(
            2,
            patient=session.patient,
            session=session,
            signed_at=session.signed_at,
            onset_at=session.started_at,
        )
        last = AdverseEventFactory(
            patient=session.patient, session=session, supersedes=made, onset_at=made.onset_at
        )
        EnteredInErrorFactory(adverse_event=gone, confirmed=True)
        found = gone_with(session)
        assert (found.events, found.staying) == ([last], 0)


class TestOnTheCallListAlready:
    def test_whoever_is_on_it_for_an_earlier_session_is_not_put_on_it_again(
        self, reception: User, reception_client: Client
    ) -> None:
        session = given()
        entry = follow_ups.ask_to_call(session=session, by=reception, at=CLINIC_NOW)
        ContactEntry.objects.filter(pk=entry.pk).update(asked_at=ago(days=10))
        address = reverse("consultations:follow_up_call", args=[session.pk])
        for page in (
            reverse("consultations:late"),
            reverse("consultations:patient", args=[session.patient_id]),
        ):
            assert address not in reception_client.get(page).content.decode()

    def test_the_desk_counts_whom_nobody_calls_yet(self, reception: User) -> None:
        def counted() -> int:
            (notice,) = [
                each for each in notices(user=reception, at=CLINIC_NOW) if "after a session" in each.label
            ]
            return notice.count

        session = given()
        assert counted() == 1
        follow_ups.ask_to_call(session=session, by=reception, at=CLINIC_NOW)
        assert counted() == 0
