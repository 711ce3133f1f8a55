"""Emergency openings: who may, for how long, and who looks at it afterwards."""

from contextlib import nullcontext
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from clinic.actions import emergencies
from clinic.enums import Role
from clinic.errors import DomainError
from clinic.models import ClinicSettings, EmergencyOpening, RecordOpened, User
from clinic.rules import emergencies as rules
from tests.factories import EmergencyOpeningFactory, PatientFactory, UserFactory
from tests.factories.clock import CLINIC_NOW, ago, ahead

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("desk_alone", "clinic_now")]
WHY = "Fainted in the waiting room"


def opened(by: User, **changes: Any) -> EmergencyOpening:
    return emergencies.open_summary(
        **{"patient": PatientFactory(), "reason": WHY, "by": by, "at": CLINIC_NOW, **changes}
    )


def readable(by: User, at: datetime) -> list[EmergencyOpening]:
    return list(EmergencyOpening.objects.readable_by(by, at))


class TestOpening:
    @pytest.mark.parametrize("role", [Role.RECEPTION, Role.ADMIN])
    def test_it_is_open_to_who_asked_for_sixty_minutes_and_not_a_moment_longer(self, role: Role) -> None:
        person = UserFactory(roles=[role])
        opening = opened(person)
        end = CLINIC_NOW + timedelta(minutes=60)
        assert readable(person, CLINIC_NOW) == readable(person, end - timedelta(seconds=1)) == [opening]
        assert readable(person, end) == []
        assert readable(UserFactory(roles=[role]), CLINIC_NOW) == []

    def test_its_length_is_the_clinics_to_decide(self, reception: User) -> None:
        ClinicSettings.objects.update_or_create(pk=1, defaults={"emergency_minutes": 20})
        assert opened(reception).ends_at == ahead(minutes=20)

    def test_who_has_lost_the_role_reads_nothing_from_the_next_request_on(self, reception: User) -> None:
        opened(reception)
        reception.roles = []
        assert readable(reception, CLINIC_NOW) == []

    def test_a_practitioner_reads_the_record_itself(self) -> None:
        with pytest.raises(DomainError) as refused:
            opened(UserFactory(practitioner=True))
        assert refused.value.code == "emergency_not_needed"

    @pytest.mark.parametrize(
        ("roles", "may"),
        [
            ([Role.RECEPTION], True),
            ([Role.ADMIN], True),
            ([Role.RECEPTION, Role.ADMIN], True),
            ([Role.RECEPTION, Role.PRACTITIONER], False),
            ([Role.ADMIN, Role.PRACTITIONER], False),
            ([Role.PRACTITIONER], False),
            ([], False),
        ],
    )
    def test_it_is_for_the_desk_and_admins_who_treat_nobody(self, roles: list[Role], may: bool) -> None:
        assert rules.may_open(UserFactory.build(roles=roles)) is may

    def test_ten_letters_are_a_sentence(self, reception: User) -> None:
        assert opened(reception, reason="fainted now").reason == "fainted now"

    @pytest.mark.parametrize("reason", ["", " " * 20, "fainted", "a  b  c  d", "faint here"])
    def test_without_a_sentence_nothing_opens(self, reception: User, reason: str) -> None:
        with pytest.raises(DomainError) as refused:
            opened(reception, reason=reason)
        assert (refused.value.code, refused.value.field) == ("reason_too_short", "reason")
        assert not EmergencyOpening.objects.exists()


