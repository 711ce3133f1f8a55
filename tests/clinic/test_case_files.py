"""Case files: one record, to one person, for a purpose and a time."""

from datetime import datetime, timedelta
from typing import Any, ClassVar

import pytest
from django.test import Client

from clinic.actions import case_files
from clinic.enums import CaseKind, Role
from clinic.errors import DomainError
from clinic.models import CaseFile, ClinicSettings, Patient, User
from clinic.rules import case_files as rules
from tests.factories import CaseFileFactory, PatientFactory, UserFactory
from tests.factories.clock import CLINIC_NOW, PARIS, ago, ahead

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("desk_alone", "clinic_now")]


def opened(by: User, **changes: Any) -> CaseFile:
    said = {
        "patient": PatientFactory(),
        "kind": CaseKind.COMPLAINT,
        "title": "Lump on the left cheek",
        "reference": "C 12/26",
        "reason": "The patient has asked in writing",
        "as_of": ago(days=3),
        "by": by,
        "at": CLINIC_NOW,
        **changes,
    }
    return case_files.open_case(**said)


def readable(by: User, at: datetime) -> list[CaseFile]:
    return list(CaseFile.objects.readable_by(by, at))


class TestTheTimeOfACase:
    def test_it_is_the_owners_alone_from_its_opening_to_its_end_and_not_a_moment_longer(
        self, admin: User
    ) -> None:
        case_file = opened(admin)
        end = CLINIC_NOW + timedelta(days=30)
        assert readable(admin, CLINIC_NOW) == readable(admin, end - timedelta(seconds=1)) == [case_file]
        assert readable(admin, end) == []
        assert readable(UserFactory(admin=True), CLINIC_NOW) == []

    def test_its_length_is_the_clinics_to_decide(self, admin: User) -> None:
        ClinicSettings.objects.update_or_create(pk=1, defaults={"case_file_days": 7})
        assert opened(admin).periods.get().ends_at == ahead(days=7)

    def test_more_time_has_a_reason_of_its_own_and_the_earlier_one_stays(self, admin: User) -> None:
        case_file = opened(admin)
        case_files.extend(case_file=case_file, reason="The insurer asks again", by=admin, at=ahead(days=40))
        assert [(each.reason, each.ends_at) for each in case_file.periods.all()] == [
            ("The patient has asked in writing", ahead(days=30)),
            ("The insurer asks again", ahead(days=70)),
        ]
        assert [readable(admin, ahead(days=days)) for days in (35, 41)] == [[], [case_file]]
        assert CaseFile.objects.with_end().get().ends_at == ahead(days=70)

    def test_closing_ends_it_at_once_for_good_and_keeps_how_it_ended(self, admin: User) -> None:
        case_file = opened(admin)
        other = UserFactory(admin=True)  # the owner may have left
        case_files.close(case_file=case_file, outcome="Answered by letter", by=other, at=CLINIC_NOW)
        assert readable(admin, CLINIC_NOW) == []
        kept = CaseFile.objects.get()
        assert (kept.outcome, kept.closed_by, kept.closed_at) == ("Answered by letter", other, CLINIC_NOW)
        for again in (
            lambda: case_files.extend(case_file=case_file, reason="Once more", by=admin, at=CLINIC_NOW),
            lambda: case_files.close(case_file=case_file, outcome="Otherwise", by=admin, at=CLINIC_NOW),
        ):
            with pytest.raises(DomainError) as refused:
                again()
            assert refused.value.code == "case_file_closed"
        assert not rules.may_extend(admin, kept)

    def test_who_is_no_admin_any_more_reads_nothing_from_the_next_request_on(self, admin: User) -> None:
        case_file = opened(admin)
        admin.roles = [Role.RECEPTION]
        assert readable(admin, CLINIC_NOW) == []
        assert list(CaseFile.objects.visible_to(admin)) == [case_file]


def test_a_case_is_open_until_it_is_closed_also_when_its_time_has_run_out(admin: User) -> None:
    """What an erasure asks: nobody takes a record away that somebody still has to answer for."""
    case_file = opened(admin)
    other = CaseFileFactory()
    case_files.close(case_file=other, outcome="Answered", by=admin, at=CLINIC_NOW)
    assert list(CaseFile.objects.open()) == [case_file]
    assert readable(admin, ahead(days=31)) == [] and CaseFile.objects.open().exists()


