"""Leaflets: the one for the procedure is offered, printed, and on record with its version once it was handed out."""

from datetime import datetime
from html import unescape

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from clinic.errors import DomainError, NotAllowed
from clinic.models import Practitioner, User
from consultations.actions import leaflets as actions
from consultations.enums import HandoutWay
from consultations.models import EnteredInError, Formula, Leaflet, LeafletHandout, Plan, Technique
from consultations.rules import leaflets as rules
from tests.consultations.course import agreed
from tests.factories import LeafletFactory, LeafletHandoutFactory, PatientFactory, PlanFactory
from tests.factories.clock import CLINIC_NOW, ago

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clinic_now")]


def page(plan: Plan) -> str:
    return reverse("consultations:leaflets_of", args=[plan.pk])


def text(response: HttpResponse) -> str:
    return unescape(response.content.decode())


@pytest.mark.parametrize(
    ("technique", "formula", "code"),
    [
        ("papule", "F-FACE-HA", "needle"),
        ("gun", "F-FACE-HA", "gun"),
        ("needleless", "F-FACE-HA", "needleless"),
        ("pc_dc", "F-FAT-PCDC", "fat-dissolving"),
        ("pc_dc", "F-FAT-DCA", "chin-deoxycholic-acid"),
        ("nappage", "F-HAIR-DUT", "hair-dutasteride"),
        ("point_by_point", "F-PAIN-LBP", "back-pain"),
    ],
)
def test_the_most_specific_that_fits_the_plan_stands_first(technique: str, formula: str, code: str) -> None:
    found = rules.fitting(
        Leaflet.objects.current(),
        technique=Technique.objects.current().get(code=technique),
        formula=Formula.objects.current().get(code=formula),
    )
    assert found[0].code == code
    assert [each.code for each in found[-3:]] == ["about-mesotherapy", "aftercare", "test-injection"]


def test_before_anything_is_chosen_only_those_for_all_fit() -> None:
    found = rules.fitting(Leaflet.objects.current(), technique=None, formula=None)
    assert [each.code for each in found] == ["about-mesotherapy", "aftercare", "test-injection"]


def test_every_shipped_leaflet_says_when_to_call_and_prints_in_parts() -> None:
    for leaflet in Leaflet.objects.current().exclude(family="", technique_code="", formula_code=""):
        parts = list(rules.blocks(leaflet.body))
        headings = [each.heading for each in parts]
        assert {"What happens", "What can happen", "When to call", "If you change your mind"} <= set(headings)
        call = next(each for each in parts if each.heading == "When to call")
        assert (len(call.lines), len(call.points)) == (2, 4)


def test_a_text_is_cut_into_headings_sentences_and_lists() -> None:
    body = "Before you come\r\nEat something.\n- Tell us of changes;\n- bring your list.\r\n\r\nCome by bus."
    assert list(rules.blocks(body)) == [
        rules.Block("Before you come", ("Eat something.",), ("Tell us of changes;", "bring your list.")),
        rules.Block("", ("Come by bus.",), ()),
    ]


@pytest.mark.parametrize(
    ("body", "block"),
    [
        ("Come by bus", ("", ("Come by bus",), ())),
        ("- a list\nand a line", ("", ("and a line",), ("a list",))),
        ("Bring\n- your list", ("Bring", (), ("your list",))),
        ("No. 5\nEat.", ("No. 5", ("Eat.",), ())),
        ("Room 1.2\nEat.", ("Room 1.2", ("Eat.",), ())),
        ("Max X\nEat.", ("Max X", ("Eat.",), ())),
        ("Wait:\nEat.", ("", ("Wait:", "Eat."), ())),
    ],
)
def test_a_heading_is_a_first_line_of_several_that_ends_nothing(body: str, block: tuple) -> None:
    assert list(rules.blocks(body)) == [rules.Block(*block)]


@pytest.mark.parametrize(
    ("retired_at", "handed_to", "code", "field"),
    [(CLINIC_NOW, "her", "leaflet_replaced", "leaflet"), (None, " ", "handed_to", "handed_to")],
)
def test_what_is_not_handed_out_says_which_field_is_wrong(
    retired_at: datetime | None, handed_to: str, code: str, field: str
) -> None:
    with pytest.raises(DomainError) as refused:
        rules.check_handed(LeafletFactory.build(published_at=ago(days=9), retired_at=retired_at), handed_to)
    assert (refused.value.code, refused.value.field) == (code, field)