class TestReviewing:
    def test_another_admin_says_what_they_found(self, admin: User) -> None:
        opening = EmergencyOpeningFactory()
        emergencies.review(opening=opening, note="Ambulance came", by=admin, at=CLINIC_NOW)
        kept = EmergencyOpening.objects.get()
        assert (kept.reviewed_by, kept.review_note) == (admin, "Ambulance came")
        assert not EmergencyOpening.objects.to_review().exists()

    @pytest.mark.parametrize(
        ("own", "note", "role", "code", "field"),
        [
            (True, "Fine", Role.ADMIN, "own_emergency", "note"),
            (False, " ", Role.ADMIN, "note_missing", "note"),
            (False, "Fine", Role.RECEPTION, "emergencies_by_admins", None),
        ],
    )
    def test_not_ones_own_not_without_words_and_not_by_the_desk(
        self, own: bool, note: str, role: Role, code: str, field: str | None
    ) -> None:
        person = UserFactory(roles=[role])
        opening = EmergencyOpeningFactory(**({"opened_by": person} if own else {}))
        with pytest.raises(DomainError) as refused:
            emergencies.review(opening=opening, note=note, by=person, at=CLINIC_NOW)
        assert (refused.value.code, refused.value.field) == (code, field)

    @pytest.mark.parametrize("is_admin", [True, False])
    @pytest.mark.parametrize("own", [True, False])
    @pytest.mark.parametrize("reviewed_at", [None, ago(minutes=1)])
    def test_the_page_offers_it_where_it_is_not_refused(
        self, is_admin: bool, own: bool, reviewed_at: datetime | None
    ) -> None:
        person, other = UserFactory.build_batch(2, roles=[Role.ADMIN if is_admin else Role.RECEPTION])
        opening = EmergencyOpening(
            opened_by=person if own else other, reviewed_at=reviewed_at, reviewed_by=other
        )
        may = is_admin and not own and reviewed_at is None
        assert rules.may_review(person, opening) is may
        with nullcontext() if may else pytest.raises(DomainError):
            rules.check_may_review(person, opening)

    def test_it_is_reviewed_once(self, admin: User) -> None:
        opening = EmergencyOpeningFactory()
        emergencies.review(opening=opening, note="Ambulance came", by=admin, at=ahead(minutes=5))
        with pytest.raises(DomainError) as refused:
            emergencies.review(opening=opening, note="Or not", by=UserFactory(admin=True), at=ahead(hours=1))
        assert refused.value.code == "reviewed_already"
        assert str(refused.value) == f"{admin} has reviewed this, on 2 Mar 2026, 09:05."


class TestTheAdminsList:
    LIST = "/emergencies/"

    def test_what_waits_stands_first_with_who_why_and_whose(self, admin_client: Client, admin: User) -> None:
        reviewed = EmergencyOpeningFactory(opened_at=ago(hours=1))
        emergencies.review(opening=reviewed, note="Ambulance came", by=admin, at=ago(minutes=30))
        waiting = EmergencyOpeningFactory(opened_at=ago(days=1), reason="Asked for by the ambulance")
        answer = admin_client.get(self.LIST)
        assert [row["opening"] for row in answer.context["openings"]] == [waiting, reviewed]
        for words in (
            waiting.reason,
            str(waiting.opened_by),
            waiting.patient.name,
            "Not reviewed yet",
            "Ambulance came",
        ):
            assert words in answer.text

    def test_the_review_says_what_was_read_and_keeps_what_was_typed_wrongly(
        self, admin_client: Client, reception: User
    ) -> None:
        opening = EmergencyOpeningFactory(opened_by=reception)
        RecordOpened.objects.create(
            user=reception, patient=opening.patient, page="x", at=ago(minutes=9), emergency=opening
        )
        address = f"{self.LIST}{opening.pk}/review/"
        assert len(admin_client.get(address).context["readings"]) == 1
        refused = admin_client.post(address, {"note": ""})
        assert (refused.status_code, list(refused.context["form"].errors)) == (422, ["note"])
        assert admin_client.post(address, {"note": "Ambulance came"})["Location"] == self.LIST

    @pytest.mark.parametrize("count", [1, 3])
    def test_queries_do_not_grow(
        self, admin_client: Client, django_assert_num_queries: Any, count: int
    ) -> None:
        EmergencyOpeningFactory.create_batch(count)
        with django_assert_num_queries(4):  # session, user, the page, the clinic's settings
            assert len(admin_client.get(self.LIST).context["openings"]) == count

    def test_is_paged(self, admin_client: Client) -> None:
        EmergencyOpeningFactory.create_batch(26, patient=PatientFactory(), opened_by=UserFactory())
        first = admin_client.get(self.LIST)
        second = admin_client.get(self.LIST + first.context["older_url"])
        assert [len(page.context["openings"]) for page in (first, second)] == [25, 1]
