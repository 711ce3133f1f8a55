"""The parts that pages are made of: that each says what it must, to whom it may, with enough contrast."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from django.conf import settings
from django.template import Context, Template
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from clinic.enums import AppointmentStatus, Readiness
from clinic.models import Patient, User
from clinic.templatetags import clinic_tags
from tests.factories import PatientFactory, UserFactory
from tests.signing_in import sign_in

STATIC = Path(settings.BASE_DIR) / "clinic" / "static" / "clinic"
TEMPLATES = [
    *(Path(settings.BASE_DIR) / "templates").rglob("*.html"),
    *(Path(settings.BASE_DIR) / "clinic").rglob("*.py"),
    *(Path(settings.BASE_DIR) / "consultations").rglob("*.py"),
]
LISTED_ICONS = set((STATIC / "icons.txt").read_text().split())


def rendered(source: str, **context: object) -> str:
    """The template text with clinic_tags loaded, white space pressed."""
    return " ".join(Template("{% load clinic_tags %}" + source).render(Context(context)).split())


def contrast(one: str, other: str) -> float:
    """The WCAG contrast ratio of two colours like #0f6e67."""

    def luminance(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def colours(theme: str) -> dict[str, str]:
    """The colour variables that look.css sets for a theme."""
    blocks = re.findall(
        r'\[data-bs-theme="' + theme + r'"\] \{(.*?)\}', (STATIC / "look.css").read_text(), re.DOTALL
    )
    found = re.findall(r"--([\w-]+): (#[0-9a-f]{3,6});", " ".join(blocks))
    return {
        name: code if len(code) == 7 else "#" + "".join(2 * digit for digit in code[1:])
        for name, code in found
    }


class TestIcons:
    def test_every_icon_a_template_names_is_listed(self) -> None:
        used = {name for path in TEMPLATES for name in re.findall(r'{% icon "([\w-]+)"', path.read_text())}
        assert used - LISTED_ICONS == set()

    def test_every_status_and_readiness_has_a_listed_icon(self) -> None:
        assert set(clinic_tags.STATUS_ICONS) == set(AppointmentStatus)
        assert set(clinic_tags.READINESS_ICONS) == set(Readiness)
        named = {*clinic_tags.STATUS_ICONS.values(), *clinic_tags.READINESS_ICONS.values()}
        assert named - LISTED_ICONS == set()

    def test_an_icon_is_decoration_unless_it_has_a_label(self) -> None:
        assert rendered('{% icon "check" %}').startswith(
            '<svg class="icon" viewBox="0 0 24 24" aria-hidden="true">'
        )
        assert 'role="img" aria-label="a &lt; b"' in rendered('{% icon "check" label %}', label="a < b")


class TestWords:
    INSTANT = datetime(2026, 11, 26, 8, 15, tzinfo=UTC)

    @pytest.mark.parametrize(
        ("filter_name", "expected"),
        [
            ("day", "Thu 26 Nov 2026"),
            ("short_day", "Thu 26 Nov"),
            ("plain_day", "26 Nov 2026"),
            ("clock", "09:15"),
            ("when", "Thu 26 Nov 2026, 09:15"),
        ],
    )
    def test_instants_are_read_on_the_clinics_clock(self, filter_name: str, expected: str) -> None:
        assert rendered("{{ value|" + filter_name + " }}", value=self.INSTANT) == expected

    def test_a_window_of_whole_days_is_said_in_days_also_over_the_clock_change(self) -> None:
        zone = timezone.get_current_timezone()
        opens, closes = datetime(2026, 10, 25, tzinfo=zone), datetime(2026, 11, 2, tzinfo=zone)
        assert clinic_tags.window_start(opens) == "Sun 25 Oct 2026"
        assert clinic_tags.window_end(closes) == "Sun 1 Nov 2026"
        noon = datetime(2026, 11, 2, 12, 30, tzinfo=zone)
        assert clinic_tags.window_start(noon) == clinic_tags.window_end(noon) == "Mon 2 Nov 2026, 12:30"

    def test_a_date_is_the_same_in_every_zone(self) -> None:
        assert clinic_tags.plain_day(date(1984, 3, 12)) == "12 Mar 1984"

    def test_nothing_is_written_for_nothing(self) -> None:
        assert [clinic_tags.when(None), clinic_tags.decimal(None), clinic_tags.last_digits("")] == [
            "",
            "",
            "",
        ]

    @pytest.mark.parametrize(
        ("value", "expected"),
        [
            (Decimal("84.000"), "84"),
            (Decimal("0.30"), "0.3"),
            (Decimal("100"), "100"),
            (0, "0"),
            (Decimal("-1.50"), "-1.5"),
        ],
    )
    def test_a_measure_has_no_needless_zeros(self, value: Decimal, expected: str) -> None:
        assert clinic_tags.decimal(value) == expected

    @pytest.mark.parametrize(
        ("value", "cap", "share"), [(0, 100, 0), (42, 100, 42), (51, 50, 100), (1, 0, 100)]
    )
    def test_a_share_of_a_cap_stays_between_nothing_and_all(self, value: int, cap: int, share: int) -> None:
        assert clinic_tags.share_of(value, cap) == share

    def test_a_phone_number_is_recognised_by_its_last_digits(self) -> None:
        assert clinic_tags.last_digits("+33 6 12 00 44 71") == "…4471"


class TestBadges:
    @pytest.mark.parametrize("status", AppointmentStatus)
    def test_a_status_is_an_icon_and_a_word(self, status: AppointmentStatus) -> None:
        text = rendered(
            '{% include "components/status_badge.html" with status=status late=False only %}', status=status
        )
        assert f'class="state state-{status}"' in text
        assert f"<span>{status.label}</span>" in text
        assert text.count("<svg") == 1

    @pytest.mark.parametrize("state", Readiness)
    def test_readiness_is_an_icon_and_a_word(self, state: Readiness) -> None:
        text = rendered(
            '{% include "components/readiness_badge.html" with state=state text="" only %}', state=state
        )
        assert f"<span>{state.label}</span>" in text
        assert text.count("<svg") == 1

    def test_a_dose_over_its_cap_says_so_in_words(self) -> None:
        include = (
            '{% include "components/dose_bar.html" with label="DC" value=value cap=cap unit="mg" only %}'
        )
        within, over = (
            rendered(include, value=Decimal(value), cap=Decimal(100)) for value in ("84.00", "100.01")
        )
        assert "84 of 100 mg" in within
        assert "over the cap" not in within
        assert "over the cap" in over


@pytest.mark.django_db
class TestPatientHeader:
    def header(self, patient: Patient) -> str:
        return rendered(
            '{% include "components/patient_header.html" with patient=patient warnings="" similar="" only %}',
            patient=patient,
        )

    def test_tells_who_this_is(self, clinic_now: datetime) -> None:
        text = self.header(PatientFactory(family_name="Moreau", given_names="Jeanne"))
        assert "<bdi>Moreau, Jeanne</bdi>" in text
        assert [
            fact
            for fact in ("41 years", "female", "12 Mar 1984", "…4471", "prefers phone")
            if fact not in text
        ] == []

    def test_a_name_is_text_whatever_it_contains(self) -> None:
        text = self.header(PatientFactory(family_name="<script>alert(1)</script>"))
        assert "<script>" not in text

    def test_a_minor_comes_with_the_representative(self) -> None:
        assert "<bdi>Clara Moreau</bdi>" in self.header(PatientFactory(minor=True))


@pytest.mark.django_db
class TestNavigation:
    ENTRIES = re.compile(r'class="nav-entry" href="([^"]+)"')

    @pytest.mark.parametrize(
        ("roles", "expected"),
        [
            (["reception"], {"/diary/", "/patients/", "/contacts/", "/waitlist/", "/opening/"}),
            (["practitioner"], {"/diary/", "/patients/", "/my-day/", "/worklists/", "/review/"}),
            (["admin"], {"/diary/", "/patients/", "/review/", "/admin/"}),
            ([], {"/diary/", "/patients/"}),
        ],
    )
    def test_leads_only_where_the_role_may_go(self, roles: list[str], expected: set[str]) -> None:
        user = UserFactory(roles=roles, is_staff="admin" in roles)
        client = Client()
        sign_in(client, user)
        found = set(self.ENTRIES.findall(client.get("/accounts/password/change/").content.decode()))
        assert {re.sub(r"^/[\w-]+(?=/worklists/)", "", address) for address in found} == expected


@pytest.mark.django_db
class TestGallery:
    def test_shows_every_component_to_admins(self, admin_client: Client) -> None:
        response = admin_client.get("/gallery/")
        assert response.status_code == 200
        shown = {template.name for template in response.templates}
        listed = {
            f"components/{path.name}"
            for path in (Path(settings.BASE_DIR) / "templates/components").glob("*.html")
        }
        assert listed - shown == {"components/refusal.html"}

    def test_is_open_to_everybody_in_the_demo(self, reception_client: Client, settings: Settings) -> None:
        settings.MODE = "demo"
        assert reception_client.get("/gallery/").status_code == 200

    def test_is_for_admins(self, reception_client: Client) -> None:
        response = reception_client.get("/gallery/")
        assert response.status_code == 403
        assert "The gallery is for admins. Ask one of them." in response.content.decode()


@pytest.mark.django_db
class TestSignIn:
    def test_offers_no_sign_up_and_no_demo_account(self, client: Client) -> None:
        text = client.get("/accounts/login/").content.decode()
        assert "<title>Sign in · Mesoclinic</title>" in text
        assert "signup" not in text
        assert "Demo accounts" not in text

    def test_names_the_demo_accounts_in_the_demo(self, client: Client, settings: Settings) -> None:
        settings.MODE, settings.DEMO_PASSWORD = "demo", "mesoclinic-demo"
        text = client.get("/accounts/login/").content.decode()
        assert [name for name in ("reception", "silva", "admin", "mesoclinic-demo") if name not in text] == []

    @pytest.mark.parametrize("page", ["login", "password/reset", "password/reset/done", "inactive", "signup"])
    def test_every_page_before_it_has_our_look(self, client: Client, page: str) -> None:
        assert "sheet-brand" in client.get(f"/accounts/{page}/").content.decode()

    @pytest.mark.parametrize("page", ["logout", "password/change", "email", "reauthenticate"])
    def test_every_page_of_the_account_has_our_look(self, reception: User, page: str) -> None:
        client = Client()
        sign_in(client, reception)
        response = client.get(f"/accounts/{page}/", follow=True)
        assert 'class="sheet"' in response.content.decode()


class TestContrast:
    @pytest.mark.parametrize("theme", ["light", "dark"])
    def test_text_is_legible_on_what_it_stands_on(self, theme: str) -> None:
        found = colours(theme)
        grounds = [found["surface"], found["surface-sunken"], found["tblr-body-bg"]]
        pairs = [
            (found[ink], ground)
            for ink in ("quiet", "accent", "ok", "warn", "bad", "info")
            for ground in grounds
        ]
        pairs += [(found[ink], found[f"{ink}-soft"]) for ink in ("accent", "ok", "warn", "bad", "info")]
        pairs += [
            (found["tblr-primary-fg"], found["tblr-primary"]),
            (found["tblr-danger-fg"], found["tblr-danger"]),
        ]
        pairs += [(found["tblr-body-color"], ground) for ground in grounds]
        assert [pair for pair in pairs if contrast(*pair) < 4.5] == []

    def test_every_kind_of_visit_is_legible_in_both_themes(self) -> None:
        kinds = re.findall(r"--type-bg: (#\w+); --type-fg: (#\w+);", (STATIC / "diary.css").read_text())
        assert len(kinds) == 16
        assert [kind for kind in kinds if contrast(*kind) < 4.5] == []

    def test_the_diary_has_a_class_for_every_five_minutes_of_a_day(self) -> None:
        text = (STATIC / "diary.css").read_text()
        assert re.findall(r"\.from-(\d+) ", text) == [str(row) for row in range(1, 289)]
        assert re.findall(r"\.span-(\d+) ", text) == [str(row) for row in range(1, 289)]