class TestHandingOut:
    def test_version_way_reader_and_person_are_on_record(
        self, practitioner_client: Client, practitioner_user: User, doctor: Practitioner
    ) -> None:
        plan = PlanFactory()
        leaflet = LeafletFactory(name="Your drops", formula_code=plan.formula.code)
        shown = text(practitioner_client.get(page(plan)))
        assert f'<option value="{leaflet.pk}" selected>Your drops (version 1)</option>' in shown
        assert f'value="{plan.patient.name}"' in shown
        typed = {"leaflet": leaflet.pk, "way": "screen", "handed_to": "Clara Moreau, her daughter"}
        assert practitioner_client.post(page(plan), typed).headers["Location"] == page(plan)
        row = LeafletHandout.objects.get()
        assert (row.leaflet, row.plan, row.patient, row.way, row.handed_to, row.handed_by, row.handed_at) == (
            leaflet,
            plan,
            plan.patient,
            HandoutWay.SCREEN,
            "Clara Moreau, her daughter",
            practitioner_user,
            CLINIC_NOW,
        )
        assert "to Clara Moreau, her daughter" in text(practitioner_client.get(page(plan)))
        timeline = reverse("consultations:patient", args=[plan.patient_id])
        shown = text(practitioner_client.get(timeline, {"kind": "leaflet"}))
        assert "Leaflet handed out: Your drops" in shown
        assert "version 1, read together on the screen, to Clara Moreau, her daughter" in shown

    def test_for_a_young_person_the_representative_is_named(self, practitioner_client: Client) -> None:
        patient = PatientFactory(minor=True, representative_name="Clara Moreau")
        assert 'value="Clara Moreau"' in text(practitioner_client.get(page(PlanFactory(patient=patient))))

    def test_to_nobody_it_is_not_recorded_and_what_was_typed_stays(self, practitioner_client: Client) -> None:
        plan, leaflet = PlanFactory(), LeafletFactory()
        refused = practitioner_client.post(
            page(plan), {"leaflet": leaflet.pk, "way": "screen", "handed_to": " "}
        )
        assert refused.status_code == 422
        assert "Say whom the leaflet was handed to." in text(refused)
        assert refused.context["form"]["way"].value() == "screen"
        assert not LeafletHandout.objects.exists()

    def test_a_version_replaced_meanwhile_is_not_handed_out(
        self, practitioner_client: Client, doctor: Practitioner
    ) -> None:
        plan, leaflet = PlanFactory(), LeafletFactory()
        Leaflet.objects.filter(pk=leaflet.pk).update(retired_at=CLINIC_NOW)
        typed = {"leaflet": leaflet.pk, "way": "paper", "handed_to": "her"}
        refused = practitioner_client.post(page(plan), typed)
        assert (refused.status_code, "This version is not in force any more." in text(refused)) == (422, True)
        with pytest.raises(DomainError) as refusal:
            actions.hand_out(
                leaflet=leaflet,
                patient=plan.patient,
                way=HandoutWay.PAPER,
                handed_to="her",
                by=doctor.user,
                at=CLINIC_NOW,
            )
        assert refusal.value.code == "leaflet_replaced"
        assert not LeafletHandout.objects.exists()

    def test_only_a_practitioner_records_it(self, reception: User) -> None:
        plan = PlanFactory()
        with pytest.raises(NotAllowed):
            actions.hand_out(
                leaflet=LeafletFactory(),
                patient=plan.patient,
                way=HandoutWay.PAPER,
                handed_to="her",
                by=reception,
                at=CLINIC_NOW,
            )

    def test_the_leaflet_of_a_consultation_is_on_record_with_its_signature(
        self, doctor: Practitioner
    ) -> None:
        plan = agreed("FACE-HA", by=doctor.user, at=CLINIC_NOW)
        row = LeafletHandout.objects.get()
        assert (row.leaflet, row.consultation, row.plan, row.handed_to, row.handed_at) == (
            plan.consultation.leaflet,
            plan.consultation,
            plan,
            plan.patient.name,
            CLINIC_NOW,
        )


