"""Reference data in Django's admin: read once published, changed by versions, and no clinical record in sight."""

from http import HTTPStatus
from typing import Any

import pytest
from django.contrib import admin as django_admin
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from clinic.enums import Role
from clinic.models import User
from consultations import models as pathway
from consultations.actions import reference
from consultations.models.reference import Versioned
from tests.factories import LotFactory, PatchTestFactory, UserFactory
from tests.signing_in import sign_in

pytestmark = pytest.mark.django_db

PAGES = [model for model in django_admin.site._registry if model._meta.app_label == "consultations"]
VERSIONED = [model for model in PAGES if issubclass(model, Versioned)]


def page(model: Any, word: str = "changelist", *args: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{word}", args=args)


def in_force(model: Any, code: str) -> Any:
    return model.objects.current().get(code=code)


def fields(answer: Any) -> dict[str, Any]:
    """What a browser would send back from the form on the page, unchanged."""
    form = answer.context["adminform"].form
    formsets = [inline.formset for inline in answer.context["inline_admin_formsets"]]
    bound = [
        field for f in [form, *(f for fs in formsets for f in [fs.management_form, *fs.forms])] for field in f
    ]
    sent = {field.html_name: field.value() for field in bound}
    return {name: value for name, value in sent.items() if value is not None and value is not False}


@pytest.fixture
def keeper() -> User:
    return UserFactory(username="keeper", roles=[Role.ADMIN])


@pytest.fixture
def keeper_client(keeper: User) -> Client:
    client = Client()
    sign_in(client, keeper)
    return client


def said(answer: Any) -> list[str]:
    return [str(message) for message in answer.context["messages"]]


@pytest.mark.parametrize("model", VERSIONED, ids=lambda model: model.__name__)
class TestEveryKind:
    def test_list_form_and_page_open(self, keeper_client: Client, model: Any) -> None:
        addresses = [
            page(model),
            page(model, "add"),
            page(model, "change", model.objects.current().first().pk),
        ]
        assert [keeper_client.get(address).status_code for address in addresses] == [HTTPStatus.OK] * 3

    def test_a_published_version_refuses_crafted_posts(self, keeper_client: Client, model: Any) -> None:
        entry = model.objects.current().first()
        for word in ("change", "delete"):
            answer = keeper_client.post(page(model, word, entry.pk), {"name": "Other", "post": "yes"})
            assert answer.status_code == HTTPStatus.FORBIDDEN
        assert model.objects.get(pk=entry.pk).name == entry.name

    def test_button_copies_and_the_copy_can_be_saved_and_published(
        self, keeper_client: Client, model: Any
    ) -> None:
        old = model.objects.current().first()
        answer = keeper_client.post(page(model, "new_version", old.pk), follow=True)
        draft = model.objects.get(code=old.code, published_at=None)
        assert answer.redirect_chain == [(page(model, "change", draft.pk), HTTPStatus.FOUND)]
        saved = keeper_client.post(page(model, "change", draft.pk), fields(answer) | {"name": "Renamed"})
        assert saved.status_code == HTTPStatus.FOUND
        keeper_client.post(page(model, "publish", draft.pk), {"sign_again": "no"})
        assert model.objects.current().get(code=old.code).name == "Renamed"

    @pytest.mark.parametrize("roles", [[Role.RECEPTION], [Role.PRACTITIONER]])
    def test_others_are_refused(self, model: Any, roles: list[Role]) -> None:
        client, entry = Client(), model.objects.current().first()
        sign_in(client, UserFactory(roles=roles))
        assert client.get(page(model)).status_code == HTTPStatus.FORBIDDEN
        assert client.post(page(model, "new_version", entry.pk)).status_code == HTTPStatus.FORBIDDEN
        assert model.objects.filter(code=entry.code).count() == 1


class TestVersions:
    def test_lists_filter_by_state_and_by_what_is_to_confirm(
        self, keeper: User, keeper_client: Client
    ) -> None:
        reference.new_version(entry=in_force(pathway.Leaflet, "aftercare"), by=keeper, at=timezone.now())
        drafts = keeper_client.get(page(pathway.Leaflet), {"state": "draft"})
        assert [(row.code, row.version) for row in drafts.context["cl"].result_list] == [("aftercare", 2)]
        sure = keeper_client.get(page(pathway.Component), {"to_confirm__exact": 0, "state": "in_force"})
        assert {row.to_confirm for row in sure.context["cl"].result_list} == {False}

    def test_a_refusal_is_shown_and_changes_nothing(self, keeper: User, keeper_client: Client) -> None:
        entry = in_force(pathway.Leaflet, "aftercare")
        reference.new_version(entry=entry, by=keeper, at=timezone.now())
        answer = keeper_client.post(page(pathway.Leaflet, "new_version", entry.pk), follow=True)
        sentence = (
            "A new version of “After your session” is being prepared already. Change that one, or delete it."
        )
        assert said(answer) == [sentence]
        assert pathway.Leaflet.objects.filter(code="aftercare").count() == 2

    def test_a_draft_can_be_deleted(self, keeper: User, keeper_client: Client) -> None:
        draft = reference.new_version(entry=in_force(pathway.Formula, "F-CELL"), by=keeper, at=timezone.now())
        keeper_client.post(page(pathway.Formula, "delete", draft.pk), {"post": "yes"})
        assert pathway.Formula.objects.filter(code="F-CELL").count() == 1

    @pytest.mark.parametrize("word", ["new_version", "publish"])
    def test_following_a_link_makes_no_version(self, keeper_client: Client, word: str) -> None:
        entry = in_force(pathway.Leaflet, "aftercare")
        answer = keeper_client.get(page(pathway.Leaflet, word, entry.pk))
        assert answer.status_code == HTTPStatus.METHOD_NOT_ALLOWED
        assert pathway.Leaflet.objects.filter(code="aftercare").count() == 1

    def test_an_entry_that_does_not_exist_is_not_found(self, keeper_client: Client) -> None:
        assert keeper_client.post(page(pathway.Leaflet, "publish", 0)).status_code == HTTPStatus.NOT_FOUND

    def test_a_code_in_use_wants_a_new_version(self, keeper_client: Client) -> None:
        answer = keeper_client.post(
            page(pathway.Leaflet, "add"), {"code": "aftercare", "name": "x", "body": "x"}
        )
        assert answer.context["adminform"].form.errors == {
            "code": ["This code exists already. Open the entry and make a new version."]
        }

    def test_the_code_of_a_draft_stays(self, keeper: User, keeper_client: Client) -> None:
        draft = reference.new_version(
            entry=in_force(pathway.Leaflet, "aftercare"), by=keeper, at=timezone.now()
        )
        posted = {"code": "other", "name": "Renamed", "body": "x"}
        keeper_client.post(page(pathway.Leaflet, "change", draft.pk), posted)
        draft.refresh_from_db()
        assert (draft.code, draft.name) == ("aftercare", "Renamed")

    def test_the_list_of_consent_texts_says_in_one_column_what_each_is_for(
        self, keeper_client: Client
    ) -> None:
        shown = keeper_client.get(page(pathway.ConsentText)).content.decode()
        for word in ("all", "gun", "pc_dc", "F-HAIR-DUT"):
            assert f'<td class="field-procedure">{word}</td>' in shown
        assert '<td class="field-asks_again">No</td>' in shown

    def test_a_cap_is_decided_by_a_new_version(self, keeper_client: Client) -> None:
        old = in_force(pathway.DoseCap, "multivit-per_session")
        answer = keeper_client.post(page(pathway.DoseCap, "new_version", old.pk), follow=True)
        draft = pathway.DoseCap.objects.get(code=old.code, published_at=None)
        decided = fields(answer) | {"decision": "value", "limit": "5"}
        keeper_client.post(page(pathway.DoseCap, "change", draft.pk), decided)
        keeper_client.post(page(pathway.DoseCap, "publish", draft.pk))
        assert in_force(pathway.DoseCap, old.code).limit == 5

    def test_a_cap_without_its_number_is_refused_beside_the_form(self, keeper_client: Client) -> None:
        old = in_force(pathway.DoseCap, "multivit-per_session")
        answer = keeper_client.post(page(pathway.DoseCap, "new_version", old.pk), follow=True)
        draft = pathway.DoseCap.objects.get(code=old.code, published_at=None)
        answer = keeper_client.post(
            page(pathway.DoseCap, "change", draft.pk), fields(answer) | {"decision": "value"}
        )
        assert answer.context["adminform"].form.non_field_errors() == [
            "A limit is a number above zero; without a limit there is no number."
        ]

    def test_publishing_a_component_names_the_formulas_to_follow(
        self, keeper: User, keeper_client: Client
    ) -> None:
        draft = reference.new_version(entry=in_force(pathway.Component, "dc"), by=keeper, at=timezone.now())
        answer = keeper_client.post(page(pathway.Component, "publish", draft.pk), follow=True)
        assert said(answer)[-1] == (
            "These formulas still use the version before; make new versions of them: F-FAT-DCA, F-FAT-PCDC"
        )

    def test_publishing_a_formula_asks_for_the_recipe_of_that_very_version(
        self, keeper: User, keeper_client: Client
    ) -> None:
        draft = reference.new_version(
            entry=in_force(pathway.Formula, "F-NEURALGIA"), by=keeper, at=timezone.now()
        )
        before = keeper_client.get(page(pathway.Formula, "change", draft.pk)).content.decode()
        assert "is added once this version is published" in before
        answer = keeper_client.post(page(pathway.Formula, "publish", draft.pk), follow=True)
        assert said(answer) == [
            "This version is in force now.",
            "No page says how this version is mixed, and no lot is held against a strength: add its recipe below.",
        ]
        link = f"{page(pathway.Recipe, 'add')}?formula_code=F-NEURALGIA&amp;formula_version=2"
        assert f'<a href="{link}">Add the recipe of this version</a>' in answer.content.decode()
        shown = keeper_client.get(link.replace("&amp;", "&")).context["adminform"].form
        assert (shown["formula_code"].value(), shown["formula_version"].value()) == ("F-NEURALGIA", "2")
        assert shown["formula_code"].label == "Formula"

    def test_with_its_recipe_a_formula_asks_for_none(self, keeper: User, keeper_client: Client) -> None:
        formula = in_force(pathway.Formula, "F-NEURALGIA")
        shown = keeper_client.get(page(pathway.Formula, "change", formula.pk)).content.decode()
        assert "1 ml Lidocaine 20 mg/ml + 1 ml Saline 0.9 % = 2 ml" in shown
        assert "Add the recipe of this version" not in shown
        # A refused publication says only why it was refused.
        answer = keeper_client.post(page(pathway.Formula, "publish", formula.pk), follow=True)
        assert said(answer) == ["This version is published already. Make a new version to change it."]

    def test_one_more_test_policy_starts_with_the_numbers_of_the_general_one(
        self, keeper_client: Client
    ) -> None:
        general = in_force(pathway.PatchTestPolicy, "default")
        offered = fields(keeper_client.get(page(pathway.PatchTestPolicy, "add")))
        own = {"code": "own", "name": "Own", "formula_code": "F-NEURALGIA", "requirement": "not_required"}
        assert {name: offered.get(name) or "" for name in own} == dict.fromkeys(own, "")
        keeper_client.post(page(pathway.PatchTestPolicy, "add"), offered | own)
        made = pathway.PatchTestPolicy.objects.get(code="own")
        assert (made.volume_ml, made.validity_months, made.reading_due_hours) == (
            general.volume_ml,
            general.validity_months,
            general.reading_due_hours,
        )
        assert (made.formula_code, made.requirement, made.version) == ("F-NEURALGIA", "not_required", 1)


class TestLots:
    def test_what_identifies_a_lot_stays(self, keeper_client: Client) -> None:
        lot = LotFactory()
        posted = {"number": "OTHER", "expires_on": "2031-05-31", "received_on": "2026-01-01"}
        keeper_client.post(page(pathway.Lot, "change", lot.pk), posted)
        after = pathway.Lot.objects.get(pk=lot.pk)
        assert (after.number, str(after.expires_on)) == (lot.number, "2031-05-31")

    def test_what_a_signed_record_names_stays_in_all_that_its_label_says(self, keeper_client: Client) -> None:
        lot = PatchTestFactory().lots.first()
        posted = {"expires_on": "2031-05-31", "received_on": "2026-01-01", "used_up_on": "2026-03-02"}
        keeper_client.post(page(pathway.Lot, "change", lot.pk), posted)
        after = pathway.Lot.objects.get(pk=lot.pk)
        assert (after.expires_on, after.received_on) == (lot.expires_on, lot.received_on)
        assert str(after.used_up_on) == "2026-03-02"

    def test_lots_are_not_deleted(self, keeper_client: Client) -> None:
        lot = LotFactory()
        answer = keeper_client.post(page(pathway.Lot, "delete", lot.pk), {"post": "yes"})
        assert answer.status_code == HTTPStatus.FORBIDDEN


@pytest.mark.parametrize("model", [pathway.Component, pathway.Formula, pathway.DoseCap, pathway.Lot])
def test_spreadsheet_export(keeper_client: Client, model: Any) -> None:
    LotFactory()
    answer = keeper_client.get(page(model, "export"))
    assert answer["Content-Type"] == "text/csv"
    assert len(answer.content.decode().splitlines()) == model.objects.count() + 1
