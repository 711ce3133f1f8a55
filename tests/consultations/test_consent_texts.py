"""Consent texts: by procedure, filled in from reference data, and what a new version asks of those who signed before."""

from datetime import datetime, timedelta
from hashlib import sha256
from importlib import import_module

import pytest
from django.apps import apps
from django.test import Client
from django.urls import reverse

from clinic.enums import Role
from clinic.errors import DomainError, NotAllowed
from clinic.models import Practitioner, User
from consultations.actions import consents, reference
from consultations.dates import duration_in_words
from consultations.enums import SessionOutcome, SignAgain, Signer
from consultations.models import Alternative, Consent, ConsentText, Plan, ReactionType
from consultations.queries import facts_of_one
from consultations.rules import consent, consent_texts
from consultations.rules.gates import consent as gate
from consultations.rules.knowledge import as_known
from consultations.steppers import _consent as step
from tests.consultations.rules.test_validity import gate as sql_gate
from tests.factories import (
    AftercareRuleFactory,
    AftercareScopeFactory,
    AlternativeFactory,
    ConsentFactory,
    ConsentTextFactory,
    EnteredInErrorFactory,
    PlanFactory,
    ReactionTypeFactory,
    SessionFactory,
    TechniqueFactory,
    UserFactory,
    cleared_plan,
)
from tests.factories.clock import CLINIC_NOW, ago
from tests.signing_in import sign_in

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clinic_now")]

PUBLISHED = ago(days=3)
RENEWAL = import_module("consultations.migrations.0032_alternatives")
RENEWAL_CODES = sorted(RENEWAL.SHIPPED)


def _newer(plan: Plan, sign_again: str, at: datetime = PUBLISHED) -> ConsentText:
    """A later version of the text that the plan's consent was signed under."""
    old = plan.consents.get().text
    ConsentText.objects.filter(pk=old.pk).update(retired_at=at)
    return ConsentTextFactory(code=old.code, version=old.version + 1, sign_again=sign_again, published_at=at)


def _both(plan: Plan, on: datetime = CLINIC_NOW) -> set[bool]:
    """Whether a consent is in force, in Python and in SQL; one element when they agree."""
    return {
        consent.in_force(facts_of_one(plan), on=on) is not None,
        sql_gate("gate_consent", plan, on) is None,
    }