class TestEnteredInError:
    """One handed to nobody after all stays visible, struck, and counts as not handed out from that moment on."""

    @pytest.fixture
    def handed(self) -> LeafletHandout:
        plan = PlanFactory()
        leaflet = LeafletFactory(name="Your drops", formula_code=plan.formula.code)
        return LeafletHandoutFactory(patient=plan.patient, plan=plan, leaflet=leaflet, handed_at=CLINIC_NOW)

    def _say_so(self, client: Client, row: LeafletHandout, reason: str = "for her sister") -> HttpResponse:
        url = reverse("consultations:entered_in_error", args=["leaflet", row.pk])
        return client.post(url, {"reason": reason}, follow=True)

    def test_it_counts_no_longer_at_once_and_stays_on_the_page_struck_with_its_reason(
        self, practitioner_client: Client, handed: LeafletHandout
    ) -> None:
        before = text(practitioner_client.get(page(handed.plan)))
        assert ("· handed out Mon 2 Mar 2026" in before, "<s>Your drops</s>" in before) == (True, False)
        shown = self._say_so(practitioner_client, handed)
        assert shown.redirect_chain[0][0] == f"{page(handed.plan)}#handed"
        after = text(shown)
        assert "It counts as not handed out. A second person confirms, on the incident list." in after
        assert ("· handed out Mon 2 Mar 2026" in after, "<s>Your drops</s>" in after) == (False, True)
        assert "Entered in error; a second person has to confirm: for her sister" in after
        assert LeafletHandout.objects.get() == handed
        assert not LeafletHandout.objects.counting().exists()

    def test_one_handed_out_again_counts(self, practitioner_client: Client, handed: LeafletHandout) -> None:
        self._say_so(practitioner_client, handed)
        LeafletHandoutFactory(patient=handed.patient, leaflet=handed.leaflet, handed_at=CLINIC_NOW)
        assert "· handed out Mon 2 Mar 2026" in text(practitioner_client.get(page(handed.plan)))

    def test_a_second_person_confirms_it_and_not_the_first(
        self, practitioner_client: Client, admin_client: Client, handed: LeafletHandout
    ) -> None:
        self._say_so(practitioner_client, handed)
        url = reverse("consultations:error_confirm", args=[handed.entered_in_error.pk])
        practitioner_client.post(url)
        assert EnteredInError.objects.waiting().count() == 1
        assert "leaflet handed out" in text(admin_client.get(url)).lower()
        admin_client.post(url)
        assert EnteredInError.objects.waiting().count() == 0
        shown = text(practitioner_client.get(page(handed.plan)))
        assert "Entered in error, confirmed by a second person: for her sister" in shown

    def test_without_a_reason_nothing_is_said(
        self, practitioner_client: Client, handed: LeafletHandout
    ) -> None:
        assert self._say_so(practitioner_client, handed, reason=" ").status_code == 422
        assert LeafletHandout.objects.counting().get() == handed

    def test_the_timeline_says_so_and_one_of_no_plan_leads_there(self, practitioner_client: Client) -> None:
        row = LeafletHandoutFactory()
        shown = self._say_so(practitioner_client, row)
        timeline = reverse("consultations:patient", args=[row.patient_id])
        assert shown.redirect_chain[0][0] == f"{timeline}?kind=leaflet"
        assert "Entered in error. version 1" in text(shown)


class TestThePages:
    def test_it_prints_with_its_version_and_whom_to_call(self, reception_client: Client) -> None:
        leaflet = LeafletFactory(name="Your drops", body="What happens\nDrops.\n- One;\n- two.")
        shown = text(reception_client.get(reverse("consultations:leaflet", args=[leaflet.pk])))
        assert "<h2>What happens</h2>" in shown
        assert "<li>One;</li><li>two.</li>" in shown
        assert "version 1" in shown
        assert "Emergency 112" in shown

    def test_one_that_was_replaced_stays_readable_and_says_so(self, practitioner_client: Client) -> None:
        leaflet = LeafletFactory()
        Leaflet.objects.filter(pk=leaflet.pk).update(retired_at=CLINIC_NOW)
        shown = text(practitioner_client.get(reverse("consultations:leaflet", args=[leaflet.pk])))
        assert "Not in force any more" in shown

    def test_a_draft_is_for_nobody_yet(self, practitioner_client: Client) -> None:
        draft = LeafletFactory(published_at=None)
        assert practitioner_client.get(reverse("consultations:leaflet", args=[draft.pk])).status_code == 404

    def test_it_is_offered_on_the_plan_and_before_the_session(self, practitioner_client: Client) -> None:
        plan = PlanFactory()
        planned = plan.planned_sessions.first()
        for route, key in (("plan", plan.pk), ("session_of", planned.pk)):
            shown = text(practitioner_client.get(reverse(f"consultations:{route}", args=[key]), follow=True))
            assert page(plan) in shown

    def test_it_asks_a_fixed_number_of_queries(
        self, practitioner_client: Client, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        plan = PlanFactory()
        for _round in range(2):
            LeafletHandoutFactory(patient=plan.patient)
            with django_assert_num_queries(PAGE_QUERIES):
                practitioner_client.get(page(plan))


PAGE_QUERIES = 12
