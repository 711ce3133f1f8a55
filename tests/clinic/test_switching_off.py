"""Who leaves is out at once, and nothing of what they leave behind is forgotten; no account changes hands unseen."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client, override_settings
from django.urls import reverse

from clinic import readiness
from clinic.actions import accounts, staff
from clinic.enums import AccountChangeKind, Role
from clinic.errors import DomainError
from clinic.leaving import left_by
from clinic.models import AccountChange, Appointment, Invitation, Practitioner, User
from clinic.outside import visits_outside
from tests.clinic.desk import Desk, on
from tests.clinic.test_staff import CHOSEN, link_on
from tests.factories import (
    AbsenceFactory,
    CalendarFeedFactory,
    ExtraOpeningFactory,
    InvitationFactory,
    UserFactory,
)
from tests.factories.clock import CLINIC_NOW, TODAY
from tests.factories.users import PASSWORD
from tests.signing_in import next_code, sign_in, with_second_factor

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clinic_now")]

WHY = "has left the clinic"
BACK = "back from leave"
DAY = TODAY + timedelta(days=1)


@pytest.fixture
def silva(desk: Desk) -> User:
    """The sign-in of the desk's Dr Silva."""
    user = UserFactory(username="silva", first_name="Rui", last_name="Silva", practitioner=True)
    desk.silva.user = user
    desk.silva.save()
    return user


def off(user: User, by: User, **changes: Any) -> AccountChange:
    return accounts.switch_off(**{"user": user, "reason": WHY, "by": by, "at": CLINIC_NOW} | changes)


def page_of(user: User, word: str) -> str:
    return f"/staff/{user.pk}/{word}/"


