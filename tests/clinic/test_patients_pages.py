"""The pages on which patients are found, registered and corrected."""

from datetime import date, time
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from clinic import readiness
from clinic.intervals import Suits
from clinic.models import NotADuplicate, Patient, Practitioner, User
from tests.factories import AppointmentFactory, PatientFactory
from tests.factories.clock import ago, ahead

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("desk_alone", "clinic_now")]
FIND, NEW = "/patients/", "/patients/new/"
HTMX = {"HX-Request": "true"}


def typed(**changes: Any) -> dict[str, Any]:
    """What a browser sends for a grown-up."""
    return {
        "family_name": "Moreau",
        "given_names": "Jeanne",
        "birth_date": "1984-03-12",
        "sex": "female",
        "prefers": "phone",
        **changes,
    }


def names(response: Any) -> list[str]:
    return [row["patient"].name for row in response.context["patients"]]


class TestFind:
    def test_today_comes_first_those_in_the_diary_and_those_registered_today(
        self, reception_client: Client
    ) -> None:
        PatientFactory(family_name="Elsewhere")
        AppointmentFactory(patient=PatientFactory(family_name="Visit"), starts_at=ahead(hours=2))
        AppointmentFactory(patient=PatientFactory(family_name="Tomorrow"), starts_at=ahead(days=1))
        PatientFactory(family_name="Fresh", created_at=ago(minutes=5))
        assert names(reception_client.get(FIND)) == ["Fresh, Jeanne", "Visit, Jeanne"]

    def test_an_empty_day_says_what_would_fill_it(self, reception_client: Client) -> None:
        assert "Nobody is expected today" in reception_client.get(FIND).text

    @pytest.mark.parametrize("client_name", ["reception_client", "practitioner_client", "admin_client"])
    def test_every_role_finds_by_post(self, request: pytest.FixtureRequest, client_name: str) -> None:
        client = request.getfixturevalue(client_name)
        PatientFactory(family_name="Okoro")
        response = client.post(FIND, {"q": "oko"})
        assert (response.status_code, names(response)) == (200, ["Okoro, Jeanne"])

    def test_htmx_gets_the_list_alone(self, reception_client: Client) -> None:
        PatientFactory(family_name="Okoro")
        response = reception_client.post(FIND, {"q": "oko"}, headers=HTMX)
        assert "<html" not in response.text
        assert names(response) == ["Okoro, Jeanne"]

    def test_the_row_leads_to_the_patient_and_to_booking(self, reception_client: Client) -> None:
        patient = PatientFactory(family_name="Okoro")
        page = reception_client.post(FIND, {"q": "oko"}).text
        assert f'href="{readiness.pathway().patient_url(patient)}"' in page
        assert f'href="{reverse("clinic:book_for", args=[patient.pk])}"' in page

    def test_an_admin_is_offered_neither_booking_nor_registering(self, admin_client: Client) -> None:
        patient = PatientFactory(family_name="Okoro")
        page = admin_client.post(FIND, {"q": "oko"}).text
        assert reverse("clinic:book_for", args=[patient.pk]) not in page
        assert NEW not in page

    def test_warnings_stand_beside_the_name(self, reception_client: Client, desk_alone: Any) -> None:
        desk_alone.said_warnings = [readiness.Warning("Soy allergy")]
        PatientFactory(family_name="Okoro")
        assert "Soy allergy" in reception_client.post(FIND, {"q": "oko"}).text

    def test_nobody_found_offers_to_register_what_was_typed_without_an_address(
        self, reception_client: Client
    ) -> None:
        page = reception_client.post(FIND, {"q": "Zzyx, Quentin"}).text
        assert "Nobody is found for “Zzyx, Quentin”." in page
        assert '<input type="hidden" name="typed" value="Zzyx, Quentin">' in page
        assert "?" not in page.split('action="/patients/new/"')[1].split(">")[0]

    def test_more_than_a_page_is_paged_without_counting(self, reception_client: Client) -> None:
        for number in range(23):
            PatientFactory(family_name=f"Okoro {number:02}")
        first = reception_client.post(FIND, {"q": "okoro"})
        second = reception_client.post(FIND, {"q": "okoro", "page": "2"})
        assert (len(names(first)), first.context["has_more"]) == (20, True)
        assert (names(second)[0], len(names(second)), second.context["has_more"]) == (
            "Okoro 20, Jeanne",
            3,
            False,
        )

    @pytest.mark.parametrize(
        "sent", [{"q": "x" * 101}, {"q": "mor\x00eau"}, {"q": "mor", "page": "0"}, {"q": "mor", "page": "x"}]
    )
    def test_nonsense_is_refused_with_a_sentence(
        self, reception_client: Client, sent: dict[str, str]
    ) -> None:
        response = reception_client.post(FIND, sent)
        assert response.status_code == 422
        assert 'role="alert"' in response.text

    def test_a_megabyte_is_refused(self, reception_client: Client) -> None:
        assert reception_client.post(FIND, {"q": "x" * 1_000_000}).status_code == 413

    def test_the_walk_in_of_a_row_says_whose_it_is(self, reception_client: Client) -> None:
        okoro, other = PatientFactory(family_name="Okoro"), PatientFactory(family_name="Okorocha")
        page = reception_client.post(FIND, {"q": "okoro"}).content.decode()
        for patient in (okoro, other):
            assert f'form="walk-in-form" name="patient" value="{patient.pk}"' in page
        assert (
            page.count(f'<form id="walk-in-form" method="post" action="{reverse("clinic:walk_in_note")}">')
            == 1
        )

    @pytest.mark.parametrize("count", [1, 3, 12])
    def test_queries_do_not_grow_with_what_is_found(
        self, reception_client: Client, django_assert_num_queries: Any, count: int
    ) -> None:
        PatientFactory.create_batch(count, family_name="Okoro")
        with django_assert_num_queries(5):
            assert len(names(reception_client.post(FIND, {"q": "okoro"}))) == count

    @pytest.mark.parametrize("count", [1, 3])
    def test_queries_do_not_grow_with_the_day(
        self, reception_client: Client, django_assert_num_queries: Any, count: int
    ) -> None:
        for hour in range(count):
            AppointmentFactory(starts_at=ahead(hours=hour))
        with django_assert_num_queries(6):
            assert len(names(reception_client.get(FIND))) == count