class TestWhichText:
    def test_the_most_specific_that_fits_is_signed(self) -> None:
        plan = PlanFactory(technique=TechniqueFactory(code="fine-papule", family="needle"))
        ConsentText.objects.update(retired_at=CLINIC_NOW)  # the shipped ones
        texts = [
            ConsentTextFactory(code="a-gun", family="gun"),
            ConsentTextFactory(code="b-for-all"),
            ConsentTextFactory(code="c-needle", family="needle"),
            ConsentTextFactory(code="d-papule", technique_code="fine-papule"),
            ConsentTextFactory(code="e-formula", formula_code=plan.formula.code),
            ConsentTextFactory(code="f-both", formula_code=plan.formula.code, technique_code="fine-papule"),
            ConsentTextFactory(code="g-other", formula_code=plan.formula.code, technique_code="linear"),
        ]
        found = []
        for text in [*reversed(texts[1:6]), None]:
            chosen = consent_texts.text_for(plan)
            found.append(chosen.code if chosen else None)
            if text:
                ConsentText.objects.filter(pk=text.pk).update(retired_at=CLINIC_NOW)
        assert found == ["f-both", "e-formula", "d-papule", "c-needle", "b-for-all", None]

    def test_the_words_say_what_reference_data_says_of_this_treatment(self) -> None:
        plan = PlanFactory()
        ReactionTypeFactory(patient_words="Blue marks", is_discussed=True, position=1)
        ReactionTypeFactory(patient_words="Never named", is_discussed=False)
        text = ConsentTextFactory(body="{off_label}\n{risks}\n{evidence}")
        words = consent_texts.wording(plan, text)
        assert "This mixture is used off-label" in words
        assert "- Blue marks" in words
        assert "Never named" not in words
        assert "{" not in words

    def test_what_is_known_of_both_and_what_holds_for_every_part_of_the_body_is_said(self) -> None:
        plan = PlanFactory(
            indication__evidence="Of the treatment: two trials.", formula__evidence="Of the mixture: none."
        )
        known = consent_texts.wording(plan, ConsentTextFactory(body="{evidence}"))
        assert known == "Of the treatment: two trials.\nOf the mixture: none."
        scoped = AftercareRuleFactory(name="Hats")
        AftercareScopeFactory(rule_code=scoped.code, view="scalp")
        AftercareRuleFactory(name="Saunas")
        told = consent_texts.wording(plan, ConsentTextFactory(code="after", body="{aftercare}"))
        assert ("Saunas" in told, "Hats" in told) == (True, False)

    def test_words_that_changed_since_they_were_read_are_not_signed(
        self, doctor: Practitioner, practitioner_user: User
    ) -> None:
        plan, text = PlanFactory(), ConsentTextFactory(body="{risks}")
        read = consent_texts.seal_of(consent_texts.wording(plan, text))
        ReactionTypeFactory(patient_words="Something new", is_discussed=True)
        signature = {"signer": Signer.PATIENT, "signer_name": "Jeanne Moreau", "agreed": True}
        with pytest.raises(DomainError) as refusal:
            consents.sign(
                plan=plan, text=text, **signature, words_read=read, by=practitioner_user, at=CLINIC_NOW
            )
        assert refusal.value.code == "words_changed"
        assert Consent.objects.count() == 0

    def test_no_signature_without_the_words_that_were_read(
        self, doctor: Practitioner, practitioner_user: User
    ) -> None:
        signature = {"signer": Signer.PATIENT, "signer_name": "Jeanne Moreau", "agreed": True}
        plan, text = PlanFactory(), ConsentTextFactory(body="I agree.")
        with pytest.raises(DomainError) as refusal:
            consents.sign(
                plan=plan, text=text, **signature, words_read="", by=practitioner_user, at=CLINIC_NOW
            )
        assert refusal.value.code == "words_changed"
        assert Consent.objects.count() == 0

    def test_the_page_without_the_words_read_shows_them_and_signs_nothing(
        self, practitioner_client: Client
    ) -> None:
        plan = PlanFactory()
        text = ConsentTextFactory(body="I agree.", formula_code=plan.formula.code)
        there = reverse("consultations:consent_sign", args=[plan.pk])
        typed = {"text": text.pk, "signer": "patient", "signer_name": "Jeanne Moreau", "agreed": "on"}
        refused = practitioner_client.post(there, typed)
        assert refused.status_code == 422
        assert "Read the text on this page before you sign." in refused.content.decode()
        form = refused.context["form"]
        assert (form["words_read"].value(), form["agreed"].value()) == (
            consent_texts.seal_of("I agree."),
            False,
        )
        assert Consent.objects.count() == 0

    def test_the_page_shows_the_changed_words_and_takes_them_the_next_time(
        self, practitioner_client: Client
    ) -> None:
        plan = PlanFactory()
        text = ConsentTextFactory(body="{risks}", formula_code=plan.formula.code)
        there = reverse("consultations:consent_sign", args=[plan.pk])
        shown = practitioner_client.get(there).context["form"]
        typed = {
            "text": text.pk,
            "words_read": shown["words_read"].value(),
            "signer": "patient",
            "signer_name": "Jeanne Moreau",
            "agreed": "on",
        }
        ReactionType.objects.filter(is_discussed=True).update(retired_at=CLINIC_NOW)
        ReactionTypeFactory(patient_words="Something new", is_discussed=True)
        refused = practitioner_client.post(there, typed)
        page = refused.content.decode()
        assert refused.status_code == 422
        assert "What this text names has been changed meanwhile. Read it again before you sign." in page
        assert "- Something new" in page
        assert 'value="Jeanne Moreau"' in page
        again = refused.context["form"]["words_read"].value()
        assert again != typed["words_read"]
        assert practitioner_client.post(there, typed | {"words_read": again}).status_code == 302
        assert Consent.objects.get().words == "- Something new"

    def test_each_duration_reads_as_people_say_it(self) -> None:
        said = {hours: duration_in_words(hours) for hours in (1, 8, 24, 36, 48, 168, 240, 336)}
        assert said == {
            1: "1 hour",
            8: "8 hours",
            24: "24 hours",
            36: "36 hours",
            48: "2 days",
            168: "1 week",
            240: "10 days",
            336: "2 weeks",
        }

    def test_the_alternatives_are_those_of_the_indication_and_the_formula(self) -> None:
        Alternative.objects.update(retired_at=CLINIC_NOW)  # the shipped ones
        plan = PlanFactory(indication__code="knee", indication__group="pain")
        AlternativeFactory(name="Doing nothing", position=1)
        AlternativeFactory(name="Exercise", group="pain", position=2)
        AlternativeFactory(name="A brace", indication_code="knee", position=3)
        AlternativeFactory(name="Without cortisone", formula_code=plan.formula.code, position=4)
        AlternativeFactory(name="A peel", group="face")
        AlternativeFactory(name="Insoles", indication_code="heel")
        AlternativeFactory(name="Another mixture", indication_code="knee", formula_code="other")
        text = ConsentTextFactory(body="{alternatives}")
        named = ["Doing nothing", "Exercise", "A brace", "Without cortisone"]
        assert consent_texts.wording(plan, text).splitlines() == [f"- {each}" for each in named]

    def test_where_no_alternative_is_recorded_doing_nothing_is_named(self) -> None:
        Alternative.objects.update(retired_at=CLINIC_NOW)
        assert (
            consent_texts.wording(PlanFactory(), ConsentTextFactory(body="{alternatives}"))
            == "- Doing nothing."
        )

    def test_every_shipped_text_names_all_that_is_known_of_the_treatment(self) -> None:
        texts = list(ConsentText.objects.current())
        assert {text.code for text in texts} == set(RENEWAL.SHIPPED)
        names = "indication formula components technique off_label evidence risks alternatives aftercare"
        lacking = {(t.code, name) for t in texts for name in names.split() if "{" + name + "}" not in t.body}
        assert lacking == set()
        for text in texts:
            words = consent_texts.wording(PlanFactory(), text)
            assert "{" not in words
            assert "336 hours" not in words
            assert "Peels, laser or other cosmetic work there: for 2 weeks" in words