class TestBefore:
    def test_what_hangs_on_the_person_is_shown_and_nothing_changes(
        self, desk: Desk, silva: User, admin: User, admin_client: Client
    ) -> None:
        visit = desk.book(on(DAY, "09:00"))
        desk.book(on(DAY, "10:00"), practitioner=desk.amari, room=desk.room2)
        AbsenceFactory(practitioner=desk.silva)
        extra = ExtraOpeningFactory(practitioner=desk.silva, location=desk.location)
        AbsenceFactory(practitioner=desk.silva, starts_at=CLINIC_NOW - timedelta(days=2))
        CalendarFeedFactory(practitioner=desk.silva)
        CalendarFeedFactory(created_by=silva)
        CalendarFeedFactory(practitioner=desk.amari)
        text = admin_client.get(page_of(silva, "off")).text
        assert "1 visit to come" in text and reverse("clinic:appointment", args=[visit.pk]) in text
        assert reverse("clinic:opening_entry", args=["extra", extra.pk]) in text
        assert text.count("Nothing to do: it closes time") == 1
        assert "2 calendar feeds of theirs stop" in text
        silva.refresh_from_db()
        assert (silva.is_active, Practitioner.objects.get(user=silva).is_active) == (True, True)

    def test_unfinished_records_come_from_the_pathway(
        self, desk: Desk, silva: User, admin: User, pathway: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        told = [readiness.Unfinished("unsigned sessions", 2, CLINIC_NOW, "Take them over.")]
        asked: list[tuple[Practitioner, User]] = []

        def unfinished(who: Practitioner, *, user: User) -> list[readiness.Unfinished]:
            asked.append((who, user))
            return told

        monkeypatch.setattr(pathway, "unfinished", unfinished)
        left = left_by(silva, user=admin, at=CLINIC_NOW)
        assert (left.unfinished, left.leaves_nothing, asked) == (told, False, [(desk.silva, admin)])
        assert left_by(admin, user=admin, at=CLINIC_NOW).unfinished == []
        page = sign_in(Client(), admin).get(page_of(silva, "off")).text
        assert "unsigned sessions" in page and "Take them over." in page

    @pytest.mark.parametrize("visits", [1, 3])
    def test_the_page_costs_as_much_however_many(
        self, desk: Desk, silva: User, admin_client: Client, visits: int, django_assert_num_queries: Any
    ) -> None:
        for day in range(visits):
            desk.book(on(DAY + timedelta(days=day), "09:00"))
        with django_assert_num_queries(10):
            assert len(admin_client.get(page_of(silva, "off")).context["visits"]) == visits

    def test_more_visits_than_a_page_are_paged(self, desk: Desk, silva: User, admin_client: Client) -> None:
        for day in range(11):
            desk.book(on(DAY + timedelta(days=day), "09:00"))
        pages = [admin_client.get(page_of(silva, "off"), {"page": number}).context for number in (1, 2)]
        assert [len(page["visits"]) for page in pages] == [10, 1]
        assert (pages[0]["older_url"], pages[0]["left"].visit_count) == ("?page=2", 11)


class TestSwitchingOff:
    def test_every_screen_is_out_at_its_next_request_and_says_what_remains(
        self, desk: Desk, silva: User, admin_client: Client
    ) -> None:
        desk.book(on(DAY, "09:00"))
        screens = [sign_in(Client(), silva) for _screen in range(2)]
        assert [screen.get("/my-day/").status_code for screen in screens] == [200, 200]
        answer = admin_client.post(page_of(silva, "off"), {"reason": WHY}, follow=True)
        assert "Rui Silva is switched off and signed out everywhere." in answer.text
        assert "1 visit to come" in answer.text and f"?practitioner={desk.silva.pk}" in answer.text
        assert "Switched off by Lea Roth" in answer.text and WHY in answer.text
        for screen in screens:
            assert screen.get("/my-day/")["Location"].startswith("/accounts/login/")
        signed = Client().post("/accounts/login/", {"login": "silva", "password": PASSWORD})
        assert "Name and password do not fit together." in signed.text

    def test_a_screen_that_was_left_signed_in_does_not_open_again_with_the_account(
        self, silva: User, admin: User
    ) -> None:
        screen = sign_in(Client(), silva)
        off(silva, admin)
        accounts.switch_on(user=silva, reason=BACK, by=admin, at=CLINIC_NOW)
        assert screen.get("/my-day/")["Location"].startswith("/accounts/login/")

    def test_visits_to_come_are_listed_to_be_moved_and_marked_in_the_diary(
        self, desk: Desk, silva: User, admin: User, reception_client: Client
    ) -> None:
        visit = desk.book(on(DAY, "09:00"))
        diary = f"/diary/?day={DAY}"
        assert "to be moved" not in reception_client.get(diary).text
        off(silva, admin)
        found, _more = visits_outside(at=CLINIC_NOW, offset=0, limit=20)
        assert [(each.visit, each.reasons) for each in found] == [
            (visit, ["Dr Silva takes no patients any more."])
        ]
        listed = reception_client.get("/opening/outside/").text
        assert reverse("clinic:appointment_move", args=[visit.pk]) in listed
        assert "to be moved" in reception_client.get(diary).text
        assert "booked, to be moved" in reception_client.get(f"/diary/calendar/events/?day={DAY}").text
        assert Appointment.objects.get().version == visit.version

    def test_nothing_new_is_booked_with_them(self, desk: Desk, silva: User, admin: User) -> None:
        off(silva, admin)
        desk.silva.refresh_from_db()
        with pytest.raises(DomainError):
            desk.book(on(DAY, "09:00"))
        assert not Appointment.objects.exists()

    def test_feeds_and_open_links_stop_for_good(self, desk: Desk, silva: User, admin: User) -> None:
        feeds = [
            CalendarFeedFactory(practitioner=desk.silva),
            CalendarFeedFactory(created_by=silva),
            CalendarFeedFactory(practitioner=desk.amari),
        ]
        _change, _invitation, secret = accounts.ask_for_new_password(
            user=silva, reason="forgotten", by=admin, at=CLINIC_NOW
        )
        off(silva, admin)
        User.objects.filter(pk=silva.pk).update(is_active=True)
        Practitioner.objects.update(is_active=True)
        answers = [Client().get(f"/calendars/{feed.secret}.ics").status_code for feed in feeds]
        assert answers == [404, 404, 200]
        assert Client().get(f"/invitation/{secret}/").status_code == 404

    def test_who_did_it_and_why_stays(self, silva: User, admin: User, admin_client: Client) -> None:
        admin_client.post(page_of(silva, "off"), {"reason": WHY})
        kept = AccountChange.objects.values_list("user", "kind", "reason", "recorded_by", "recorded_at").get()
        assert kept == (silva.pk, AccountChangeKind.SWITCHED_OFF, WHY, admin.pk, CLINIC_NOW)
        event = silva.events.order_by("-pgh_id").first()
        assert (event.is_active, event.pgh_context.metadata["user"]) == (False, str(admin.pk))

    @pytest.mark.parametrize("reason", ["", " "])
    def test_it_asks_why(self, silva: User, admin_client: Client, reason: str) -> None:
        assert admin_client.post(page_of(silva, "off"), {"reason": reason}).status_code == 422
        assert User.objects.get(pk=silva.pk).is_active

    def test_nobody_switches_themselves_off(self, admin: User, admin_client: Client) -> None:
        answer = admin_client.post(page_of(admin, "off"), {"reason": WHY})
        assert (answer.status_code, "ask another admin" in answer.text) == (422, True)
        assert User.objects.get(pk=admin.pk).is_active

    @pytest.mark.parametrize(
        ("who", "by", "code"),
        [
            ({"reception": True}, {"roles": [Role.RECEPTION]}, "staff_by_admins"),
            ({"reception": True}, {"roles": [Role.PRACTITIONER]}, "staff_by_admins"),
            ({"admin": True}, {"roles": [Role.ADMIN]}, "staff_by_superusers"),
            ({"reception": True, "is_active": False}, {"admin": True}, "off_already"),
            # Switched off by somebody else since the page was opened: the database has the last word.
            ({"admin": True}, {"admin": True, "is_active": False}, "staff_by_admins"),
        ],
    )
    def test_only_admins_do_it_and_once(self, who: dict, by: dict, code: str) -> None:
        with pytest.raises(DomainError) as refused:
            off(UserFactory(**who), UserFactory(**by))
        assert refused.value.code == code

    def test_the_last_admin_stays_even_for_an_admin_who_is_none_any_more(self, admin: User) -> None:
        other = UserFactory(admin=True)
        User.objects.filter(pk=other.pk).update(roles=[])
        with pytest.raises(DomainError, match="This is the last admin") as refused:
            off(admin, other)  # whose request began before
        assert refused.value.code == "user_an_admin_stays"


class TestSwitchingOn:
    def test_the_person_signs_in_again_and_is_booked_again(
        self, desk: Desk, silva: User, admin: User, admin_client: Client
    ) -> None:
        with_second_factor(silva)
        visit = desk.book(on(DAY, "09:00"))
        off(silva, admin)
        answer = admin_client.post(page_of(silva, "on"), {"reason": BACK, "takes_patients": "on"})
        assert answer["Location"] == "/staff/"
        client = Client()
        client.post("/accounts/login/", {"login": "silva", "password": PASSWORD})
        client.post("/accounts/2fa/authenticate/", {"code": next_code(silva)})
        assert client.get("/my-day/").status_code == 200
        assert visits_outside(at=CLINIC_NOW, offset=0, limit=20) == ([], False)
        assert desk.book(on(DAY, "10:00")).practitioner == visit.practitioner
        assert set(AccountChange.objects.values_list("kind", "reason")) == {
            (AccountChangeKind.SWITCHED_ON, BACK),
            (AccountChangeKind.SWITCHED_OFF, WHY),
        }

    def test_without_the_tick_nobody_books_with_them(self, desk: Desk, silva: User, admin: User) -> None:
        off(silva, admin)
        accounts.switch_on(user=silva, reason=BACK, by=admin, at=CLINIC_NOW)
        assert not Practitioner.objects.get(user=silva).is_active

    def test_who_never_came_in_needs_a_link(self, admin: User, admin_client: Client) -> None:
        invited = InvitationFactory(created_by=admin).user
        answer = admin_client.post(page_of(invited, "on"), {"reason": BACK})
        assert (answer.status_code, "make a new link" in answer.text) == (422, True)

    def test_who_is_on_is_not_switched_on(self, reception: User, admin: User) -> None:
        with pytest.raises(DomainError) as refused:
            accounts.switch_on(user=reception, reason=BACK, by=admin, at=CLINIC_NOW)
        assert refused.value.code == "on_already"


class TestANewPassword:
    def test_is_chosen_by_the_person_and_opens_nothing_without_the_second_factor(
        self, reception: User, admin_client: Client
    ) -> None:
        screen = sign_in(Client(), with_second_factor(reception))
        answer = admin_client.post(page_of(reception, "new-password"), {"reason": "forgotten"})
        link = link_on(answer.text)
        assert screen.get("/diary/").status_code == 302
        assert (
            Client().post("/accounts/login/", {"login": "reception", "password": PASSWORD}).status_code == 200
        )
        client = Client()
        client.post(link, CHOSEN)
        assert client.get("/diary/")["Location"].startswith("/accounts/login/")
        client.post("/accounts/login/", {"login": "reception", "password": CHOSEN["password"]})
        client.post("/accounts/2fa/authenticate/", {"code": next_code(reception)})
        assert client.get("/diary/").status_code == 200
        assert Authenticator.objects.filter(user=reception).count() == 2

    @override_settings(MAIL_IS_SET_UP=True)
    def test_is_told_with_its_link_and_kept(
        self, reception: User, admin: User, admin_client: Client, mailoutbox: list[Any]
    ) -> None:
        answer = admin_client.post(page_of(reception, "new-password"), {"reason": "forgotten"})
        assert "/invitation/" not in answer.text
        [letter] = mailoutbox
        assert letter.to == [reception.email] and "Lea Roth asked" in letter.body
        assert Client().get(link_on(letter.body)).status_code == 200
        kept = AccountChange.objects.values_list("user", "kind", "reason", "recorded_by").get()
        assert kept == (reception.pk, AccountChangeKind.NEW_PASSWORD, "forgotten", admin.pk)

    def test_an_older_link_stops(self, reception: User, admin: User) -> None:
        asked = {"user": reception, "reason": "forgotten", "by": admin, "at": CLINIC_NOW}
        old, new = (accounts.ask_for_new_password(**asked)[2] for _time in range(2))
        assert [Client().get(f"/invitation/{each}/").status_code for each in (old, new)] == [404, 200]

    @pytest.mark.parametrize(
        ("who", "code"), [({"is_active": False}, "account_off"), ({"admin": True}, "staff_by_superusers")]
    )
    def test_not_of_everybody(self, who: dict, code: str) -> None:
        keeper = UserFactory(roles=[Role.ADMIN])
        with pytest.raises(DomainError) as refused:
            accounts.ask_for_new_password(
                user=UserFactory(**who), reason="forgotten", by=keeper, at=CLINIC_NOW
            )
        assert refused.value.code == code

    def test_nobody_asks_themselves(self, admin: User) -> None:
        with pytest.raises(DomainError) as refused:
            accounts.ask_for_new_password(user=admin, reason="forgotten", by=admin, at=CLINIC_NOW)
        assert refused.value.code == "password_of_oneself"


class TestTheAdministrationIsNoSideDoor:
    def test_it_switches_nobody_off_or_on(self, reception: User, admin_client: Client) -> None:
        off_already = UserFactory(is_active=False)
        for user, is_active in ((reception, True), (off_already, False)):
            posted = {"username": user.username, "roles": user.roles}
            posted |= {} if is_active else {"is_active": "on"}
            assert admin_client.post(change_page(user), posted).status_code == 302
            assert User.objects.get(pk=user.pk).is_active is is_active

    def test_it_sets_no_password(self, reception: User, admin: User, admin_client: Client) -> None:
        new = {"password1": CHOSEN["password"], "password2": CHOSEN["password"], "usable_password": "true"}
        for user, leads_to in (
            (reception, page_of(reception, "new-password")),
            (admin, "/accounts/password/change/"),
        ):
            address = reverse("admin:auth_user_password_change", args=[user.pk])
            assert admin_client.post(address, new)["Location"] == leads_to
            posted = {"username": user.username, "roles": user.roles, "password": "pbkdf2$x", **new}
            admin_client.post(change_page(user), posted)
            assert User.objects.get(pk=user.pk).check_password(PASSWORD)

    def test_the_last_admin_stays_one(self, admin: User, admin_client: Client) -> None:
        answer = admin_client.post(
            change_page(admin), {"username": "admin", "roles": ["reception"]}, follow=True
        )
        said = [str(message) for message in answer.context["messages"]]
        assert said == ["This is the last admin: make somebody else one first."]
        assert User.objects.get(pk=admin.pk).roles == [Role.ADMIN]

    @override_settings(MAIL_IS_SET_UP=True)
    def test_another_address_is_told_to_the_old_one(
        self, reception: User, admin: User, mailoutbox: list[Any], django_capture_on_commit_callbacks: Any
    ) -> None:
        old, reception.email = reception.email, "somebody.else@clinic.example"
        with django_capture_on_commit_callbacks(execute=True):
            accounts.keep(user=reception, by=admin, at=CLINIC_NOW)
            reception.last_name = "Costa Lima"
            accounts.keep(user=reception, by=admin, at=CLINIC_NOW)
        assert [(letter.to, "Lea Roth changed the address" in letter.body) for letter in mailoutbox] == [
            ([old], True)
        ]

    def test_saving_an_old_form_brings_nobody_back(self, reception: User, admin: User) -> None:
        stale = User.objects.get(pk=reception.pk)
        off(reception, admin)
        accounts.keep(user=stale, by=admin, at=CLINIC_NOW)
        now = User.objects.get(pk=reception.pk)
        assert (now.is_active, now.sign_ins_ended) == (False, 1)


def change_page(user: User) -> str:
    return reverse("admin:clinic_user_change", args=[user.pk])


def test_invitations_and_new_passwords_are_told_apart_in_the_list(
    reception: User, admin: User, admin_client: Client
) -> None:
    accounts.ask_for_new_password(user=reception, reason="forgotten", by=admin, at=CLINIC_NOW)
    staff.invite(
        first_name="Rosa",
        last_name="Lima",
        email="rosa@clinic.example",
        roles=[Role.RECEPTION],
        by=admin,
        at=CLINIC_NOW,
    )
    text = admin_client.get("/staff/").text
    assert text.count("Asked to choose a new password") == text.count("Invited; the link works until") == 1
    assert Invitation.objects.open().count() == 2