class TestRegister:
    def test_saves_and_goes_to_the_patients_page(self, reception_client: Client, reception: User) -> None:
        response = reception_client.post(NEW, typed(desk_note="prefers mornings"))
        patient = Patient.objects.get()
        assert (response.status_code, response["Location"]) == (302, readiness.pathway().patient_url(patient))
        assert (patient.name, patient.desk_note, patient.created_by) == (
            "Moreau, Jeanne",
            "prefers mornings",
            reception,
        )

    @pytest.mark.parametrize(
        ("search", "field", "value"),
        [
            ("Okoro, Chidi", "family_name", "Okoro"),
            ("Okoro Chidi", "given_names", "Chidi"),
            ("+33 6 12", "phone", "+33 6 12"),
            ("a@b.example", "email", "a@b.example"),
            ("12.03.1984", "birth_date", date(1984, 3, 12)),
            ("x" * 500, "family_name", "x" * 100),
            ("Oko\x00ro", "family_name", "Okoro"),
        ],
    )
    def test_begins_with_what_was_searched_for(
        self, reception_client: Client, search: str, field: str, value: Any
    ) -> None:
        form = reception_client.post(NEW, {"typed": search}).context["form"]
        assert (form[field].value(), form.is_bound) == (value, False)
        assert Patient.objects.count() == 0

    def test_an_admin_is_told_whom_to_ask(self, admin_client: Client) -> None:
        for response in (admin_client.get(NEW), admin_client.post(NEW, typed())):
            assert response.status_code == 403
            assert "Ask the front desk" in response.text
        assert Patient.objects.count() == 0

    @pytest.mark.parametrize(
        ("changes", "field", "code"),
        [
            ({"family_name": " "}, "family_name", "required"),
            ({"family_name": "x" * 101}, "family_name", "max_length"),
            ({"family_name": "Mor\x00eau"}, "family_name", "null_character"),
            ({"birth_date": ""}, "birth_date", "required"),
            ({"birth_date": "9999-12-31"}, "birth_date", "date_out_of_range"),
            ({"birth_date": "1884-03-12"}, "birth_date", "date_out_of_range"),
            ({"birth_date": "2026-03-03"}, "birth_date", "born_in_future"),
            ({"birth_date": "30.02.1984"}, "birth_date", "invalid"),
            ({"birth_date": "2015-01-01"}, "representative_name", "representative_missing"),
            ({"sex": "whale"}, "sex", "invalid_choice"),
            ({"email": "nowhere"}, "email", "invalid"),
            ({"phone": "call me"}, "phone", "invalid"),
            ({"not_duplicates": ["me"]}, "not_duplicates", "unknown"),
        ],
    )
    def test_bad_input_is_named_at_its_field_and_kept(
        self, reception_client: Client, changes: dict[str, Any], field: str, code: str
    ) -> None:
        response = reception_client.post(NEW, typed(given_names="Kept", **changes))
        form = response.context["form"]
        assert response.status_code == 422
        assert {name: {error.code for error in errors} for name, errors in form.errors.as_data().items()} == {
            field: {code}
        }
        assert form["given_names"].value() == "Kept"
        assert Patient.objects.count() == 0

    def test_the_representative_opens_for_a_minor_whether_or_not_the_browser_asks(
        self, reception_client: Client
    ) -> None:
        grown = reception_client.post(NEW, typed(redraw="1"), headers=HTMX)
        minor = reception_client.post(NEW, typed(redraw="1", birth_date="2015-01-01"), headers=HTMX)
        refused = reception_client.post(NEW, typed(birth_date="2015-01-01"))
        opened = '<details class="disclosure" id="representative" open>'
        assert [opened in page.text for page in (grown, minor, refused)] == [False, True, True]
        assert minor.context["form"]["family_name"].value() == "Moreau"
        assert Patient.objects.count() == 0

    @pytest.mark.parametrize("birth_date", ["", "soon", "9999-12-31", "\x00"])
    def test_redrawing_survives_a_half_typed_birth_date(
        self, reception_client: Client, birth_date: str
    ) -> None:
        response = reception_client.post(NEW, typed(redraw="1", birth_date=birth_date))
        assert response.status_code == 200


