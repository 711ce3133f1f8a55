"""What happens at the door is written down: who came in, who tried, how it ended; never what was typed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.contrib.auth import authenticate
from django.core.cache import cache
from django.db import connection
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from clinic import sign_in_log
from clinic.actions import sign_in_events, staff
from clinic.enums import Role, SignInMeans
from clinic.enums import SignInEventKind as Kind
from clinic.models import SignIn, SignInEvent, User
from tests.factories import ScreenPinFactory, UserFactory
from tests.factories.clock import CLINIC_NOW, ago
from tests.factories.users import PASSWORD
from tests.signing_in import next_code, sign_in, with_second_factor
from tests.test_sign_ins import FIREFOX, IPHONE, ending, signed_in_from
from tests.test_throttling import HERE, LOGIN, RESET, THERE, said, try_

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clinic_now")]

LIST, WHO = "/sign-ins/", "/review/who-signed-in/"
CODE, UNLOCK = "/accounts/2fa/authenticate/", "/unlock/"


@pytest.fixture(autouse=True)
def no_tries_yet() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


def kinds(user: User | None) -> list[Kind]:
    """What happened with this account, in order."""
    return [
        Kind(each)
        for each in SignInEvent.objects.filter(user=user).order_by("pk").values_list("kind", flat=True)
    ]


class TestComingAndGoing:
    def test_a_sign_in_is_still_there_once_it_has_ended(self, reception: User) -> None:
        client = signed_in_from(reception, IPHONE, HERE)
        client.post("/accounts/logout/", REMOTE_ADDR=THERE)
        assert not SignIn.objects.filter(user=reception).exists()  # where it was listed until now
        assert kinds(reception) == [Kind.PASSWORD_RIGHT, Kind.SIGNED_IN, Kind.SIGNED_OUT]
        right, came, went = SignInEvent.objects.order_by("pk")
        assert (came.at, came.browser, came.address) == (CLINIC_NOW, "Safari on iPhone", HERE)
        assert (right.means, came.means, went.address) == ("", SignInMeans.RECOVERY, THERE)

    def test_by_the_clock_by_oneself_elsewhere_and_by_an_admin(self, reception: User, admin: User) -> None:
        first, second = signed_in_from(reception, FIREFOX, HERE), signed_in_from(reception, IPHONE, THERE)
        second.post(ending(first))
        staff.end_sign_ins(user=reception, by=admin, at=CLINIC_NOW)
        reception.refresh_from_db()
        last = sign_in(Client(), reception)
        with time_machine.travel(CLINIC_NOW + timedelta(hours=12), tick=False):
            last.get("/diary/")
        ends = SignInEvent.objects.filter(user=reception, kind__in=(Kind.ENDED, Kind.RAN_OUT)).order_by("pk")
        assert list(ends.values_list("kind", "by", "address")) == [
            (Kind.ENDED, None, HERE),  # the browser that was ended, not the one in which it was said
            (Kind.ENDED, admin.pk, ""),
            (Kind.RAN_OUT, None, "127.0.0.1"),
        ]

    def test_an_invitation_and_factors(self, admin: User, django_capture_on_commit_callbacks: Any) -> None:
        invitation, secret = staff.invite(
            first_name="Ngozi",
            last_name="Okafor",
            email="ngozi@clinic.example",
            roles=[Role.RECEPTION],
            by=admin,
            at=CLINIC_NOW,
        )
        client, new = Client(), "a long secret of mine"
        client.post(reverse("clinic:come_in", args=[secret]), {"password": new, "again": new})
        shown = client.get(reverse("mfa_activate_totp")).context["form"].secret
        code = format_hotp_value(hotp_value(shown, int(CLINIC_NOW.timestamp()) // 30))
        with django_capture_on_commit_callbacks(execute=True):
            client.post(reverse("mfa_activate_totp"), {"code": code})
            client.post(reverse("mfa_generate_recovery_codes"))
        app = Authenticator.objects.get(user=invitation.user, type=Authenticator.Type.TOTP)
        client.post(reverse("mfa_deactivate_totp"))
        assert Authenticator.objects.filter(pk=app.pk).exists()  # the only one: it stays, and nothing is said
        assert kinds(invitation.user) == [
            Kind.INVITED_IN,
            Kind.PASSWORD_RIGHT,
            Kind.SIGNED_IN,
            *[Kind.FACTOR_ADDED] * 3,
        ]
        Authenticator.objects.create(user=invitation.user, type=Authenticator.Type.WEBAUTHN, data={})
        client.post(reverse("mfa_deactivate_totp"))
        assert kinds(invitation.user)[6:] == [Kind.FACTOR_REMOVED]

    def test_passwords_changed_and_chosen_by_a_link(self, reception: User, mailoutbox: list[Any]) -> None:
        for email in (reception.email, "zebra@clinic.example"):
            Client().post(RESET, {"email": email})
        link = re.search(r"http://testserver(/accounts/password/reset/key/\S+)", mailoutbox[0].body)
        client, new = Client(), "another long secret of mine"
        assert link
        client.post(client.get(link.group(1))["Location"], {"password1": new, "password2": new})
        newer = "a third long secret of mine"
        typed = {"oldpassword": new, "password1": newer, "password2": newer}
        reception.refresh_from_db()
        sign_in(Client(), reception, is_noted=True).post(reverse("account_change_password"), typed)
        assert kinds(reception)[:3] == [Kind.RESET_ASKED, Kind.RESET_DONE, Kind.SIGNED_IN]
        assert (Kind.PASSWORD_CHANGED in kinds(reception), kinds(None)) == (True, [Kind.RESET_ASKED])


class TestWhatFails:
    def test_a_wrong_password_is_nobodys_where_nobody_has_the_name(self, reception: User) -> None:
        for typed in ("reception", "my secret passw0rd", reception.email):
            try_(typed, "zebra zebra zebra")
        assert list(SignInEvent.objects.order_by("pk").values_list("user", "kind", "address")) == [
            (reception.pk, Kind.PASSWORD_WRONG, HERE),
            (None, Kind.PASSWORD_WRONG, HERE),
            (reception.pk, Kind.PASSWORD_WRONG, HERE),
        ]
        with connection.cursor() as cursor:
            cursor.execute("SELECT string_agg(event::text, ' ') FROM clinic_signinevent AS event")
            (kept,) = cursor.fetchone()
        assert not re.search("zebra|secret|passw0rd|@", kept)

    def test_what_came_in_no_request_came_from_nowhere_and_is_not_kept(
        self, reception: User, rf: RequestFactory
    ) -> None:
        for request, kept in ((None, 0), (rf.post("/"), 1)):
            assert authenticate(request, username="reception", password="zebra zebra zebra") is None
            assert SignInEvent.objects.count() == kept

    @pytest.mark.parametrize("tries", [0, 5], ids=["wrong", "too many"])
    def test_known_or_not_costs_the_same_and_reads_the_same(self, reception: User, tries: int) -> None:
        """Statement by statement, but for the names in them; the first of too many writes a row, the next do not."""
        asked, read = {}, {}
        for typed in ("reception", "nobody-at-all"):
            if not tries:
                cache.clear()
            for _try in range(tries):
                try_(typed)
            with CaptureQueriesContext(connection) as queries:
                answer = try_(typed)
            asked[typed] = [re.sub(r"'[^']*'(::uuid)?|NULL|\d+", "…", each["sql"]) for each in queries]
            read[typed] = said(answer)[1].replace(typed, "…")
        written = {
            typed: sum('INSERT INTO "clinic_signinevent"' in sql for sql in sqls)
            for typed, sqls in asked.items()
        }
        if not tries:
            assert (asked["reception"], written["reception"]) == (asked["nobody-at-all"], 1)
        else:
            # Whoever comes first from an address, known or not, writes the row.
            assert written == {"reception": 1, "nobody-at-all": 0}
            assert [
                sql for sql in asked["reception"] if 'INSERT INTO "clinic_signinevent"' not in sql
            ] == asked["nobody-at-all"]
        assert read["reception"] == read["nobody-at-all"]

    @pytest.mark.parametrize("is_bounded", [True, False])
    def test_a_flood_writes_no_more_than_the_limit_lets_through(
        self, reception: User, is_bounded: bool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """And one row more, that it was too much; without the bound, one for each that is sent."""
        if not is_bounded:
            monkeypatch.setattr(sign_in_events, "ONCE_IN", timedelta())
        for _try in range(12):
            try_("reception")
        passkey = {"credential": '{"id": "x"}'}
        for _try in range(12):
            Client().post(reverse("mfa_login_webauthn"), passkey, REMOTE_ADDR=HERE)
        found = {kind: kinds(reception).count(kind) for kind in (Kind.PASSWORD_WRONG, Kind.THROTTLED)}
        expected = (5, 1, 1) if is_bounded else (5, 7, 12)
        assert (*found.values(), kinds(None).count(Kind.FACTOR_WRONG)) == expected

    def test_codes_and_pins(self, reception: User) -> None:
        with_second_factor(reception)
        client = Client()
        client.post(LOGIN, {"login": "reception", "password": PASSWORD})
        for _try in range(6):
            client.post(CODE, {"code": "0000000000"})
        assert kinds(reception) == [Kind.PASSWORD_RIGHT, *[Kind.FACTOR_WRONG] * 5, Kind.THROTTLED]
        cache.clear()
        client.post(CODE, {"code": next_code(reception)})
        ScreenPinFactory(user=reception, pin="739164")
        client.post("/lock/")
        for pin in ("739165", "739164"):
            client.post(UNLOCK, {"pin": pin})
        client.post("/lock/")
        client.post(UNLOCK, {"password": "wrong"})
        client.post(UNLOCK, {"password": PASSWORD})
        assert list(SignInEvent.objects.order_by("pk").values_list("kind", "means"))[7:] == [
            (Kind.SIGNED_IN, SignInMeans.RECOVERY),
            (Kind.PIN_WRONG, ""),
            (Kind.UNLOCKED, SignInMeans.PIN),
            (Kind.PASSWORD_WRONG, ""),
            (Kind.UNLOCKED, SignInMeans.PASSWORD),
        ]

    def test_without_the_log_nobody_would_know(
        self, reception: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sign_in_log, "note", lambda *_said, **_more: None)
        signed_in_from(reception, FIREFOX, HERE).post("/accounts/logout/")
        try_("reception")
        assert not SignInEvent.objects.exists() and not SignIn.objects.filter(user=reception).exists()


def happened(user: User | None, kind: Kind = Kind.SIGNED_IN, **changes: Any) -> SignInEvent:
    said_of_it = {"at": ago(hours=1), "address": HERE, "browser": "Firefox on Windows", **changes}
    return SignInEvent.objects.create(user=user, kind=kind, **said_of_it)


class TestThePages:
    def test_everybody_reads_their_own_and_nobody_elses(self, reception: User, admin: User) -> None:
        client = sign_in(Client(), reception, is_noted=True)
        happened(admin, Kind.PIN_WRONG)
        tried = happened(reception, Kind.THROTTLED, means=SignInMeans.PASSWORD, address="192.0.2.77")
        page = client.get(LIST)
        assert [each.user for each in page.context["events"]] == [reception] * 2
        assert tried in page.context["events"]
        text = " ".join(page.text.split())
        assert "too many tries · password" in text and "Firefox on Windows · 192.0.2.77" in text
        assert "wrong PIN" not in text

    def test_an_admin_reads_everybodys_narrowed(
        self, admin_client: Client, admin: User, reception: User
    ) -> None:
        old = happened(reception, at=ago(days=3))
        lost = happened(None, Kind.PASSWORD_WRONG)
        ended = happened(reception, Kind.ENDED, by=admin, address="", browser="")

        def shown(**asked: Any) -> list[SignInEvent]:
            return list(admin_client.get(WHO, asked).context["entries"])

        assert shown() == [ended, lost, old]
        assert shown(user=reception.pk) == [ended, old]
        assert shown(kind=Kind.PASSWORD_WRONG) == [lost]
        assert shown(user=reception.pk, kind=Kind.ENDED) == [ended]
        assert shown(until="2026-02-28") == [old] and shown(**{"from": "2026-03-01"}) == [ended, lost]
        text = " ".join(admin_client.get(WHO).text.split())
        assert f"ended · by {admin}" in text and "nobody's" in text
        refused = admin_client.get(WHO, {"kind": "by the window"})
        assert (refused.status_code, refused.context["entries"]) == (422, [])
        assert admin_client.get(WHO, {"user": "x"}).status_code == 404

    @pytest.mark.parametrize("count", [1, 30])
    def test_it_is_paged_and_costs_as_much_however_much_there_is(
        self, admin: User, count: int, django_assert_num_queries: Any
    ) -> None:
        client = sign_in(Client(), admin, is_noted=True)
        for _row in range(count):
            happened(UserFactory(), by=admin)
        with django_assert_num_queries(5):  # session, person, the staff to choose from, the page
            page = client.get(WHO, {"kind": Kind.SIGNED_IN, "from": "2026-03-01"})
        assert len(page.context["entries"]) == min(count + 1, 25)
        assert ("page=2" in page.context["older_url"]) == (count == 30)

    def test_found_by_index_and_never_sorted(self, admin: User, reception: User) -> None:
        others = UserFactory.create_batch(3)
        SignInEvent.objects.bulk_create(
            SignInEvent(at=ago(minutes=n), user=others[n % 3], kind=list(Kind)[n % 17]) for n in range(6000)
        )
        log, since = SignInEvent.objects.visible_to(admin), ago(days=1)
        asked = {
            "everybody": (log, "sign_in_event_at"),
            "one's own": (log.of(others[0]), "sign_in_event_user"),
            "a kind": (log.filter(kind=Kind.RECORDS_STOPPED), "sign_in_event_kind"),
            "some days": (log.filter(at__gte=since), "sign_in_event_at"),
            "the window of a flood": (
                log.filter(kind=Kind.THROTTLED, address=HERE, at__gt=since).order_by(),
                "sign_in_event_kind",
            ),
        }
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE clinic_signinevent")
        plans = {name: found[:26].explain() for name, (found, _index) in asked.items()}
        assert {name for name, (_found, index) in asked.items() if index not in plans[name]} == set(), plans
        assert [name for name, plan in plans.items() if "Seq Scan" in plan or "Sort" in plan] == []
