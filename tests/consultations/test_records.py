"""What can still happen to records: taken over, added to, called an error, confirmed; and deviations."""

from datetime import datetime

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse

from clinic.errors import DomainError, NotAllowed
from clinic.models import Practitioner, User
from consultations.actions import deviations, records
from consultations.enums import TestResult as Result
from consultations.models import Addendum, Deviation, EnteredInError, LeafletHandout
from consultations.queries import facts_of_one
from consultations.rules import clearance
from consultations.views.records import page_of
from tests.factories import (
    AdverseEventFactory,
    ConsentFactory,
    ConsultationFactory,
    EnteredInErrorFactory,
    LeafletHandoutFactory,
    PatchTestFactory,
    PlanFactory,
    PractitionerFactory,
    SessionFactory,
    TestReadingFactory,
    cleared_plan,
)
from tests.factories.clock import ago, ahead

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clinic_now")]

MAKERS = {
    "consultation": lambda: ConsultationFactory(signed=True),
    "patch-test": PatchTestFactory,
    "session": lambda: SessionFactory(signed=True),
    "consent": ConsentFactory,
    "reading": TestReadingFactory,
    "event": AdverseEventFactory,
    "leaflet": lambda: a_handout(),
}
ADDED_TO = ["consultation", "patch-test", "session", "event"]
COLUMNS = {"patch-test": "patch_test", "event": "adverse_event", "leaflet": "leaflet_handout"}


def a_handout() -> LeafletHandout:
    """Handed out for a plan of the patient."""
    plan = PlanFactory()
    return LeafletHandoutFactory(patient=plan.patient, plan=plan)


def url(route: str, kind: str, record) -> str:
    return reverse(f"consultations:{route}", args=[kind, record.pk])


def said(answer) -> list[str]:
    """The messages the answer leaves behind."""
    return [str(message) for message in get_messages(answer.wsgi_request)]


class TestAddenda:
    @pytest.mark.parametrize("kind", ADDED_TO)
    def test_a_signed_record_takes_a_word_more(
        self,
        practitioner_client: Client,
        practitioner_user: User,
        clinic_now: datetime,
        kind: str,
    ) -> None:
        record = MAKERS[kind]()
        answer = practitioner_client.post(url("addendum", kind, record), {"text": "Called back, all well."})
        assert (answer.status_code, answer["Location"]) == (302, page_of(record))
        row = Addendum.objects.get()
        assert (getattr(row, COLUMNS.get(kind, kind)), row.text, row.written_by, row.written_at) == (
            record,
            "Called back, all well.",
            practitioner_user,
            clinic_now,
        )

    @pytest.mark.parametrize("kind", ["consent", "reading", "plan", "anything"])
    def test_other_kinds_take_none(self, practitioner_client: Client, kind: str) -> None:
        record = MAKERS.get(kind, ConsentFactory)()
        assert practitioner_client.post(url("addendum", kind, record), {"text": "x"}).status_code == 404

    def test_a_draft_takes_none_and_its_page_says_so(self, practitioner_client: Client) -> None:
        draft = ConsultationFactory()
        answer = practitioner_client.post(url("addendum", "consultation", draft), {"text": "more"})
        assert answer["Location"] == page_of(draft)
        assert said(answer) == ["This record is not signed yet; write into it."]
        assert not Addendum.objects.exists()

    @pytest.mark.parametrize(
        ("text", "sentence"),
        [
            ("", "Please fill this in."),
            ("x" * 10001, "Write at most 10000 characters (these are 10001)."),
            ("nul\x00l", "This contained an invisible character that cannot be stored"),
        ],
    )
    def test_bad_input_is_named_kept_and_changes_nothing(
        self, practitioner_client: Client, text: str, sentence: str
    ) -> None:
        record = ConsultationFactory(signed=True)
        page = practitioner_client.post(url("addendum", "consultation", record), {"text": text})
        assert page.status_code == 422
        assert page.context["form"].errors["text"][0].startswith(sentence)
        assert page.context["form"]["text"].value() == text.replace("\x00", "")
        assert not Addendum.objects.exists()

    def test_the_action_refuses_an_empty_text(self, doctor: Practitioner, clinic_now: datetime) -> None:
        with pytest.raises(DomainError) as refusal:
            records.add(record=ConsultationFactory(signed=True), text=" ", by=doctor.user, at=clinic_now)
        assert (refusal.value.code, refusal.value.field) == ("text_missing", "text")