class TestWhoAndWhat:
    @pytest.mark.parametrize("role", [Role.RECEPTION, Role.PRACTITIONER])
    def test_only_admins_open_and_close_one(self, role: Role) -> None:
        person, case_file = UserFactory(roles=[role]), CaseFileFactory()
        for act in (
            lambda: opened(person),
            lambda: case_files.extend(case_file=case_file, reason="Mine", by=person, at=CLINIC_NOW),
            lambda: case_files.close(case_file=case_file, outcome="Mine", by=person, at=CLINIC_NOW),
        ):
            with pytest.raises(DomainError) as refused:
                act()
            assert refused.value.code == "case_files_by_admins"

    def test_only_the_owner_gives_it_more_time(self, admin: User) -> None:
        with pytest.raises(DomainError) as refused:
            case_files.extend(case_file=CaseFileFactory(), reason="Mine too", by=admin, at=CLINIC_NOW)
        assert refused.value.code == "case_file_of_another"
        cases = CaseFileFactory(), CaseFileFactory(opened_by=admin)
        assert [rules.may_extend(admin, each) for each in cases] == [False, True]

    @pytest.mark.parametrize(
        ("changes", "code", "field"),
        [
            ({"title": " \n"}, "not_said", "title"),
            ({"reason": "\t"}, "not_said", "reason"),
            ({"as_of": ahead(minutes=1)}, "as_of_in_future", "as_of"),
        ],
    )
    def test_what_is_missing_is_said_and_nothing_is_opened(
        self, admin: User, changes: dict[str, Any], code: str, field: str
    ) -> None:
        with pytest.raises(DomainError) as refused:
            opened(admin, **changes)
        assert (refused.value.code, refused.value.field, CaseFile.objects.count()) == (code, field, 0)

    def test_none_is_opened_on_a_record_that_was_merged_into_another(self, admin: User) -> None:
        patient = PatientFactory()
        Patient.objects.filter(pk=patient.pk).update(merged_into=PatientFactory())
        with pytest.raises(DomainError) as refused:
            opened(admin, patient=patient)
        assert refused.value.code == "case_file_of_merged"

    def test_none_is_opened_on_a_record_that_was_erased(self) -> None:
        with pytest.raises(DomainError) as refused:
            rules.check_about(PatientFactory.build(erased_at=ago(days=1)))
        assert refused.value.code == "case_file_of_erased"


class TestThePages:
    LIST = "/case-files/"
    SAID: ClassVar = {
        "kind": "recall",
        "title": "Recall of hyaluronidase",
        "reference": "AFM 7",
        "reason": "Asked by the agency",
        "as_of": "2026-03-01",
    }

    def test_a_case_is_opened_from_the_patient_as_of_the_end_of_a_day(
        self, admin_client: Client, admin: User
    ) -> None:
        patient = PatientFactory()
        answer = admin_client.post(f"/patients/{patient.pk}/case-file/", self.SAID)
        case_file = CaseFile.objects.get()
        assert answer["Location"] == f"{self.LIST}{case_file.pk}/"
        assert (case_file.patient, case_file.opened_by) == (patient, admin)
        assert case_file.as_of == datetime(2026, 3, 1, 23, 59, 59, 999999, tzinfo=PARIS)

    def test_as_of_today_is_as_it_stands_now(self, admin_client: Client) -> None:
        admin_client.post(f"/patients/{PatientFactory().pk}/case-file/", self.SAID | {"as_of": "2026-03-02"})
        assert CaseFile.objects.get().as_of == CLINIC_NOW

    @pytest.mark.parametrize(
        ("wrong", "field"), [({"as_of": "2026-03-03"}, "as_of"), ({"reason": " "}, "reason")]
    )
    def test_what_is_wrong_is_said_and_what_was_typed_stays(
        self, admin_client: Client, wrong: dict[str, str], field: str
    ) -> None:
        answer = admin_client.post(f"/patients/{PatientFactory().pk}/case-file/", self.SAID | wrong)
        assert (answer.status_code, list(answer.context["form"].errors)) == (422, [field])
        assert self.SAID["title"] in answer.text and not CaseFile.objects.exists()

    def test_its_owner_extends_and_closes_it_and_every_reason_stays_on_the_page(
        self, admin_client: Client, admin: User
    ) -> None:
        case_file = CaseFileFactory(opened_by=admin)
        address = f"{self.LIST}{case_file.pk}/"
        admin_client.post(f"{address}extend/", {"reason": "The insurer asks again"})
        admin_client.post(f"{address}close/", {"outcome": "Answered by letter"})
        text = admin_client.get(address).text
        for words in ("The patient has asked in writing", "The insurer asks again", "Answered by letter"):
            assert words in text
        assert f"{address}close/" not in text

    def test_of_another_admin_it_can_be_closed_and_not_extended(self, admin_client: Client) -> None:
        address = f"{self.LIST}{CaseFileFactory().pk}/"
        assert f"{address}extend/" not in admin_client.get(address).text
        refused = admin_client.post(f"{address}extend/", {"reason": "Mine too"})
        assert refused.status_code == 422
        assert "can extend this case" in str(refused.context["extend_form"].errors)
        assert admin_client.post(f"{address}close/", {"outcome": "She has left"}).status_code == 302

    def test_what_is_open_stands_first_and_what_has_run_out_says_so(self, admin_client: Client) -> None:
        closed = CaseFileFactory()
        case_files.close(case_file=closed, outcome="Done", by=UserFactory(admin=True), at=CLINIC_NOW)
        late = CaseFileFactory(opened_at=ago(days=40))
        answer = admin_client.get(self.LIST)
        assert list(answer.context["case_files"]) == [late, closed]
        assert "Out of time since" in answer.text

    @pytest.mark.parametrize("count", [1, 3])
    def test_queries_do_not_grow(
        self, admin_client: Client, django_assert_num_queries: Any, count: int
    ) -> None:
        CaseFileFactory.create_batch(count)
        with django_assert_num_queries(4):  # session, user, the page, the clinic's settings
            assert len(admin_client.get(self.LIST).context["case_files"]) == count

    def test_is_paged(self, admin_client: Client, admin: User) -> None:
        CaseFileFactory.create_batch(26, patient=PatientFactory(), opened_by=admin)
        first = admin_client.get(self.LIST)
        second = admin_client.get(self.LIST + first.context["older_url"])
        assert [len(page.context["case_files"]) for page in (first, second)] == [25, 1]
