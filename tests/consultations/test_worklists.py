"""What waits for practitioners, and the incident list of admins and practitioners."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from clinic.models import ClinicSettings, Practitioner, User
from consultations import purposes
from consultations.enums import AllergyStatus, PlanStatus
from consultations.models import Plan
from consultations.worklists import sessions
from consultations.worklists.notices import notices
from tests.factories import (
    LATE_DAYS,
    AdverseEventFactory,
    AllergyFactory,
    AppointmentFactory,
    CheckInFactory,
    ClinicalReportFactory,
    ConsentFactory,
    ConsultationFactory,
    DeviationFactory,
    EnteredInErrorFactory,
    PatchTestFactory,
    PlanFactory,
    PractitionerFactory,
    SessionFactory,
    TestReadingFactory,
    cleared_plan,
    consented_plan,
)
from tests.factories.clock import ago, ahead

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clinic_now")]

WORKLISTS = "/worklists/"
INCIDENTS = "/incidents/"
KEYS = [
    "reports",
    "check-ins",
    "events",
    "readings",
    "read",
    "late-readings",
    "checks",
    "unsigned",
    "allergies",
    "sessions",
    "release",
]


def section(client: Client, key: str, query: str = ""):
    page = client.get(f"{WORKLISTS}{query}")
    return next(each for each in page.context["sections"] if each.key == key)


def rows(client: Client, key: str) -> list[tuple]:
    return [(row.patient, row.what, row.chip, row.action) for row in section(client, key).rows]


class TestThePage:
    def test_its_sections_stand_in_order_with_anchors(self, practitioner_client: Client) -> None:
        page = practitioner_client.get(WORKLISTS)
        assert [each.key for each in page.context["sections"]] == KEYS
        assert [key for key in KEYS if f'id="{key}"' not in page.content.decode()] == []

    def test_empty_lists_say_what_would_fill_them(self, practitioner_client: Client) -> None:
        page = practitioner_client.get(WORKLISTS).content.decode()
        assert "No report waits." in page
        assert "A test injection appears here until its delayed reading is recorded." in page

    @pytest.mark.parametrize("role", ["reception_client", "admin_client"])
    def test_it_does_not_exist_for_the_others(self, request: pytest.FixtureRequest, role: str) -> None:
        assert request.getfixturevalue(role).get(WORKLISTS).status_code == 404

    @pytest.mark.parametrize("times", [1, 3])
    def test_the_number_of_queries_does_not_grow(
        self, practitioner_client: Client, django_assert_num_queries, times: int
    ) -> None:
        for _time in range(times):
            self.one_of_each()
        practitioner_client.get(WORKLISTS)
        with django_assert_num_queries(47):
            page = practitioner_client.get(WORKLISTS)
        assert [len(each.rows) for each in page.context["sections"]] == [times] * len(KEYS)

    def one_of_each(self) -> None:
        ClinicalReportFactory()
        CheckInFactory(open=True)
        AdverseEventFactory(review_by=ahead(hours=48))
        PatchTestFactory(plan=waiting_plan(), given_at=ago(hours=50))
        TestReadingFactory(patch_test__plan=waiting_plan(), patch_test__given_at=ago(days=4))
        asked = {f"test_policy__{name}": days for name, days in LATE_DAYS.items()}
        given = {"patch_test__plan": waiting_plan(**asked), "patch_test__given_at": ago(days=8, hours=4)}
        TestReadingFactory(read_at=ago(days=7, hours=2), **given)
        SessionFactory(plan=cleared_plan(sessions=1), signed=True, started_at=ago(days=2))
        ConsultationFactory(created_at=ago(days=2))
        AllergyFactory()
        PlanFactory()
        stopped = PlanFactory(status=PlanStatus.STOPPED)
        AppointmentFactory(patient=stopped.patient, purpose=purposes.test_of(stopped))


def waiting_plan(**plan: int):
    """A consented plan whose sessions nobody misses yet."""
    return consented_plan(
        consultation=ConsultationFactory(signed=True, signed_at=ago(days=9), created_at=ago(days=9)), **plan
    )


def test_the_visits_of_a_plan_on_hold_may_be_released_and_those_of_a_stopped_one_have_to(
    practitioner_client: Client,
) -> None:
    held, stopped = cleared_plan(), cleared_plan()
    for plan, status in ((held, PlanStatus.ON_HOLD), (stopped, PlanStatus.STOPPED)):
        purpose = purposes.session_of(plan.planned_sessions.get(ordinal=1))
        AppointmentFactory(patient=plan.patient, purpose=purpose, starts_at=ahead(days=3))
        plan.status = status
        plan.save(update_fields=["status"])
    assert [
        (patient, chip, action) for patient, _what, chip, action in rows(practitioner_client, "release")
    ] == [
        (stopped.patient, "", "Call and release"),
        (held.patient, "on hold", "Release or keep"),
    ]


class TestReports:
    def test_red_flags_come_first_then_the_oldest(self, practitioner_client: Client) -> None:
        young = ClinicalReportFactory(reported_at=ago(hours=1))
        old = ClinicalReportFactory(reported_at=ago(hours=9))
        red = ClinicalReportFactory(reported_at=ago(minutes=5), red_flag=True)
        ClinicalReportFactory(triaged=True)
        assert rows(practitioner_client, "reports") == [
            (red.patient, "red and warm since yesterday", "red flag", "Look at it"),
            (old.patient, "red and warm since yesterday", "", "Look at it"),
            (young.patient, "red and warm since yesterday", "", "Look at it"),
        ]

    def test_the_action_leads_to_the_report(self, practitioner_client: Client) -> None:
        report = ClinicalReportFactory()
        (row,) = section(practitioner_client, "reports").rows
        assert row.url == reverse("consultations:report_triage", args=[report.pk])
        assert row.since == f"since Mon 2 Mar 2026, 07:00, taken by {report.reported_by}"


class TestReadings:
    @pytest.mark.parametrize(
        ("hours", "chip", "action"),
        [
            (23.9, "opens later", "Book the reading"),
            (24, "can be read", "Read"),
            (48, "due", "Read"),
            (95.9, "due", "Read"),
            (96, "overdue", "Open test"),
        ],
    )
    def test_the_window_decides_what_is_next(
        self, practitioner_client: Client, hours: float, chip: str, action: str
    ) -> None:
        test = PatchTestFactory(plan=waiting_plan(), given_at=ago(hours=hours))
        assert rows(practitioner_client, "readings") == [(test.patient, str(test.formula), chip, action)]

    def test_a_booked_reading_is_named(self, practitioner_client: Client) -> None:
        test = PatchTestFactory(plan=waiting_plan(), given_at=ago(hours=10))
        visit = AppointmentFactory(
            patient=test.patient, purpose=f"reading:{test.plan_id}", starts_at=ahead(hours=20)
        )
        (row,) = section(practitioner_client, "readings").rows
        assert (row.note, row.action) == (f"booked Tue 3 Mar 2026, 05:00, {visit.practitioner}", "Open test")

    def test_the_longest_due_comes_first(self, practitioner_client: Client) -> None:
        late = PatchTestFactory(plan=waiting_plan(), given_at=ago(hours=60))
        overdue = PatchTestFactory(plan=waiting_plan(), given_at=ago(hours=120))
        assert [row.patient for row in section(practitioner_client, "readings").rows] == [
            overdue.patient,
            late.patient,
        ]

    def test_what_was_read_moves_to_recently_read_for_a_week(self, practitioner_client: Client) -> None:
        reading = TestReadingFactory(patch_test__given_at=ago(days=5))
        TestReadingFactory(patch_test__given_at=ago(days=10))
        assert section(practitioner_client, "readings").rows == []
        assert rows(practitioner_client, "read") == [
            (reading.patient, str(reading.patch_test.formula), "no reaction seen", "Open test")
        ]


class TestUnsigned:
    def test_only_drafts_older_than_the_clinics_hours(self, practitioner_client: Client) -> None:
        ClinicSettings.objects.update(unsigned_after_hours=5)
        old = ConsultationFactory(created_at=ago(hours=5, minutes=1))
        ConsultationFactory(created_at=ago(hours=5))
        ConsultationFactory(signed=True)
        found = section(practitioner_client, "unsigned")
        assert ([row.patient for row in found.rows], found.title) == (
            [old.patient],
            "Unsigned for more than 5 hours",
        )

    def test_ones_own_is_finished_and_a_colleagues_taken_over_by_name(
        self, practitioner_client: Client, doctor: Practitioner
    ) -> None:
        own = ConsultationFactory(practitioner=doctor, created_at=ago(days=3))
        session = SessionFactory(
            practitioner=PractitionerFactory(name="Dr Amari"), started_at=ago(days=2), created_at=ago(days=2)
        )
        mine, theirs = section(practitioner_client, "unsigned").rows
        assert (mine.action, mine.posts, mine.url) == (
            "Finish and sign",
            False,
            reverse("consultations:consultation", args=[own.pk]),
        )
        assert (theirs.action, theirs.posts, theirs.url) == (
            "Take over from Dr Amari",
            True,
            reverse("consultations:take_over", args=["session", session.pk]),
        )


class TestAllergies:
    def test_only_words_without_a_group_wait(self, practitioner_client: Client) -> None:
        waiting = AllergyFactory(words="some ointment", reaction="rash")
        AllergyFactory(words="soy", group_code="soy")
        AllergyFactory(words="cats", refuted=True)
        AllergyFactory(words="nuts", confirmed=True)
        (row,) = section(practitioner_client, "allergies").rows
        assert (row.what, row.note, row.url) == (
            "some ointment",
            "rash",
            reverse("consultations:allergy_assess", args=[waiting.pk]),
        )
        assert waiting.status == AllergyStatus.REPORTED


class TestSessions:
    def test_a_late_course_is_booked(self, practitioner_client: Client) -> None:
        plan = PlanFactory(sessions=3)
        assert rows(practitioner_client, "sessions") == [
            (plan.patient, f"Session 1 of 3 · {plan.indication}", "", "Book")
        ]

    def test_since_when_is_the_last_session_given(self, practitioner_client: Client) -> None:
        plan = PlanFactory(test_policy__requirement="not_required")
        ConsentFactory(plan=plan, signed_at=ago(days=25))
        session = SessionFactory(plan=plan, signed=True, started_at=ago(days=21))
        (row,) = sessions.late(at=ago())
        assert (row.planned.ordinal, row.total, row.since) == (2, 3, session.started_at)

    def test_many_are_counted_up_to_a_limit_and_said_to_be_more(
        self, practitioner_client: Client, practitioner_user: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sessions, "MOST", 3)
        for _ in range(3):
            PlanFactory(sessions=3)

        def notice() -> tuple[str, int]:
            found = notices(user=practitioner_user, at=ago())
            return next((str(each.label), each.count) for each in found if "Sessions" in str(each.label))

        assert notice() == ("Sessions overdue, or more", 3)
        monkeypatch.setattr(sessions, "MOST", 4)
        assert notice() == ("Sessions overdue", 3)

    def test_closed_plans_do_not_hide_the_late_ones(
        self, practitioner_client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sessions, "MOST", 2)
        late = PlanFactory(sessions=3)
        for _ in range(3):
            TestReadingFactory(patch_test__plan=consented_plan(), positive=True)
        assert [each.planned.plan for each in sessions.overdue(ago())] == [late]

    def test_a_course_that_somebody_books_meanwhile_is_not_late(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        plan = PlanFactory(sessions=1)
        assert [each.planned.plan for each in sessions.late(at=ago())] == [plan]
        monkeypatch.setattr(sessions, "quiet_plans", lambda since: Plan.objects.filter(pk=plan.pk))
        planned = plan.planned_sessions.get()
        planned.appointment = AppointmentFactory(
            patient=plan.patient, purpose=purposes.session_of(planned), starts_at=ahead(days=1)
        )
        planned.save()
        assert sessions.late(at=ago()) == []

    def test_courses_on_hold_or_in_time_are_not_late(self, practitioner_client: Client) -> None:
        PlanFactory(status=PlanStatus.ON_HOLD)
        waiting_plan()
        assert section(practitioner_client, "sessions").rows == []


class TestPages:
    def test_each_list_pages_by_itself(self, practitioner_client: Client) -> None:
        reports = [ClinicalReportFactory(reported_at=ago(hours=30) + timedelta(hours=n)) for n in range(22)]
        first = section(practitioner_client, "reports", "?read=1")
        assert [row.patient for row in first.rows] == [report.patient for report in reports[:20]]
        assert (first.count, first.pages.newer_url, first.pages.older_url) == (
            22,
            "",
            "?read=1&reports=2#reports",
        )
        second = section(practitioner_client, "reports", "?reports=2")
        assert [row.patient for row in second.rows] == [report.patient for report in reports[20:]]
        assert (second.pages.newer_url, second.pages.older_url) == ("?reports=1#reports", "")

    def test_every_list_has_its_tile_and_none_is_counted_for_it(self, practitioner_client: Client) -> None:
        for _ in range(21):
            SessionFactory(plan=cleared_plan(), signed=True, started_at=ago(days=2))
        first = section(practitioner_client, "checks")
        assert (first.count, first.has_more) == (20, True)
        second = section(practitioner_client, "checks", "?checks=2")
        assert (second.count, second.has_more) == (21, False)
        beyond = section(practitioner_client, "checks", "?checks=9")
        assert (beyond.count, beyond.has_more) == (None, False)
        text = practitioner_client.get(WORKLISTS).content.decode()
        tiles = text[text.index('class="jump"') : text.index("</nav>", text.index('class="jump"'))]
        assert [f'href="#{key}"' in tiles for key in KEYS] == [True] * len(KEYS)
        assert "20 or more" in tiles

    @pytest.mark.parametrize("number", ["0", "-1", "x", "9" * 30, "²", ""])
    def test_nonsense_is_no_fault(self, practitioner_client: Client, number: str) -> None:
        assert practitioner_client.get(WORKLISTS, {"reports": number}).status_code == 200


class TestIncidents:
    def test_a_practitioner_sees_the_reason_and_the_way_to_the_record(
        self, practitioner_client: Client
    ) -> None:
        deviation = DeviationFactory(codes=["consent", "test"], reason="she insisted")
        page = practitioner_client.get(INCIDENTS)
        assert page.context["deviations"] == [
            {
                "at": deviation.happened_at,
                "patient": deviation.patient,
                "who": deviation.recorded_by,
                "missing": ["no consent in force", "the test injection was not read, or not valid"],
                "findings": "",
                "reason": "she insisted",
                "url": reverse("consultations:plan", args=[deviation.plan_id]),
            }
        ]
        assert "she insisted" in page.content.decode()

    def test_an_admin_sees_neither_reason_nor_record(self, admin_client: Client) -> None:
        deviation = DeviationFactory(reason="she insisted")
        page = admin_client.get(INCIDENTS)
        (row,) = page.context["deviations"]
        assert (row["patient"], row["reason"], row["url"]) == (deviation.patient, "", "")
        assert "she insisted" not in page.content.decode()
        assert str(deviation.plan_id) not in page.content.decode()

    def test_a_session_with_a_deviation_is_linked(self, practitioner_client: Client) -> None:
        plan = consented_plan()
        deviation = DeviationFactory(plan=plan, happened_at=ago(hours=1))
        session = SessionFactory(plan=plan, deviation=deviation)
        (row,) = practitioner_client.get(INCIDENTS).context["deviations"]
        assert row["url"] == reverse("consultations:session", args=[session.pk])

    def test_errors_wait_for_a_second_person_then_stand_confirmed(self, admin_client: Client) -> None:
        waiting = EnteredInErrorFactory(consent=ConsentFactory())
        confirmed = EnteredInErrorFactory(consultation=ConsultationFactory(signed=True), confirmed=True)
        page = admin_client.get(INCIDENTS)
        found = {
            name: [(row["entry"], str(row["kind"]), row["url"]) for row in page.context[name]]
            for name in ("waiting", "confirmed")
        }
        assert found == {
            "waiting": [(waiting, "consent", "")],
            "confirmed": [(confirmed, "consultation", "")],
        }
        assert reverse("consultations:error_confirm", args=[waiting.pk]) in page.content.decode()

    def test_ones_own_error_offers_no_confirmation(
        self, practitioner_client: Client, doctor: Practitioner
    ) -> None:
        entry = EnteredInErrorFactory(consent=ConsentFactory(), requested_by=doctor.user)
        page = practitioner_client.get(INCIDENTS).content.decode()
        assert "A colleague confirms this one" in page
        assert reverse("consultations:error_confirm", args=[entry.pk]) not in page

    @pytest.mark.parametrize(
        ("period", "days"),
        [
            ({"first": "2026-02-20", "last": ""}, [1, 10]),
            ({"first": "", "last": "2026-02-20"}, [10, 20]),
            ({"first": "2026-02-20", "last": "2026-02-20"}, [10]),
            ({"first": "2026-02-21", "last": "2026-02-28"}, []),
        ],
    )
    def test_the_period_counts_whole_clinic_days(
        self, admin_client: Client, period: dict[str, str], days: list[int]
    ) -> None:
        made = {day: DeviationFactory(happened_at=ago(days=day)) for day in (1, 10, 20)}
        page = admin_client.get(INCIDENTS, period)
        assert [row["patient"] for row in page.context["deviations"]] == [made[day].patient for day in days]

    @pytest.mark.parametrize(
        ("first", "last", "sentence"),
        [
            ("2026-03-02", "2026-03-01", "The last day lies before the first."),
            ("2026-03-02", "9999-01-01", "Choose a date between"),
            ("2026-03-02", "soon", "Enter the date as day, month and year."),
        ],
    )
    def test_a_period_that_cannot_be_is_named_and_kept(
        self, admin_client: Client, first: str, last: str, sentence: str
    ) -> None:
        page = admin_client.get(INCIDENTS, {"first": first, "last": last})
        assert (page.status_code, page.context["form"]["last"].value()) == (422, last)
        assert page.context["form"].errors["last"][0].startswith(sentence)

    def test_deviations_page_and_keep_the_period(self, admin_client: Client) -> None:
        plan = PlanFactory()
        for minute in range(26):
            DeviationFactory(plan=plan, happened_at=ago(days=1, minutes=minute))
        page = admin_client.get(INCIDENTS, {"first": "2026-01-01", "last": ""})
        assert len(page.context["deviations"]) == 25
        assert page.context["deviation_pages"].older_url == "?first=2026-01-01&last=&deviations=2#deviations"
        rest = admin_client.get(INCIDENTS, {"deviations": "2"})
        assert [row["at"] for row in rest.context["deviations"]] == [ago(days=1, minutes=25)]

    @pytest.mark.parametrize("times", [1, 3])
    def test_the_number_of_queries_does_not_grow(
        self, admin_client: Client, django_assert_num_queries, times: int
    ) -> None:
        for _time in range(times):
            DeviationFactory()
            EnteredInErrorFactory(consent=ConsentFactory())
            EnteredInErrorFactory(patch_test=PatchTestFactory(), confirmed=True)
        admin_client.get(INCIDENTS)
        with django_assert_num_queries(9):
            page = admin_client.get(INCIDENTS)
        assert [len(page.context[name]) for name in ("deviations", "waiting", "confirmed")] == [times] * 3

    def test_it_does_not_exist_for_reception(self, reception_client: Client) -> None:
        assert reception_client.get(INCIDENTS).status_code == 404


def test_of_the_events_to_review_one_page_is_read(practitioner_client: Client) -> None:
    AdverseEventFactory.create_batch(22, review_by=ahead(hours=3))
    with CaptureQueriesContext(connection) as asked:
        page = practitioner_client.get(reverse("consultations:worklists"))
    (events,) = [each for each in page.context["sections"] if each.key == "events"]
    assert (len(events.rows), events.pages.older_url != "") == (20, True)
    (read,) = [each["sql"] for each in asked if '"review_by" ASC' in each["sql"]]
    assert read.endswith("LIMIT 21")