class TestTakingOver:
    @pytest.mark.parametrize(
        ("kind", "make"), [("consultation", ConsultationFactory), ("session", SessionFactory)]
    )
    def test_a_colleague_goes_on_in_their_own_name(
        self, practitioner_client: Client, doctor: Practitioner, kind: str, make
    ) -> None:
        draft = make(practitioner=PractitionerFactory(name="Dr Amari"))
        answer = practitioner_client.post(url("take_over", kind, draft))
        assert answer["Location"] == page_of(draft)
        assert said(answer) == ["You write this record now; Dr Amari began it."]
        before = draft.version
        draft.refresh_from_db()
        assert (draft.practitioner, draft.version) == (doctor, before + 1)

    def test_history_keeps_who_it_was_before(self, practitioner_client: Client, doctor: Practitioner) -> None:
        draft = ConsultationFactory()
        before = draft.practitioner
        practitioner_client.post(url("take_over", "consultation", draft))
        kept = draft.events.order_by("pgh_id").values_list("practitioner", flat=True)
        assert list(kept) == [before.pk, doctor.pk]

    def test_a_signed_record_is_not_taken_over(self, practitioner_client: Client) -> None:
        record = ConsultationFactory(signed=True)
        answer = practitioner_client.post(url("take_over", "consultation", record))
        assert said(answer) == ["This record is signed. Add an addendum instead."]

    def test_ones_own_draft_is_not_taken_over(
        self, practitioner_client: Client, doctor: Practitioner
    ) -> None:
        draft = ConsultationFactory(practitioner=doctor)
        answer = practitioner_client.post(url("take_over", "consultation", draft))
        assert said(answer) == ["You are writing this record already."]
        draft.refresh_from_db()
        assert draft.version == 1