class TestLookAlikes:
    def test_are_shown_side_by_side_before_anything_is_saved(self, reception_client: Client) -> None:
        known = PatientFactory(family_name="Moreau", given_names="Jeane", phone="")
        response = reception_client.post(NEW, typed(phone="+33 6"))
        (shown,) = response.context["alike"]
        differing = {row["label"]: (row["now"], row["typed"]) for row in shown["rows"] if row["differs"]}
        assert (response.status_code, shown["patient"]) == (422, known)
        assert differing == {"Given names": ("Jeane", "Jeanne"), "Phone": ("", "+33 6")}
        assert f'name="not_duplicates" value="{known.pk}" form="patient-form"' in response.text
        assert f'href="{readiness.pathway().patient_url(known)}"' in response.text
        assert Patient.objects.count() == 1

    def test_not_the_same_saves_and_is_remembered(self, reception_client: Client) -> None:
        known = PatientFactory(family_name="Moreau")
        response = reception_client.post(NEW, typed(not_duplicates=[str(known.pk)]))
        assert response.status_code == 302
        assert (Patient.objects.count(), NotADuplicate.objects.count()) == (2, 1)

    def test_ids_of_others_do_not_stand_in_for_the_look_alike(self, reception_client: Client) -> None:
        PatientFactory(family_name="Moreau")
        someone = PatientFactory(family_name="Okoro", birth_date=date(1950, 1, 1))
        response = reception_client.post(NEW, typed(not_duplicates=[str(someone.pk)]))
        assert (response.status_code, Patient.objects.count()) == (422, 2)

    def test_a_pair_can_be_settled_later(self, reception_client: Client, reception: User) -> None:
        one, other = (
            PatientFactory(family_name="Twin"),
            PatientFactory(family_name="Twin", given_names="Jeanna"),
        )
        page = reverse("clinic:patient_edit", args=[one.pk])
        assert "These are two people" in reception_client.get(page).text
        url = reverse("clinic:patient_not_a_duplicate", args=[one.pk])
        response = reception_client.post(url, {"other": str(other.pk), "next": page})
        assert (response.status_code, response["Location"]) == (302, page)
        assert NotADuplicate.objects.get().decided_by == reception
        assert "These are two people" not in reception_client.get(page).text

    @pytest.mark.parametrize("other", ["", "me", "0b5b1c8e-6f0f-4a2d-8f3f-6f6a0f1d2c3b", None])
    def test_settling_with_an_unknown_record_or_itself_is_404(
        self, reception_client: Client, other: str | None
    ) -> None:
        patient = PatientFactory()
        url = reverse("clinic:patient_not_a_duplicate", args=[patient.pk])
        sent = {"other": str(patient.pk) if other is None else other}
        assert reception_client.post(url, sent).status_code == 404
        assert reception_client.get(url).status_code == 405

    def test_settling_never_leads_to_a_foreign_site(self, reception_client: Client) -> None:
        one, other = PatientFactory(), PatientFactory()
        url = reverse("clinic:patient_not_a_duplicate", args=[one.pk])
        response = reception_client.post(url, {"other": str(other.pk), "next": "https://elsewhere.example/"})
        assert response["Location"] == readiness.pathway().patient_url(one)

    def test_settling_is_refused_to_an_admin(self, admin_client: Client) -> None:
        one, other = PatientFactory(), PatientFactory()
        url = reverse("clinic:patient_not_a_duplicate", args=[one.pk])
        assert admin_client.post(url, {"other": str(other.pk)}).status_code == 403
        assert NotADuplicate.objects.count() == 0