class TestRenewal:
    """The migration that gives clinics with reference data the new placeholders."""

    def _as_shipped_before(self, code: str) -> ConsentText:
        """The text as version 1 was shipped: what is in force, with the migration's changes taken back."""
        now = ConsentText.objects.current().get(code=code)
        body = now.body
        for before, after in reversed(RENEWAL.INSTEAD[code]):
            body = body.replace(after, before)
        ConsentText.objects.filter(pk=now.pk).update(retired_at=ago(days=9))
        old = ConsentTextFactory(code=f"{code}-before", body=body, family=now.family)
        assert sha256(body.encode()).hexdigest() == RENEWAL.SHIPPED[code]
        return old

    @pytest.mark.parametrize("code", RENEWAL_CODES)
    def test_a_text_in_force_as_shipped_gets_the_next_version_and_nobody_signs_again(
        self, code: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        now = ConsentText.objects.current().get(code=code)
        old = self._as_shipped_before(code)
        for name in ("SHIPPED", "INSTEAD"):
            monkeypatch.setattr(RENEWAL, name, {old.code: getattr(RENEWAL, name)[code]})
        RENEWAL.renew(apps, None)
        new = ConsentText.objects.current().get(code=old.code)
        assert (new.version, new.body, new.family, new.sign_again) == (2, now.body, now.family, "no")
        old.refresh_from_db()
        assert old.retired_at == new.published_at

    def test_the_clinics_own_words_stay(self, monkeypatch: pytest.MonkeyPatch) -> None:
        own = ConsentTextFactory(body="Ours. We have talked about other treatments and about doing nothing.")
        monkeypatch.setattr(RENEWAL, "SHIPPED", {own.code: RENEWAL.SHIPPED["general"]})
        RENEWAL.renew(apps, None)
        assert ConsentText.objects.filter(code=own.code).count() == 1
        assert ConsentText.objects.current().get(code=own.code) == own


class TestSignAgain:
    @pytest.mark.parametrize(
        ("sign_again", "begun", "in_force"),
        [
            ("no", False, True),
            ("no", True, True),
            ("next_course", False, False),
            ("next_course", True, True),
            ("now", False, False),
            ("now", True, False),
        ],
    )
    def test_the_publisher_decides(self, sign_again: str, begun: bool, in_force: bool) -> None:
        plan = cleared_plan()
        if begun:
            SessionFactory(plan=plan, started_at=ago(days=4), outcome=SessionOutcome.COMPLETE, signed=True)
        _newer(plan, sign_again)
        assert _both(plan) == {in_force}

    def test_a_version_between_that_asked_now_still_asks(self) -> None:
        plan = cleared_plan()
        _newer(plan, "now", ago(days=5))
        between = ConsentText.objects.order_by("version").last()
        assert between is not None
        ConsentText.objects.filter(pk=between.pk).update(retired_at=PUBLISHED)
        ConsentTextFactory(code=between.code, version=3, sign_again="no", published_at=PUBLISHED)
        assert _both(plan) == {False}
        ConsentFactory(
            plan=plan, text=ConsentText.objects.get(code=between.code, version=3), signed_at=ago(days=1)
        )
        assert _both(plan) == {True}

    def test_another_text_or_an_earlier_version_asks_nobody(self) -> None:
        plan = cleared_plan()
        ConsentTextFactory(code="another", version=7, sign_again="now", published_at=PUBLISHED)
        old = plan.consents.get().text
        ConsentFactory(plan=plan, text=_newer(plan, "now"), signed_at=ago(days=2))
        assert old.version < 2
        assert _both(plan) == {True}

    def test_a_session_that_two_people_call_an_error_began_no_course(self) -> None:
        plan = cleared_plan()
        session = SessionFactory(
            plan=plan, started_at=ago(days=4), outcome=SessionOutcome.COMPLETE, signed=True
        )
        _newer(plan, "next_course")
        entry = EnteredInErrorFactory(session=session, requested_at=ago(days=2))
        assert _both(plan) == {True}
        type(entry).objects.filter(pk=entry.pk).update(
            confirmed_at=ago(days=1), confirmed_by=UserFactory(practitioner=True)
        )
        assert _both(plan) == {False}

    def test_what_was_published_later_was_not_known_when_it_was_given(self) -> None:
        plan = cleared_plan()
        _newer(plan, "now")
        before, after = PUBLISHED - timedelta(minutes=1), PUBLISHED + timedelta(minutes=1)
        known = [
            consent.in_force(as_known(facts_of_one(plan), moment), on=moment) is not None
            for moment in (before, after)
        ]
        assert known == [True, False]
        assert sql_gate("gate_consent", plan, before, before) is None
        assert sql_gate("gate_consent", plan, after, after) == "consent"

    def test_everybody_reads_why(self) -> None:
        plan = cleared_plan()
        _newer(plan, "now")
        facts = facts_of_one(plan)
        (condition,) = gate.missing(facts, CLINIC_NOW)
        assert condition.what == "Consent to sign anew: its text has changed."
        assert "under version 1; a newer one asks to sign again." in condition.detail
        assert step(facts, CLINIC_NOW).detail == "sign again: a new text"


class TestPublishing:
    def _draft(self) -> ConsentText:
        return ConsentTextFactory(code="needle", version=2, published_at=None)

    def test_the_choice_is_kept_with_the_version(self) -> None:
        keeper = UserFactory(roles=[Role.ADMIN])
        reference.publish_text(entry=self._draft(), sign_again="now", by=keeper, at=CLINIC_NOW)
        published = ConsentText.objects.current().get(code="needle")
        assert (published.sign_again, published.published_at) == (SignAgain.NOW, CLINIC_NOW)

    @pytest.mark.parametrize("choice", ["", "later"])
    def test_without_a_choice_nothing_is_published(self, choice: str) -> None:
        keeper, draft = UserFactory(roles=[Role.ADMIN]), self._draft()
        with pytest.raises(DomainError) as refusal:
            reference.publish_text(entry=draft, sign_again=choice, by=keeper, at=CLINIC_NOW)
        assert refusal.value.code == "sign_again"
        assert ConsentText.objects.get(pk=draft.pk).published_at is None

    def test_only_an_admin_publishes(self, practitioner_user: User) -> None:
        with pytest.raises(NotAllowed):
            reference.publish_text(entry=self._draft(), sign_again="no", by=practitioner_user, at=CLINIC_NOW)

    def test_the_admin_page_asks_and_says_when_nothing_was_chosen(self, client: Client) -> None:
        sign_in(client, UserFactory(roles=[Role.ADMIN]))
        draft = self._draft()
        page = reverse("admin:consultations_consenttext_change", args=[draft.pk])
        assert client.get(page).content.decode().count('name="sign_again"') == 3
        publish = reverse("admin:consultations_consenttext_publish", args=[draft.pk])
        assert (
            "Choose whether who signed an earlier version"
            in client.post(publish, follow=True).content.decode()
        )
        client.post(publish, {"sign_again": "next_course"})
        assert ConsentText.objects.get(pk=draft.pk).sign_again == SignAgain.NEXT_COURSE