class TestCallingAnError:
    @pytest.mark.parametrize("kind", sorted(MAKERS))
    def test_every_signed_kind_can_be_called_an_error(
        self, practitioner_client: Client, practitioner_user: User, clinic_now: datetime, kind: str
    ) -> None:
        record = MAKERS[kind]()
        answer = practitioner_client.post(url("entered_in_error", kind, record), {"reason": "wrong patient"})
        assert answer["Location"] == page_of(record)
        row = EnteredInError.objects.get()
        assert (records.record_of(row), row.reason, row.requested_by, row.requested_at, row.confirmed_at) == (
            record,
            "wrong patient",
            practitioner_user,
            clinic_now,
            None,
        )

    def test_a_reading_is_read_on_the_page_of_its_test(self) -> None:
        reading = TestReadingFactory()
        assert page_of(reading) == reverse("consultations:patch_test", args=[reading.patch_test_id])

    def test_what_cleared_stops_clearing_at_once(self, doctor: Practitioner, clinic_now: datetime) -> None:
        plan = cleared_plan()
        consent = plan.consents.get()
        records.call_error(record=consent, reason="other formula", by=doctor.user, at=clinic_now)
        assert _missing(plan, clinic_now) == ["consent"]

    def test_a_positive_reading_closes_until_a_second_person_confirms(
        self, doctor: Practitioner, admin: User, clinic_now: datetime
    ) -> None:
        plan = cleared_plan()
        positive = TestReadingFactory(patch_test=plan.patch_tests.get(), positive=True, read_at=ago(days=1))
        assert positive.result == Result.POSITIVE
        entry = records.call_error(record=positive, reason="other patient", by=doctor.user, at=clinic_now)
        assert "test_positive" in _missing(plan, clinic_now)
        records.confirm_error(entry=entry, by=admin, at=clinic_now)
        assert "test_positive" not in _missing(plan, clinic_now)

    @pytest.mark.parametrize(
        ("reason", "sentence"),
        [("", "Please fill this in."), ("x" * 1001, "Write at most 1000 characters (these are 1001).")],
    )
    def test_bad_input_is_named_kept_and_changes_nothing(
        self, practitioner_client: Client, reason: str, sentence: str
    ) -> None:
        record = ConsentFactory()
        page = practitioner_client.post(url("entered_in_error", "consent", record), {"reason": reason})
        assert page.status_code == 422
        assert page.context["form"].errors["reason"] == [sentence]
        assert page.context["form"]["reason"].value() == reason
        assert not EnteredInError.objects.exists()

    def test_the_action_refuses_an_empty_reason(self, doctor: Practitioner, clinic_now: datetime) -> None:
        with pytest.raises(DomainError) as refusal:
            records.call_error(record=ConsentFactory(), reason=" ", by=doctor.user, at=clinic_now)
        assert (refusal.value.code, refusal.value.field) == ("reason_missing", "reason")
        assert not EnteredInError.objects.exists()

    def test_an_entry_that_names_nothing_is_no_record_of_anything(self) -> None:
        """The constraint keeps it out of the database; whoever asks is not handed something else."""
        with pytest.raises(AssertionError, match="entered_in_error_one_record"):
            records.record_of(EnteredInError())

    def test_a_draft_is_corrected_instead(self, practitioner_client: Client) -> None:
        draft = ConsultationFactory()
        answer = practitioner_client.post(url("entered_in_error", "consultation", draft), {"reason": "x"})
        assert said(answer) == ["This record is not signed yet; correct it."]

    def test_a_second_time_is_refused(self, practitioner_client: Client) -> None:
        record = EnteredInErrorFactory(consent=ConsentFactory()).consent
        answer = practitioner_client.post(url("entered_in_error", "consent", record), {"reason": "again"})
        assert said(answer) == ["This record has been called an error already."]
        assert EnteredInError.objects.count() == 1

    @pytest.mark.parametrize("route", ["addendum", "take_over", "entered_in_error"])
    @pytest.mark.parametrize("role", ["reception_client", "admin_client"])
    def test_for_the_other_roles_records_do_not_exist(
        self, request: pytest.FixtureRequest, role: str, route: str
    ) -> None:
        record = ConsultationFactory(signed=True)
        answer = request.getfixturevalue(role).post(
            url(route, "consultation", record), {"reason": "x", "text": "x"}
        )
        assert answer.status_code == 404
        assert not EnteredInError.objects.exists() and not Addendum.objects.exists()