class TestEdit:
    def url(self, patient: Patient) -> str:
        return reverse("clinic:patient_edit", args=[patient.pk])

    def test_saves_what_was_typed(self, reception_client: Client) -> None:
        patient = PatientFactory()
        response = reception_client.post(self.url(patient), typed(version="1", family_name="Morel"))
        patient.refresh_from_db()
        assert (response.status_code, patient.family_name, patient.version) == (302, "Morel", 2)

    def test_the_representative_opens_when_the_birth_date_becomes_a_minors_and_nothing_is_saved(
        self, reception_client: Client
    ) -> None:
        patient = PatientFactory(family_name="Moreau")
        for birth_date, is_open in (("1980-01-01", False), ("2015-01-01", True)):
            asked = typed(redraw="1", version="1", family_name="Morel", birth_date=birth_date)
            page = reception_client.post(self.url(patient), asked, headers=HTMX)
            assert page.status_code == 200
            assert ('<details class="disclosure" id="representative" open>' in page.text) is is_open
            assert page.context["form"]["family_name"].value() == "Morel"
        patient.refresh_from_db()
        assert (patient.family_name, patient.version) == ("Moreau", 1)

    def test_a_stale_tab_gets_both_versions_and_keeps_what_was_typed(self, reception_client: Client) -> None:
        patient = PatientFactory(family_name="Moreau", phone="")
        reception_client.post(self.url(patient), typed(version="1", phone="+33 1"))
        response = reception_client.post(self.url(patient), typed(version="1", phone="+33 2"))
        (row,) = response.context["changes"]
        form = response.context["form"]
        assert (response.status_code, row["label"], row["now"], row["typed"]) == (
            409,
            "Phone",
            "+33 1",
            "+33 2",
        )
        assert (form["phone"].value(), form["version"].value()) == ("+33 2", "2")
        assert Patient.objects.get(pk=patient.pk).phone == "+33 1"

    def test_having_seen_both_versions_one_may_save(self, reception_client: Client) -> None:
        patient = PatientFactory()
        Patient.objects.filter(pk=patient.pk).update(version=2)
        response = reception_client.post(self.url(patient), typed(version="2", phone="+33 2"))
        assert (response.status_code, Patient.objects.get(pk=patient.pk).phone) == (302, "+33 2")

    @pytest.mark.parametrize("version", ["", "x", "0", "99999999999999999999"])
    def test_nonsense_for_a_version_changes_nothing(self, reception_client: Client, version: str) -> None:
        patient = PatientFactory(family_name="Moreau")
        response = reception_client.post(self.url(patient), typed(version=version, family_name="Morel"))
        assert response.status_code == 422
        assert Patient.objects.get(pk=patient.pk).family_name == "Moreau"

    def test_an_admin_reads_and_is_told_whom_to_ask(self, admin_client: Client) -> None:
        patient = PatientFactory(desk_note="left her scarf")
        page = admin_client.get(self.url(patient))
        assert "ask the front desk" in page.text
        assert "left her scarf" in page.text
        assert "<textarea" not in page.text
        assert admin_client.post(self.url(patient), typed(version="1", family_name="X")).status_code == 403

    def test_a_record_that_was_merged_leads_to_the_one_that_counts(self, reception_client: Client) -> None:
        kept = PatientFactory()
        gone = PatientFactory(merged_into=kept)
        page = reception_client.get(self.url(gone), follow=True)
        assert page.redirect_chain == [(reverse("clinic:patient_merged", args=[gone.pk]), 302)]
        assert f'href="{readiness.pathway().patient_url(kept)}"' in page.text

    def test_an_unknown_patient_is_404(self, reception_client: Client) -> None:
        url = reverse("clinic:patient_edit", args=["0b5b1c8e-6f0f-4a2d-8f3f-6f6a0f1d2c3b"])
        assert reception_client.get(url).status_code == 404

    @pytest.mark.parametrize("twins", [1, 3])
    def test_queries_do_not_grow_with_look_alikes(
        self, reception_client: Client, django_assert_num_queries: Any, twins: int
    ) -> None:
        patient = PatientFactory(family_name="Moreau")
        PatientFactory.create_batch(twins, family_name="Moreau")
        with django_assert_num_queries(8):
            response = reception_client.get(self.url(patient))
        assert len(response.context["alike"]) == twins


