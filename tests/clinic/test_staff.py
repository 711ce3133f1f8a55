"""Nobody signs up: people are invited, come in once by their link, and get a new start where a factor is lost."""

from __future__ import annotations

import logging
import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from django.core.management import call_command
from django.test import Client, override_settings
from django.urls import reverse
from django.utils import timezone

from clinic.actions import staff
from clinic.enums import Role
from clinic.errors import DomainError
from clinic.logs import HideAddresses
from clinic.models import Invitation, SecondFactorReset, User
from clinic.models.user import UserQuerySet
from clinic.rules import staff as rules
from clinic.staff_list import taken_by
from tests.factories import InvitationFactory, SecondFactorResetFactory, UserFactory
from tests.factories.clock import CLINIC_NOW
from tests.factories.users import PASSWORD
from tests.signing_in import sign_in, with_second_factor

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clinic_now")]

ROSA = {
    "first_name": "Rosa",
    "last_name": "Lima",
    "email": "Rosa.Lima@clinic.example",
    "roles": ["reception"],
}
CHOSEN = {"password": "a phrase only Rosa knows", "again": "a phrase only Rosa knows"}
STAFF = "/staff/"


def link_on(page: str) -> str:
    found = re.search(r"http://testserver(/invitation/[^\"<\s]+/)", page)
    assert found, page
    return found.group(1)


def invited(admin_client: Client) -> str:
    """Rosa's link."""
    answer = admin_client.post("/staff/new/", ROSA)
    assert answer.status_code == 201
    return link_on(answer.content.decode())


class TestInviting:
    def test_the_link_is_shown_once_where_no_mail_is_set_up(
        self, admin_client: Client, mailoutbox: list[Any]
    ) -> None:
        link = invited(admin_client)
        rosa = User.objects.get(email=ROSA["email"])
        assert (rosa.roles, rosa.is_active, rosa.has_usable_password()) == (["reception"], False, False)
        assert mailoutbox == []
        assert link not in admin_client.get(STAFF).content.decode()
        assert link.split("/")[2] not in str(Invitation.objects.values().get())

    @override_settings(MAIL_IS_SET_UP=True)
    def test_else_it_is_sent_and_not_shown(self, admin_client: Client, mailoutbox: list[Any]) -> None:
        answer = admin_client.post("/staff/new/", ROSA)
        assert "/invitation/" not in answer.content.decode()
        assert [letter.to for letter in mailoutbox] == [[ROSA["email"]]]
        assert Client().get(link_on(mailoutbox[0].body)).status_code == 200

    @pytest.mark.parametrize(
        ("change", "sentence"),
        [
            ({"email": "rosa"}, "Enter a valid email address."),
            ({"roles": []}, "Tick at least one role"),
            ({"first_name": ""}, "Please fill this in."),
            ({"email": "ADMIN@clinic.example"}, "Somebody has this address already."),
        ],
    )
    def test_what_is_wrong_is_said_and_changes_nothing(
        self, admin_client: Client, change: dict[str, Any], sentence: str
    ) -> None:
        answer = admin_client.post("/staff/new/", ROSA | change)
        assert (answer.status_code, sentence in answer.content.decode()) == (422, True)
        assert "Lima" in answer.content.decode() and not Invitation.objects.exists()

    def test_an_address_with_unusual_letters_makes_an_account_all_the_same(
        self, admin_client: Client
    ) -> None:
        answer = admin_client.post("/staff/new/", ROSA | {"email": "o'brien@clinic.example"})
        assert answer.status_code == 201

    @pytest.mark.parametrize("role", [Role.RECEPTION, Role.PRACTITIONER])
    def test_only_admins_do_it(self, role: Role) -> None:
        with pytest.raises(DomainError, match="kept by the admins"):
            staff.invite(**ROSA, by=UserFactory(roles=[role]), at=CLINIC_NOW)