class TestConfirming:
    @pytest.fixture
    def entry(self) -> EnteredInError:
        return EnteredInErrorFactory(
            session=SessionFactory(signed=True, note="cried a lot"), reason="wrong day"
        )

    @pytest.mark.parametrize(
        ("role", "person"), [("practitioner_client", "doctor"), ("admin_client", "admin")]
    )
    def test_a_second_person_confirms(
        self,
        request: pytest.FixtureRequest,
        entry: EnteredInError,
        clinic_now: datetime,
        role: str,
        person: str,
    ) -> None:
        answer = request.getfixturevalue(role).post(confirm_url(entry))
        assert answer["Location"] == f"{reverse('consultations:incidents')}#errors"
        user = getattr(request.getfixturevalue(person), "user", request.getfixturevalue(person))
        entry.refresh_from_db()
        assert (entry.confirmed_by, entry.confirmed_at) == (user, clinic_now)

    def test_an_admin_sees_kind_date_who_and_reason_and_no_way_to_the_record(
        self, admin_client: Client, entry: EnteredInError
    ) -> None:
        page = admin_client.get(confirm_url(entry)).content.decode()
        assert "<dd>Session</dd>" in page
        assert "<dd>wrong day</dd>" in page
        assert f"{entry.requested_by}, Mon 2 Mar 2026, 07:00" in page
        assert "cried a lot" not in page
        assert page_of(entry.session) not in page

    def test_a_practitioner_gets_the_way_to_the_record(
        self, practitioner_client: Client, entry: EnteredInError
    ) -> None:
        assert page_of(entry.session) in practitioner_client.get(confirm_url(entry)).content.decode()

    def test_nobody_confirms_their_own(self, practitioner_client: Client, practitioner_user: User) -> None:
        entry = EnteredInErrorFactory(consent=ConsentFactory(), requested_by=practitioner_user)
        page = practitioner_client.get(confirm_url(entry))
        assert "A second person confirms: ask a colleague or an admin." in page.content.decode()
        answer = practitioner_client.post(confirm_url(entry))
        assert said(answer) == ["A second person confirms. Ask a colleague."]
        entry.refresh_from_db()
        assert entry.confirmed_at is None

    def test_confirming_twice_is_refused(self, admin_client: Client) -> None:
        entry = EnteredInErrorFactory(consent=ConsentFactory(), confirmed=True)
        assert said(admin_client.post(confirm_url(entry))) == ["This has been confirmed already."]

    def test_for_reception_it_does_not_exist(self, reception_client: Client, entry: EnteredInError) -> None:
        answers = [reception_client.get(confirm_url(entry)), reception_client.post(confirm_url(entry))]
        assert [answer.status_code for answer in answers] == [404, 404]

    def test_the_action_refuses_reception(
        self, reception: User, entry: EnteredInError, clinic_now: datetime
    ) -> None:
        with pytest.raises(NotAllowed) as refusal:
            records.confirm_error(entry=entry, by=reception, at=clinic_now)
        assert refusal.value.code == "confirm_not_allowed"


class TestDeviations:
    def test_codes_are_kept_once_and_sorted(self, doctor: Practitioner, clinic_now: datetime) -> None:
        row = self.record(doctor, clinic_now, codes=["test", "consent", "test"])
        assert (row.codes, row.recorded_by, row.recorded_at) == (["consent", "test"], doctor.user, clinic_now)

    def test_it_needs_a_reason(self, doctor: Practitioner, clinic_now: datetime) -> None:
        with pytest.raises(DomainError) as refusal:
            self.record(doctor, clinic_now, reason="  ")
        assert (refusal.value.code, refusal.value.field) == ("reason_missing", "deviation_reason")
        assert not Deviation.objects.exists()

    def test_it_cannot_lie_in_the_future(self, doctor: Practitioner, clinic_now: datetime) -> None:
        with pytest.raises(DomainError) as refusal:
            self.record(doctor, clinic_now, happened_at=ahead(minutes=1))
        assert (refusal.value.code, refusal.value.field) == ("future", "started_at")

    def test_it_clears_nothing(self, doctor: Practitioner, clinic_now: datetime) -> None:
        plan = PlanFactory()
        before = _missing(plan, clinic_now)
        self.record(doctor, clinic_now, plan=plan)
        assert _missing(plan, clinic_now) == before == ["consent", "test"]

    def record(self, doctor: Practitioner, at: datetime, **details) -> Deviation:
        wanted = {"codes": ["test"], "reason": "given early", "happened_at": ago(hours=1), **details}
        plan = wanted.pop("plan", None) or PlanFactory()
        return deviations.record_deviation(plan=plan, **wanted, by=doctor.user, at=at)


def confirm_url(entry: EnteredInError) -> str:
    return reverse("consultations:error_confirm", args=[entry.pk])


def _missing(plan, at: datetime) -> list[str]:
    judged = clearance.judge(facts_of_one(plan), gate=clearance.Gate.SESSION, on=at)
    return [each.code for each in judged.conditions]