class TestWhenItSuits:
    """Preferences for booking, typed on the record."""

    def test_is_saved_and_shown_again(self, reception_client: Client, doctor: Practitioner) -> None:
        patient = PatientFactory()
        suits = {"suits_weekdays": ["2", "4"], "suits_since": "08:00", "suits_until": "12:30"}
        sent = typed_of(patient, **suits, usual_practitioner=doctor.pk)
        assert reception_client.post(edit_url(patient), sent).status_code == 302
        patient.refresh_from_db()
        assert patient.suits == Suits(frozenset({2, 4}), time(8), time(12, 30))
        assert patient.usual_practitioner == doctor
        form = reception_client.get(edit_url(patient)).context["form"]
        assert form["suits_weekdays"].value() == [2, 4]

    def test_nothing_chosen_suits_always(self, reception_client: Client) -> None:
        patient = PatientFactory(suits_weekdays=[1], suits_since=time(9))
        assert reception_client.post(edit_url(patient), typed_of(patient)).status_code == 302
        patient.refresh_from_db()
        assert patient.suits is None

    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"suits_weekdays": ["8"]}, "suits_weekdays"),
            ({"suits_since": "25:00"}, "suits_since"),
            ({"suits_since": "12:00", "suits_until": "12:00"}, "suits_until"),
            ({"usual_practitioner": "x"}, "usual_practitioner"),
        ],
    )
    def test_bad_input_is_named_at_its_field_and_changes_nothing(
        self, reception_client: Client, changes: dict[str, Any], field: str
    ) -> None:
        patient = PatientFactory()
        response = reception_client.post(edit_url(patient), typed_of(patient, **changes))
        assert (response.status_code, set(response.context["form"].errors)) == (422, {field})
        patient.refresh_from_db()
        assert (patient.version, patient.suits) == (1, None)


def edit_url(patient: Patient) -> str:
    return reverse("clinic:patient_edit", args=[patient.pk])


def typed_of(patient: Patient, **changes: Any) -> dict[str, Any]:
    """The record as a browser sends it back."""
    kept = ("family_name", "given_names", "birth_date", "sex", "phone", "prefers", "version")
    return {**{name: getattr(patient, name) for name in kept}, **changes}