class TestComingIn:
    def test_a_password_is_chosen_then_the_second_factor(self, admin_client: Client) -> None:
        link, client = invited(admin_client), Client()
        assert "Welcome, Rosa Lima" in client.get(link).content.decode()
        assert client.post(link, CHOSEN)["Location"] == "/accounts/2fa/"
        assert client.get("/diary/")["Location"] == "/accounts/2fa/"
        assert client.get("/accounts/2fa/totp/activate/").status_code == 200
        signed = Client().post("/accounts/login/", {"login": ROSA["email"], "password": CHOSEN["password"]})
        assert signed["Location"] == "/"

    def test_the_link_works_once(self, admin_client: Client) -> None:
        link = invited(admin_client)
        Client().post(link, CHOSEN)
        assert [Client().get(link).status_code, Client().post(link, CHOSEN).status_code] == [404, 404]

    def test_of_two_who_open_it_at_once_one_comes_in(self) -> None:
        invitation = InvitationFactory()
        twice = {"secret": invitation.secret, "by": invitation.user, "at": CLINIC_NOW}
        staff.come_in(password=PASSWORD, **twice)
        with pytest.raises(DomainError) as refused:
            staff.come_in(password="of the second one", **twice)
        assert refused.value.code == "invitation_gone"
        assert User.objects.get(pk=invitation.user_id).check_password(PASSWORD)

    def test_it_runs_out_after_seven_days(self, admin_client: Client) -> None:
        link = invited(admin_client)
        with time_machine.travel(CLINIC_NOW + timedelta(days=7, seconds=-1), tick=False):
            assert Client().get(link).status_code == 200
        with time_machine.travel(CLINIC_NOW + timedelta(days=7), tick=False):
            assert [Client().get(link).status_code, Client().post(link, CHOSEN).status_code] == [404, 404]

    def test_a_new_link_ends_the_old_one(self, admin_client: Client) -> None:
        old, rosa = invited(admin_client), User.objects.get(email=ROSA["email"])
        new = link_on(admin_client.post(f"/staff/{rosa.pk}/again/").content.decode())
        assert [Client().get(old).status_code, Client().get(new).status_code] == [404, 200]

    def test_a_withdrawn_one_does_not_work(self, admin_client: Client) -> None:
        link, rosa = invited(admin_client), User.objects.get(email=ROSA["email"])
        assert admin_client.post(f"/staff/{rosa.pk}/withdraw/")["Location"] == STAFF
        assert Client().get(link).status_code == 404
        again = admin_client.post(f"/staff/{rosa.pk}/withdraw/", follow=True)
        assert "There is no open invitation (any more)." in again.content.decode()

    def test_no_password_by_mail_leads_past_it(self, admin_client: Client, mailoutbox: list[Any]) -> None:
        invited(admin_client)
        Client().post("/accounts/password/reset/", {"email": ROSA["email"]})
        assert [letter for letter in mailoutbox if "/password/reset/key/" in letter.body] == []

    def test_who_has_come_in_is_not_invited_again(self, admin_client: Client, reception: User) -> None:
        answer = admin_client.post(f"/staff/{reception.pk}/again/", follow=True)
        assert "This person has come in already." in answer.content.decode()
        assert not Invitation.objects.exists()

    @pytest.mark.parametrize(
        ("sent", "sentence"),
        [
            ({"password": "short", "again": "short"}, "too short"),
            ({"password": "a phrase only Rosa knows", "again": "another"}, "The two are not the same."),
            ({"password": "", "again": ""}, "Choose a password."),
            ({"password": "password1234", "again": "password1234"}, "too common"),
        ],
    )
    def test_a_bad_password_is_refused(
        self, admin_client: Client, sent: dict[str, str], sentence: str
    ) -> None:
        link = invited(admin_client)
        answer = Client().post(link, sent)
        assert (answer.status_code, sentence in answer.content.decode()) == (422, True)
        assert not User.objects.get(email=ROSA["email"]).is_active

    def test_whoever_was_signed_in_on_this_screen_is_not_any_more(self, admin_client: Client) -> None:
        link = invited(admin_client)
        admin_client.post(link, CHOSEN)
        assert admin_client.get("/accounts/2fa/").context["user"].email == ROSA["email"]
        assert admin_client.get(STAFF)["Location"] == "/accounts/2fa/"

    def test_the_link_stands_in_no_log(self) -> None:
        record = logging.LogRecord("django.request", 40, "", 1, "%s: %s", ("Gone", "/invitation/abc/"), None)
        HideAddresses().filter(record)
        assert record.getMessage() == "Gone: /invitation/…/"


