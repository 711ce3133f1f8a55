"""Photographs: consent to them, added with their file or not at all, shown to who may see them, out of sight in error."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.db import IntegrityError
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from PIL import Image
from pytest_django import DjangoAssertNumQueries

from clinic.errors import DomainError, NotAllowed
from clinic.models import Patient, RecordOpened, User
from consultations import photographs, timeline
from consultations.actions import photos
from consultations.enums import PhotoMoment, ReviewAnchor, Signer
from consultations.models import (
    Photo,
    PhotographyConsent,
    PhotographyConsentWithdrawal,
    PhotographyText,
    PhotoRemoval,
    Plan,
    StandardView,
)
from consultations.queries import facts_of_one
from consultations.rules import consent as consent_rules
from consultations.rules import photos as rules
from tests.factories import (
    AdverseEventFactory,
    PatientFactory,
    PhotoFactory,
    PhotographyConsentFactory,
    PhotographyWithdrawalFactory,
    PhotoRemovalFactory,
    PlanFactory,
    ReviewFactory,
    ReviewRuleFactory,
    SessionFactory,
    StandardViewFactory,
    UserFactory,
    cleared_plan,
)
from tests.factories.clock import CLINIC_NOW, TODAY, ago, ahead
from tests.factories.photos import image_file

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clinic_now")]


@pytest.fixture
def folder(tmp_path: Path, settings: Any) -> Path:
    settings.PHOTO_DIR = tmp_path / "photos"
    settings.PHOTO_DIR.mkdir()
    return settings.PHOTO_DIR


@pytest.fixture
def consented() -> Patient:
    return PhotographyConsentFactory().patient


def address(route: str, key: Any) -> str:
    return reverse(f"consultations:{route}", args=[key])


def a_file(name: str = "IMG_0001.jpg") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, image_file().getvalue(), "image/jpeg")


def typed(**changes: Any) -> dict[str, Any]:
    fields = {
        "picture": a_file(),
        "view": StandardView.objects.current().get(code="face_front").pk,
        "moment": "before",
        "taken_at_0": "2026-03-02",
        "taken_at_1": "08:30",
        "about": "",
        "note": "",
        **changes,
    }
    return {name: value for name, value in fields.items() if value is not None}


def details(**changes: Any) -> dict[str, Any]:
    view = StandardView.objects.current().get(code="face_front")
    return {"view": view, "moment": PhotoMoment.BEFORE, "taken_at": ago(hours=1), "note": "", **changes}


def add(patient: Patient, by: User | None = None, at: Any = CLINIC_NOW, **changes: Any) -> Photo:
    sent = image_file()
    picture = photographs.redrawn(sent, byte_count=len(sent.getvalue()))
    by = by or UserFactory(practitioner=True)
    return photos.add(patient=patient, picture=picture, details=details(**changes), by=by, at=at)


@pytest.fixture
def by(doctor: Any) -> User:
    return doctor.user


def said(response: HttpResponse) -> str:
    return response.content.decode()


# Consent ----------------------------------------------------------------------------------------------------------


class TestConsent:
    def test_signed_on_screen_it_is_kept_word_for_word(self, practitioner_client: Client, by: User) -> None:
        patient, text = PatientFactory(), PhotographyText.objects.current().get()
        fields = {"text": text.pk, "signer": "patient", "signer_name": "Jeanne Moreau", "agreed": "on"}
        answer = practitioner_client.post(address("photo_consent", patient.pk), fields)
        assert answer["Location"] == address("photos", patient.pk)
        consent = PhotographyConsent.objects.get()
        assert (consent.patient, consent.words, consent.signed_by, consent.signed_at) == (
            patient,
            text.body,
            by,
            CLINIC_NOW,
        )

    @pytest.mark.parametrize(
        ("change", "code"),
        [
            ({"agreed": None}, "agreed"),
            ({"signer_name": "  "}, "required"),
            ({"signer": "nobody"}, "invalid_choice"),
        ],
    )
    def test_what_is_missing_is_said_and_nothing_is_signed(
        self, practitioner_client: Client, change: dict[str, Any], code: str
    ) -> None:
        text = PhotographyText.objects.current().get()
        fields = {
            "text": text.pk,
            "signer": "patient",
            "signer_name": "Jeanne Moreau",
            "agreed": "on",
        } | change
        sent = {name: value for name, value in fields.items() if value is not None}
        answer = practitioner_client.post(address("photo_consent", PatientFactory().pk), sent)
        assert (answer.status_code, answer.context["form"].error_codes) == (422, {code})
        assert not PhotographyConsent.objects.exists()

    def test_a_minor_does_not_sign_alone(self, by: User) -> None:
        child = PatientFactory(birth_date=date(2012, 1, 1))
        text = PhotographyText.objects.current().get()
        with pytest.raises(DomainError) as refused:
            photos.sign_consent(
                patient=child,
                text=text,
                signer="patient",
                signer_name="Léa",
                agreed=True,
                by=by,
                at=CLINIC_NOW,
            )
        assert refused.value.code == "minor"

    def test_it_is_read_and_agreed_to_by_who_represents_a_minor(self) -> None:
        said = {"signer": Signer.REPRESENTATIVE, "signer_name": "Léa Moreau", "relation": "mother"}
        young = PatientFactory(birth_date=date(2010, 6, 1), representative_name="Léa Moreau")
        rules.check_signer(patient=young, **said, agreed=True, at=CLINIC_NOW)
        with pytest.raises(DomainError, match="read and agreed to") as refused:
            rules.check_signer(patient=young, **said, agreed=False, at=CLINIC_NOW)
        assert (refused.value.code, refused.value.field) == ("agreed", "agreed")

    def test_a_representatives_ends_with_the_18th_birthday(self) -> None:
        young = PatientFactory(birth_date=date(2008, 6, 1))
        consent = PhotographyConsentFactory(patient=young, signer="representative", signer_relation="mother")
        before, after = ahead(days=90), ahead(days=91)  # 31 May and 1 June 2026
        assert rules.consent_in_force(young, on=before) == consent
        assert rules.consent_in_force(young, on=consent.signed_at - timedelta(seconds=1)) is None
        assert rules.consent_in_force(young, on=after) is None
        grown = PatientFactory(birth_date=TODAY.replace(year=2008))
        PhotographyConsentFactory(patient=grown, signer="representative", signer_relation="mother")
        assert rules.consent_in_force(grown, on=CLINIC_NOW) is None

    def test_it_is_no_consent_to_a_treatment(self, consented: Patient) -> None:
        plan = PlanFactory(patient=consented)
        facts = facts_of_one(plan)
        assert rules.consent_in_force(consented, on=CLINIC_NOW) is not None
        assert (facts.consents, consent_rules.in_force(facts, on=CLINIC_NOW)) == ([], None)

    def test_withdrawing_it_leaves_the_treatment_alone(self, by: User) -> None:
        plan = cleared_plan()
        consent = PhotographyConsentFactory(patient=plan.patient)
        photos.withdraw_consent(consent=consent, reason="", by=by, at=CLINIC_NOW)
        assert consent_rules.in_force(facts_of_one(plan), on=CLINIC_NOW) is not None

    def test_after_a_withdrawal_nothing_is_added_and_what_is_there_stays(
        self, practitioner_client: Client, folder: Path
    ) -> None:
        photo = PhotoFactory()
        practitioner_client.post(address("photo_consent_withdraw", photo.consent_id), {"reason": "no more"})
        assert PhotographyConsentWithdrawal.objects.get().reason == "no more"
        answer = practitioner_client.post(address("photo_new", photo.patient_id), typed())
        assert (answer.status_code, answer.context["form"].error_codes) == (422, {"photo_not_consented"})
        assert list(folder.iterdir()) == []
        page = practitioner_client.get(address("photos", photo.patient_id))
        assert [view.photos for view in page.context["views"]] == [[photo]]
        assert "There is no consent to photography in force" in said(page)

    def test_it_is_withdrawn_once(self, by: User) -> None:
        consent = PhotographyWithdrawalFactory().consent
        with pytest.raises(DomainError) as refused:
            photos.withdraw_consent(consent=consent, reason="", by=by, at=CLINIC_NOW)
        assert refused.value.code == "withdrawn_already"


# Adding -----------------------------------------------------------------------------------------------------------


class TestAdding:
    def test_without_a_consent_of_the_patient_nothing_is_kept(self, by: User, folder: Path) -> None:
        PhotographyConsentFactory()  # another patient's
        with pytest.raises(DomainError) as refused:
            add(PatientFactory(), by)
        assert refused.value.code == "photo_not_consented"
        assert "Let the patient sign one first" in str(refused.value)
        assert (Photo.objects.count(), list(folder.iterdir())) == (0, [])

    def test_what_is_to_come_was_not_taken(self, consented: Patient) -> None:
        assert rules.check_may_add(consented, taken_at=CLINIC_NOW, at=CLINIC_NOW).patient == consented
        with pytest.raises(DomainError, match="This is in the future") as refused:
            rules.check_may_add(consented, taken_at=ahead(seconds=1), at=CLINIC_NOW)
        assert (refused.value.code, refused.value.field) == ("photo_in_future", "taken_at")

    def test_the_page_asks_for_the_consent_first(self, practitioner_client: Client) -> None:
        page = said(practitioner_client.get(address("photo_new", PatientFactory().pk)))
        assert "Sign the consent" in page
        assert "multipart/form-data" not in page

    def test_it_belongs_to_the_patient_whose_id_stands_in_the_address(
        self, practitioner_client: Client, folder: Path
    ) -> None:
        """Two tabs: what the page was opened for decides, not what was looked at last."""
        first, second = PhotographyConsentFactory().patient, PhotographyConsentFactory().patient
        for patient in (first, second):
            page = said(practitioner_client.get(address("photo_new", patient.pk)))
            assert patient.name in page
        answer = practitioner_client.post(address("photo_new", first.pk), typed())
        photo = Photo.objects.get()
        assert answer["Location"] == address("photo", photo.pk)
        assert (photo.patient, photo.consent.patient) == (first, first)

    def test_what_is_recorded_is_what_the_file_is(
        self, practitioner_client: Client, by: User, consented: Patient, folder: Path
    ) -> None:
        practitioner_client.post(address("photo_new", consented.pk), typed(note="slight redness"))
        photo = Photo.objects.get()
        content = (folder / photo.file_name).read_bytes()
        assert photographs.Picture(content, 30, 40).sha256 == photo.sha256
        assert (photo.byte_count, photo.width, photo.height) == (len(content), 30, 40)
        assert (photo.taken_at, photo.recorded_at, photo.recorded_by) == (ago(minutes=30), CLINIC_NOW, by)
        assert photo.alternative == "Face, front, before, 2 Mar 2026: slight redness"

    def test_it_may_come_from_the_camera(self, practitioner_client: Client, consented: Patient) -> None:
        answer = practitioner_client.post(
            address("photo_new", consented.pk), typed(picture=None, camera=a_file("image.jpg"))
        )
        assert (answer.status_code, Photo.objects.count()) == (302, 1)

    @pytest.mark.parametrize(
        ("change", "code"),
        [
            ({"picture": None}, "photo_not_one"),
            ({"camera": "a file"}, "photo_not_one"),
            ({"picture": "gif"}, "photo_unknown"),
            ({"picture": "nothing"}, "empty"),
            ({"taken_at_1": "09:01"}, "photo_in_future"),
            ({"moment": None}, "required"),
            ({"about": "plan-of-another"}, "invalid_choice"),
        ],
    )
    def test_what_is_wrong_is_said_and_what_was_typed_stays(
        self, practitioner_client: Client, consented: Patient, folder: Path, change: dict[str, Any], code: str
    ) -> None:
        if change.get("camera"):
            change = {"camera": a_file()}
        if kind := change.get("picture"):
            sent = image_file("GIF").getvalue() if kind == "gif" else b""
            change = {"picture": SimpleUploadedFile("p.jpg", sent, "image/jpeg")}
        answer = practitioner_client.post(address("photo_new", consented.pk), typed(note="typed", **change))
        assert (answer.status_code, answer.context["form"].error_codes) == (422, {code})
        assert 'value="typed"' in said(answer)
        assert (Photo.objects.count(), list(folder.iterdir())) == (0, [])

    @pytest.mark.parametrize(
        ("make", "field"),
        [
            (lambda plan: plan, "plan"),
            (lambda plan: SessionFactory(plan=plan, signed=True, started_at=ago(days=7)), "session"),
            (lambda plan: ReviewFactory(plan=plan), "review"),
            (lambda plan: AdverseEventFactory(patient=plan.patient, plan=plan), "adverse_event"),
        ],
        ids=["plan", "session", "review", "event"],
    )
    def test_what_it_belongs_to_brings_its_plan_along(
        self, practitioner_client: Client, make: Any, field: str
    ) -> None:
        plan = cleared_plan()
        PhotographyConsentFactory(patient=plan.patient)
        source = make(plan)
        about = f"{'event' if field == 'adverse_event' else field}-{source.pk}"
        page = practitioner_client.get(address("photo_new", plan.patient_id), {"about": about})
        assert page.context["form"]["about"].value() == about
        practitioner_client.post(address("photo_new", plan.patient_id), typed(about=about))
        photo = Photo.objects.get()
        assert (getattr(photo, field), photo.plan) == (source, plan)
        assert said(practitioner_client.get(address("photo", photo.pk)))

    def test_what_belongs_to_another_patient_is_not_offered(
        self, practitioner_client: Client, consented: Patient
    ) -> None:
        other: Plan = PlanFactory()
        answer = practitioner_client.post(address("photo_new", consented.pk), typed(about=f"plan-{other.pk}"))
        assert (answer.status_code, answer.context["form"].error_codes) == (422, {"invalid_choice"})

    def test_a_row_that_is_refused_leaves_no_file(self, by: User, consented: Patient, folder: Path) -> None:
        with pytest.raises(DomainError) as refused:
            add(consented, by, plan=PlanFactory())
        assert refused.value.code == "photo_same_patient"
        assert (Photo.objects.count(), list(folder.iterdir())) == (0, [])

    def test_a_file_that_cannot_be_written_leaves_no_row(
        self, practitioner_client: Client, consented: Patient, folder: Path, settings: Any
    ) -> None:
        settings.PHOTO_DIR = folder / "taken"
        settings.PHOTO_DIR.write_text("a file stands where the folder should be")
        answer = practitioner_client.post(address("photo_new", consented.pk), typed())
        assert (answer.status_code, answer.context["form"].error_codes) == (422, {"photo_not_kept"})
        assert "nothing was recorded" in said(answer)
        assert Photo.objects.count() == 0

    def test_the_file_is_there_before_the_row_is(
        self, by: User, consented: Patient, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """And if the process ends in between, a file without a row stays: no page knows its name."""
        there = []

        def stop(photo: Photo, **_options: Any) -> None:
            there.append((folder / photo.file_name).exists())
            raise KeyboardInterrupt

        monkeypatch.setattr(Photo, "save", stop)
        with pytest.raises(KeyboardInterrupt):
            add(consented, by)
        assert there == [True]

    @pytest.mark.parametrize("role", ["reception", "admin"])
    def test_only_practitioners_add_and_remove(self, role: str, consented: Patient, folder: Path) -> None:
        somebody = UserFactory(**{role: True})
        with pytest.raises(NotAllowed):
            add(consented, somebody)
        with pytest.raises(NotAllowed):
            photos.remove(photo=PhotoFactory(), reason="wrong", by=somebody, at=CLINIC_NOW)
        assert (list(folder.iterdir()), PhotoRemoval.objects.count()) == ([], 0)


# Seeing -----------------------------------------------------------------------------------------------------------


class TestThePicture:
    def test_is_sent_as_what_it_is_and_nobody_keeps_it(
        self, practitioner_client: Client, folder: Path
    ) -> None:
        photo = PhotoFactory(with_file=True)
        answer = practitioner_client.get(address("photo_file", photo.pk))
        assert b"".join(answer.streaming_content) == (folder / photo.file_name).read_bytes()
        headers = {name: answer[name] for name in ("Content-Type", "X-Content-Type-Options", "Cache-Control")}
        assert headers == {
            "Content-Type": "image/jpeg",
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "no-store",
        }
        assert photo.file_name not in str(answer.headers)

    def test_whoever_is_sent_it_is_written_down(
        self, practitioner_client: Client, by: User, folder: Path
    ) -> None:
        photo = PhotoFactory(with_file=True)
        list(practitioner_client.get(address("photo_file", photo.pk)).streaming_content)
        row = RecordOpened.objects.get()
        assert (row.user, row.patient, row.page) == (by, photo.patient, "consultations:photo_file")

    @pytest.mark.parametrize("route", ["photo", "photo_file", "photo_thumbnail", "photo_remove"])
    def test_is_not_there_for_other_roles(
        self, reception_client: Client, admin_client: Client, folder: Path, route: str
    ) -> None:
        photo = PhotoFactory(with_file=True)
        asked = [
            client.get(address(route, photo.pk)) for client in (reception_client, admin_client, Client())
        ]
        assert [answer.status_code for answer in asked] == [404, 404, 302]

    def test_has_no_address_beside_that_of_its_page(self, practitioner_client: Client, folder: Path) -> None:
        photo = PhotoFactory(with_file=True)
        for place in ("/static/", "/photos/", "/media/", "/static/photos/", "/.data/photos/"):
            assert practitioner_client.get(place + photo.file_name).status_code == 404

    def test_a_file_that_is_missing_is_not_found(self, practitioner_client: Client, folder: Path) -> None:
        assert practitioner_client.get(address("photo_file", PhotoFactory().pk)).status_code == 404


class TestTheSmallPicture:
    def test_is_made_with_the_photograph_and_sent_like_it(
        self, practitioner_client: Client, by: User, consented: Patient, folder: Path
    ) -> None:
        photo = add(consented, by)
        small = folder / f"{photo.file_name}.small"
        assert small.exists()
        answer = practitioner_client.get(address("photo_thumbnail", photo.pk))
        assert b"".join(answer.streaming_content) == small.read_bytes()
        assert (answer["Content-Type"], answer["Cache-Control"]) == ("image/jpeg", "no-store")

    def test_is_small_and_a_picture_of_its_own(self, by: User, consented: Patient, folder: Path) -> None:
        sent = image_file(size=(1200, 1600), exif=b"Exif\x00\x00camera")
        picture = photographs.redrawn(sent, byte_count=len(sent.getvalue()))
        photographs.keep("0" * 32, picture)
        with Image.open(photographs.small_of("0" * 32)) as small:
            assert (small.format, small.size, "exif" in small.info) == ("JPEG", (240, 320), False)

    def test_of_a_photograph_kept_before_there_were_any_is_made_when_it_is_asked_for(
        self, practitioner_client: Client, folder: Path
    ) -> None:
        photo = PhotoFactory(with_file=True)
        whole = (folder / photo.file_name).read_bytes()
        answer = practitioner_client.get(address("photo_thumbnail", photo.pk))
        assert (answer.status_code, len(b"".join(answer.streaming_content)) > 0) == (200, True)
        assert sorted(file.name for file in folder.iterdir()) == [photo.file_name, f"{photo.file_name}.small"]
        assert (folder / photo.file_name).read_bytes() == whole
        call_command("check_photos")

    def test_without_the_photographs_file_there_is_none(
        self, practitioner_client: Client, folder: Path
    ) -> None:
        assert practitioner_client.get(address("photo_thumbnail", PhotoFactory().pk)).status_code == 404


class TestRemoval:
    def test_it_is_shown_to_nobody_any_more_and_its_file_is_kept(
        self, practitioner_client: Client, by: User, folder: Path
    ) -> None:
        photo = PhotoFactory(with_file=True)
        answer = practitioner_client.post(address("photo_remove", photo.pk), {"reason": "of another patient"})
        assert answer["Location"] == address("photo", photo.pk)
        removal = PhotoRemoval.objects.get()
        assert (removal.photo, removal.reason, removal.removed_by) == (photo, "of another patient", by)
        assert "a second person has to confirm" in said(practitioner_client.get(address("photo", photo.pk)))
        photos.confirm_removal(removal=removal, by=UserFactory(admin=True), at=CLINIC_NOW)
        for route in ("photo", "photo_file", "photo_thumbnail", "photo_remove"):
            assert practitioner_client.get(address(route, photo.pk)).status_code == 404
        for route in ("photos", "photo_compare"):
            assert str(photo.pk) not in said(practitioner_client.get(address(route, photo.patient_id)))
        assert (folder / photo.file_name).exists()

    @pytest.mark.parametrize("reason", ["", "   "])
    def test_it_says_why(self, practitioner_client: Client, reason: str) -> None:
        answer = practitioner_client.post(address("photo_remove", PhotoFactory().pk), {"reason": reason})
        assert (answer.status_code, PhotoRemoval.objects.count()) == (422, 0)

    def test_one_person_alone_takes_nothing_out_of_sight(self, by: User) -> None:
        photo = PhotoFactory()
        removal = photos.remove(photo=photo, reason="of another patient", by=by, at=CLINIC_NOW)
        with pytest.raises(NotAllowed) as refused:
            photos.confirm_removal(removal=removal, by=by, at=CLINIC_NOW)
        assert (refused.value.code, list(Photo.objects.shown())) == ("second_person", [photo])
        assert list(Photo.objects.counted()) == []

    def test_what_was_removed_before_a_second_person_was_asked_stays_out_of_sight(self) -> None:
        PhotoRemovalFactory(alone=True)
        assert (list(Photo.objects.shown()), list(PhotoRemoval.objects.waiting())) == ([], [])

    def test_an_admin_confirms_from_the_incident_list_and_sees_no_picture(self, admin_client: Client) -> None:
        photo = PhotoRemovalFactory().photo
        page = address("photo_removal", photo.pk)
        assert page in said(admin_client.get(reverse("consultations:incidents")))
        shown = said(admin_client.get(page))
        assert "of another patient" in shown and f'href="{address("photo", photo.pk)}"' not in shown
        admin_client.post(page)
        assert list(Photo.objects.shown()) == []
        assert admin_client.get(page).status_code == 404

    def test_the_timeline_tells_of_it_until_it_is_confirmed(self, by: User) -> None:
        photo = PhotoFactory(note="left cheek")
        told = {"user": by, "kind": timeline.Kind.PHOTO, "at": CLINIC_NOW, "offset": 0, "limit": 9}
        (entry,) = timeline.entries(photo.patient, **told)
        assert (entry.url, entry.text, entry.tone) == (address("photo", photo.pk), "left cheek", "")
        removal = PhotoRemovalFactory(photo=photo)
        (entry,) = timeline.entries(photo.patient, **told)
        assert (entry.text, entry.tone) == ("Called an error. left cheek", "bad")
        photos.confirm_removal(removal=removal, by=UserFactory(admin=True), at=CLINIC_NOW)
        assert timeline.entries(photo.patient, **told) == []

    def test_the_action_refuses_an_empty_reason(self, by: User) -> None:
        with pytest.raises(DomainError) as refused:
            photos.remove(photo=PhotoFactory(), reason=" ", by=by, at=CLINIC_NOW)
        assert (refused.value.code, refused.value.field) == ("reason_missing", "reason")
        assert not PhotoRemoval.objects.exists()

    def test_it_is_confirmed_once_and_the_first_stays(self, by: User) -> None:
        removal, first = PhotoRemovalFactory(), UserFactory(admin=True)
        photos.confirm_removal(removal=removal, by=first, at=ago(hours=1))
        with pytest.raises(DomainError) as refused:
            photos.confirm_removal(removal=removal, by=by, at=CLINIC_NOW)
        removal.refresh_from_db()
        assert (refused.value.code, removal.confirmed_by, removal.confirmed_at) == (
            "confirmed_already",
            first,
            ago(hours=1),
        )

    def test_once(self, by: User) -> None:
        photo = PhotoRemovalFactory().photo
        with pytest.raises(DomainError) as refused:
            photos.remove(photo=photo, reason="again", by=by, at=CLINIC_NOW)
        assert refused.value.code == "removed_already"


class TestTheList:
    def test_is_view_by_view_the_latest_first(self, practitioner_client: Client, consented: Patient) -> None:
        front, side = (
            StandardViewFactory(position=1, name="front"),
            StandardViewFactory(position=2, name="side"),
        )
        consent = PhotographyConsent.objects.get()
        days = [(side, 3), (front, 9), (front, 2), (side, 5)]
        made = [
            PhotoFactory(patient=consented, consent=consent, view=view, taken_at=ago(days=day))
            for view, day in days
        ]
        PhotoFactory(view=front)  # of somebody else
        page = practitioner_client.get(address("photos", consented.pk))
        found = [(view.name, view.photos) for view in page.context["views"]]
        assert found == [("front", [made[2], made[1]]), ("side", [made[0], made[3]])]
        assert f'alt="front, before, {(TODAY - timedelta(days=2)).day} Feb 2026"' in said(page)

    def test_two_versions_of_a_view_are_one_view(
        self, practitioner_client: Client, consented: Patient
    ) -> None:
        old = StandardViewFactory(code="nose", name="nose", published_at=ago(days=30))
        StandardView.objects.filter(pk=old.pk).update(retired_at=ago(days=10))
        new = StandardViewFactory(code="nose", name="nose", version=2)
        consent = PhotographyConsent.objects.get()
        for view, days in ((old, 20), (new, 2)):
            PhotoFactory(patient=consented, consent=consent, view=view, taken_at=ago(days=days))
        (view,) = practitioner_client.get(address("photos", consented.pk)).context["views"]
        assert len(view.photos) == 2

    @pytest.mark.parametrize("count", [1, 3])
    def test_costs_the_same_for_one_and_for_many(
        self,
        practitioner_client: Client,
        consented: Patient,
        count: int,
        django_assert_num_queries: DjangoAssertNumQueries,
    ) -> None:
        consent = PhotographyConsent.objects.get()
        PhotoFactory.create_batch(count, patient=consented, consent=consent)
        with django_assert_num_queries(13):
            practitioner_client.get(address("photos", consented.pk))

    def test_is_paged(self, practitioner_client: Client, consented: Patient) -> None:
        view, consent = StandardViewFactory(), PhotographyConsent.objects.get()
        for days in range(1, 14):
            PhotoFactory(patient=consented, consent=consent, view=view, taken_at=ago(days=days))
        first = practitioner_client.get(address("photos", consented.pk))
        second = practitioner_client.get(
            first.context["page"].older_url.join([address("photos", consented.pk), ""])
        )
        shown = [len(page.context["views"][0].photos) for page in (first, second)]
        assert shown == [12, 1]
        assert second.context["page"].older_url == ""

    def test_while_names_are_hidden_no_picture_is_sent(self, practitioner_client: Client) -> None:
        photo = PhotoFactory()
        pages = [address("photos", photo.patient_id), address("photo", photo.pk)]
        pictures = [address("photo_thumbnail", photo.pk), address("photo_file", photo.pk)]
        both = list(zip(pictures, pages, strict=True))
        assert [picture in said(practitioner_client.get(page)) for picture, page in both] == [True, True]
        practitioner_client.post(reverse("clinic:privacy"))
        answers = [said(practitioner_client.get(page)) for page in pages]
        assert [each in answer for each in pictures for answer in answers] == [False] * 4
        assert ["not shown while names are hidden" in answer for answer in answers] == [True, True]


class TestComparing:
    def _two(self, **changes: Any) -> tuple[Photo, Photo]:
        earlier = PhotoFactory(taken_at=ago(days=9))
        later = PhotoFactory(
            **{"patient": earlier.patient, "consent": earlier.consent, "view": earlier.view, **changes},
            taken_at=ago(days=2),
        )
        return earlier, later

    def test_without_a_choice_it_shows_the_earliest_and_the_latest(self, practitioner_client: Client) -> None:
        earlier, later = self._two()
        page = practitioner_client.get(address("photo_compare", earlier.patient_id))
        assert (page.context["pair"], page.context["is_one_view"]) == ((earlier, later), True)

    def test_the_earlier_one_comes_first_however_they_are_chosen(self, practitioner_client: Client) -> None:
        earlier, later = self._two()
        chosen = {"first": later.pk, "second": earlier.pk}
        page = practitioner_client.get(address("photo_compare", earlier.patient_id), chosen)
        assert page.context["pair"] == (earlier, later)

    def test_a_photograph_of_another_patient_cannot_be_slipped_in(self, practitioner_client: Client) -> None:
        mine, others = PhotoFactory(), PhotoFactory()
        chosen = {"first": mine.pk, "second": others.pk}
        page = practitioner_client.get(address("photo_compare", mine.patient_id), chosen)
        assert page.context["pair"] is None
        assert str(others.pk) not in said(page).replace(
            page.wsgi_request.get_full_path().replace("&", "&amp;"), ""
        )

    def test_two_views_are_said_to_be_two(self, practitioner_client: Client) -> None:
        earlier, later = self._two(view=StandardViewFactory())
        chosen = {"first": earlier.pk, "second": later.pk}
        page = said(practitioner_client.get(address("photo_compare", earlier.patient_id), chosen))
        assert "These are two different views" in page

    def test_one_photograph_is_nothing_to_compare(self, practitioner_client: Client) -> None:
        page = said(practitioner_client.get(address("photo_compare", PhotoFactory().patient_id)))
        assert "Nothing to compare yet" in page

    def test_while_names_are_hidden_no_picture_is_sent(self, practitioner_client: Client) -> None:
        earlier, later = self._two()
        practitioner_client.post(reverse("clinic:privacy"))
        page = said(practitioner_client.get(address("photo_compare", earlier.patient_id)))
        assert [address("photo_file", each.pk) in page for each in (earlier, later)] == [False, False]


class TestWhatReviewsAskFor:
    @pytest.fixture
    def course(self) -> Plan:
        plan = cleared_plan(min_gap_days=6)
        SessionFactory(plan=plan, signed=True, started_at=ago(days=7))
        PhotographyConsentFactory(patient=plan.patient)
        for months, name in ((0, "at the start"), (3, "after three months")):
            ReviewRuleFactory(
                template_code=plan.template.code,
                anchor=ReviewAnchor.START,
                session=None,
                offset=months,
                unit="months",
                takes_photos=True,
                name=name,
            )
        return plan

    def _asked(self, client: Client, plan: Plan) -> list[str]:
        page = client.get(address("photos", plan.patient_id))
        return [str(each.due.rule) for each in page.context["wanted"]]

    def test_those_whose_day_has_come_are_listed_until_a_photograph_is_recorded_with_them(
        self, practitioner_client: Client, course: Plan
    ) -> None:
        assert self._asked(practitioner_client, course) == ["at the start"]
        rule = course_rule("at the start")
        review = ReviewFactory(plan=course, rule=rule, signed=True)
        assert self._asked(practitioner_client, course) == ["at the start"]
        consent = PhotographyConsent.objects.get()
        photo = PhotoFactory(patient=course.patient, consent=consent, plan=course, review=review)
        assert self._asked(practitioner_client, course) == []
        PhotoRemovalFactory(photo=photo)
        assert self._asked(practitioner_client, course) == ["at the start"]

    def test_the_course_of_a1_asks_at_the_start_and_after_three_and_six_months(self) -> None:
        from consultations.models import ReviewRule

        rules_of_course = ReviewRule.objects.current().filter(
            template_code="FACE-AMIN", takes_photos=True, anchor=ReviewAnchor.START
        )
        assert [(rule.offset, rule.unit) for rule in rules_of_course] == [
            (0, "days"),
            (3, "months"),
            (6, "months"),
        ]


def course_rule(name: str) -> Any:
    from consultations.models import ReviewRule

    return ReviewRule.objects.current().get(name=name)


@pytest.mark.parametrize("table", ["consultations_photo", "consultations_photoremoval"])
def test_a_photograph_and_its_removal_are_final(table: str) -> None:
    from tests.guards import sql

    PhotoRemovalFactory()
    with pytest.raises(IntegrityError, match=r"permanent|cannot be changed"):
        sql(f"DELETE FROM {table}")()


class TestTheCheckAfterARestore:
    def test_each_with_its_file(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        PhotoFactory.create_batch(2, with_file=True)
        call_command("check_photos")
        assert capsys.readouterr().out == "2 photographs, each with its file.\n"

    def test_what_is_missing_changed_or_left_over_is_named(
        self, folder: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        missing, changed = PhotoFactory(), PhotoFactory(with_file=True)
        (folder / changed.file_name).write_bytes(b"something else")
        (folder / "left over").write_bytes(b"")
        with pytest.raises(CommandError, match="2 of 2"):
            call_command("check_photos")
        assert set(capsys.readouterr().out.splitlines()) == {
            f"missing: photograph {missing.pk}, file {missing.file_name}",
            f"changed: photograph {changed.pk}, file {changed.file_name}",
            "belongs to no photograph: file left over",
        }
