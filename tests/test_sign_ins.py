"""A sign-in is worth what the account is worth now: roles, activation and passwords count from the next request."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings
from django.test import Client, override_settings

from clinic.enums import Role
from clinic.models import User
from tests.factories import UserFactory
from tests.signing_in import sign_in

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clinic_now")]

END = "/sign-ins/end/"


class TestTheNextRequest:
    def test_a_role_that_was_given_opens_its_pages(self, reception: User, reception_client: Client) -> None:
        assert reception_client.get("/my-day/").status_code == 403
        User.objects.filter(pk=reception.pk).update(roles=[Role.PRACTITIONER])
        assert reception_client.get("/my-day/").status_code == 200

    def test_a_role_that_was_taken_closes_them(self, admin: User, admin_client: Client) -> None:
        assert admin_client.get("/admin/").status_code == 200
        User.objects.filter(pk=admin.pk).update(roles=[Role.RECEPTION])
        assert [admin_client.get(page).status_code for page in ("/admin/", "/staff/")] == [403, 403]

    def test_who_is_switched_off_is_out(self, reception: User, reception_client: Client) -> None:
        assert reception_client.get("/diary/").status_code == 200
        User.objects.filter(pk=reception.pk).update(is_active=False)
        assert reception_client.get("/diary/")["Location"].startswith("/accounts/login/")
        polled = reception_client.get("/diary/changes/", headers={"HX-Request": "true"})
        assert polled["HX-Redirect"].startswith("/accounts/login/")

    def test_a_new_password_ends_the_sign_ins_made_with_the_old_one(
        self, reception: User, reception_client: Client
    ) -> None:
        reception.set_password("another long secret of mine")
        reception.save()
        assert reception_client.get("/diary/")["Location"].startswith("/accounts/login/")

    def test_a_backend_that_does_not_look_would_let_who_is_switched_off_in(self, reception: User) -> None:
        lax = ["django.contrib.auth.backends.AllowAllUsersModelBackend"]
        with override_settings(AUTHENTICATION_BACKENDS=lax):
            client = sign_in(Client(), reception, backend=lax[0])
            User.objects.filter(pk=reception.pk).update(is_active=False)
            assert client.get("/diary/").status_code == 200
        assert settings.AUTHENTICATION_BACKENDS == ["clinic.accounts.PasswordBackend"]


class TestEndingTheOthers:
    def test_this_one_stays_and_nobody_elses_ends(self, reception: User, admin_client: Client) -> None:
        here, phone, desk = (sign_in(Client(), reception) for _sign_in in range(3))
        assert here.post(END)["Location"] == "/accounts/2fa/"
        assert here.get("/diary/").status_code == 200
        assert [each.get("/diary/").status_code for each in (phone, desk)] == [302, 302]
        assert admin_client.get("/diary/").status_code == 200

    def test_it_is_said(self, reception: User) -> None:
        client = sign_in(Client(), reception)
        assert "You are signed out everywhere else." in client.post(END, follow=True).content.decode()

    def test_it_is_in_the_history_of_the_account(self, reception: User, reception_client: Client) -> None:
        reception_client.post(END)
        assert list(reception.events.order_by("pgh_id").values_list("sign_ins_ended", flat=True)) == [0, 1]

    def test_the_key_of_the_session_changes(self, reception_client: Client) -> None:
        before = reception_client.cookies["sessionid"].value
        reception_client.post(END)
        assert reception_client.cookies["sessionid"].value != before

    def test_two_at_once_leave_one(self, reception: User) -> None:
        """Each ends the other: whoever was last goes on."""
        first, second = (sign_in(Client(), reception) for _sign_in in range(2))
        assert first.post(END).status_code == 302
        assert second.post(END)["Location"].startswith("/accounts/login/")
        assert first.get("/diary/").status_code == 200


def test_people_without_a_role_may_end_theirs_too() -> None:
    client: Any = sign_in(Client(), UserFactory())
    assert client.post(END)["Location"] == "/accounts/2fa/"