class TestAResetSecondFactor:
    def test_it_ends_the_sign_ins_and_leads_to_a_new_one(self, admin_client: Client, reception: User) -> None:
        client = sign_in(Client(), with_second_factor(reception))
        assert client.get("/diary/").status_code == 200
        answer = admin_client.post(f"/staff/{reception.pk}/second-factor/", {"reason": "phone lost"})
        assert answer["Location"] == STAFF
        assert client.get("/diary/")["Location"].startswith("/accounts/login/")
        assert not Authenticator.objects.filter(user=reception).exists()
        client.post("/accounts/login/", {"login": "reception", "password": PASSWORD})
        assert client.get("/diary/")["Location"] == "/accounts/2fa/"
        told = client.get("/accounts/2fa/").content.decode()
        assert "Lea Roth took your second factor away" in told and "phone lost" in told

    def test_without_the_count_in_the_sessions_hash_the_old_sign_in_goes_on(
        self, admin_client: Client, reception: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        stock = super(User, reception)._get_session_auth_hash
        monkeypatch.setattr(User, "_get_session_auth_hash", lambda user, secret=None: stock(secret))
        client = sign_in(Client(), with_second_factor(reception))
        signed_in_admin = sign_in(Client(), User.objects.get(username="admin"))
        signed_in_admin.post(f"/staff/{reception.pk}/second-factor/", {"reason": "phone lost"})
        assert client.get("/diary/").status_code == 200

    @override_settings(MAIL_IS_SET_UP=True)
    def test_it_is_written_down_and_told(
        self, admin: User, reception: User, mailoutbox: list[Any], django_capture_on_commit_callbacks: Any
    ) -> None:
        with django_capture_on_commit_callbacks(execute=True):
            reset = staff.reset_second_factor(user=reception, reason="phone lost", by=admin, at=CLINIC_NOW)
        kept = SecondFactorReset.objects.values_list("user", "recorded_by", "reason", "recorded_at").get()
        assert kept == (reception.pk, admin.pk, "phone lost", CLINIC_NOW) and str(reset) == "Ana Costa"
        assert [(letter.to, "Lea Roth" in letter.body) for letter in mailoutbox] == [
            ([reception.email], True)
        ]

    def test_nobody_resets_their_own(self, admin: User, admin_client: Client) -> None:
        answer = admin_client.post(f"/staff/{admin.pk}/second-factor/", {"reason": "x"})
        assert "ask another admin" in answer.content.decode() and answer.status_code == 422

    def test_of_a_superuser_superusers_only(self) -> None:
        keeper = UserFactory(roles=[Role.ADMIN])
        with pytest.raises(DomainError) as refused:
            staff.reset_second_factor(
                user=UserFactory(admin=True), reason="phone lost", by=keeper, at=CLINIC_NOW
            )
        assert refused.value.code == "staff_by_superusers"

    def test_it_asks_why(self, admin_client: Client, reception: User) -> None:
        answer = admin_client.post(f"/staff/{reception.pk}/second-factor/", {"reason": " "})
        assert answer.status_code == 422 and not SecondFactorReset.objects.exists()

    def test_after_a_month_it_is_not_told_any_more(self, reception: User) -> None:
        SecondFactorResetFactory(user=reception, recorded_at=CLINIC_NOW - timedelta(days=31))
        assert (
            "took your second factor away"
            not in sign_in(Client(), reception).get("/accounts/2fa/").content.decode()
        )


def admin_without_password() -> User:
    keeper = UserFactory.build(admin=True, is_active=False)
    keeper.set_unusable_password()
    return keeper


def test_nobody_takes_from_themselves_what_only_another_admin_gives_back(admin: User) -> None:
    """The pages say it at the top: no field of theirs is wrong."""
    for check, account, code in (
        (rules.check_may_reset, admin, "reset_of_oneself"),
        (rules.check_may_switch_off, admin, "switch_of_oneself"),
        (rules.check_may_ask_for_new_password, admin, "password_of_oneself"),
        (rules.check_may_switch_on, admin_without_password(), "password_missing"),
    ):
        with pytest.raises(DomainError) as refused:
            check(admin, account)
        assert (refused.value.code, refused.value.field) == (code, None)


def test_an_address_is_one_persons_however_it_is_written(admin: User) -> None:
    with pytest.raises(DomainError) as refused:
        rules.check_address_is_free(admin.email.upper())
    assert (refused.value.code, refused.value.field) == ("email_taken", "email")


class TestEndingSomebodysSignIns:
    def test_an_admin_may(self, admin: User, reception: User) -> None:
        assert staff.end_sign_ins(user=reception, by=admin, at=CLINIC_NOW).sign_ins_ended == 1

    def test_nobody_else_may(self, reception: User, practitioner_user: User) -> None:
        with pytest.raises(DomainError) as refused:
            staff.end_sign_ins(user=practitioner_user, by=reception, at=CLINIC_NOW)
        assert refused.value.code == "staff_by_admins"


class TestTheList:
    @pytest.mark.parametrize("people", [1, 3])
    def test_it_says_how_every_account_stands(
        self, admin_client: Client, admin: User, people: int, django_assert_num_queries: Any
    ) -> None:
        for _person in range(people):
            InvitationFactory(created_by=admin)
            InvitationFactory(created_by=admin, created_at=CLINIC_NOW - timedelta(days=9))
            UserFactory(is_active=False)
            with_second_factor(UserFactory(reception=True))
        with django_assert_num_queries(5):
            page = admin_client.get(STAFF).content.decode()
        counted = {
            words: page.count(words)
            for words in (
                "the link works until",
                "has run out",
                "Switched off",
                "Signs in with a second factor",
            )
        }
        assert set(counted.values()) == {people}
        assert reverse("clinic:staff_invite") in page

    def test_roles_that_somebody_gave_themselves_are_told_for_a_month(self, admin_client: Client) -> None:
        """In the administration, where roles are changed; those that another admin gave are not."""
        taker, given = UserFactory(roles=[Role.ADMIN]), UserFactory(roles=[Role.ADMIN])
        client = sign_in(Client(), taker)
        for person in (taker, given):
            sent = {"username": person.username, "roles": ["admin", "practitioner"]}
            assert client.post(f"/admin/clinic/user/{person.pk}/change/", sent).status_code == 302
        response = admin_client.get(STAFF)
        told = {row["person"]: row["taken"].words for row in response.context["people"] if row["taken"]}
        assert told == {taker: str(Role.PRACTITIONER.label)}
        assert response.text.count("Gave themselves") == 1
        given.refresh_from_db()
        assert given.roles == ["admin", "practitioner"]
        assert taken_by([taker], at=timezone.now() + timedelta(days=365 * 5)) == {}


class TestWhoseAccountsAPageFinds:
    @pytest.mark.parametrize("word", ["second-factor", "off", "on", "new-password"])
    def test_without_the_check_of_roles_only_ones_own(
        self, reception: User, reception_client: Client, monkeypatch: pytest.MonkeyPatch, word: str
    ) -> None:
        other = UserFactory()
        monkeypatch.setattr(rules, "check_may_keep_staff", lambda _user: None)
        pages = [f"/staff/{user.pk}/{word}/" for user in (reception, other)]
        assert [reception_client.get(page).status_code for page in pages] == [200, 404]
        monkeypatch.setattr(UserQuerySet, "visible_to", lambda rows, _user: rows)  # the negative control
        assert reception_client.get(pages[1]).status_code == 200

    def test_nor_does_the_list_or_a_link(
        self, reception: User, reception_client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        invited_one = InvitationFactory().user
        monkeypatch.setattr(rules, "check_may_keep_staff", lambda _user: None)
        assert [row["person"] for row in reception_client.get(STAFF).context["people"]] == [reception]
        for word in ("again", "withdraw"):
            assert reception_client.post(f"/staff/{invited_one.pk}/{word}/").status_code == 404
        assert Invitation.objects.open().get().user == invited_one


def test_the_first_account_is_made_on_the_command_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", "a long sentence of one's own")
    call_command(
        "createsuperuser", interactive=False, username="first", email="first@example.org", verbosity=0
    )
    first = User.objects.get_by_natural_key("first")
    assert (first.is_superuser, first.check_password("a long sentence of one's own")) == (True, True)
    assert User.objects.visible_to(first).get() == first
