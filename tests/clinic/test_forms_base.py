"""What every form refuses, and in which words."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django import forms
from django.http import QueryDict
from django.template import Context, Template

from clinic.errors import DomainError
from clinic.forms.base import BaseForm, DayField, LocalDateTimeField, MeasureField


class VisitForm(BaseForm):
    name = forms.CharField(label="Name", max_length=10)
    born_on = DayField(label="Born on", required=False, first=date(1900, 1, 1))
    starts_at = LocalDateTimeField(label="Starts", required=False)
    volume = MeasureField(
        label="Volume", unit="ml", required=False, min_value=Decimal("0.01"), decimal_places=3
    )
    note = forms.CharField(
        label="Note", required=False, error_messages={"max_length": "Own words."}, max_length=3
    )


def bound(**data: str) -> VisitForm:
    return VisitForm({"name": "Moreau", **data})


def shown(form: BaseForm) -> str:
    return " ".join(
        Template("{% load crispy_forms_tags %}{% crispy form %}").render(Context({"form": form})).split()
    )


class TestText:
    @pytest.mark.parametrize("unseen", ["\x00", "\x1b", "\x85", "\u202e", "\u2067", "\uffff"])
    def test_characters_that_nobody_sees_are_taken_out_and_said(self, unseen: str) -> None:
        form = bound(name=f"Mor{unseen}eau")
        assert form.errors == {
            "name": [
                "This contained an invisible character that cannot be stored; it was taken out. Please check the text."
            ]
        }
        assert form["name"].value() == "Moreau"

    @pytest.mark.parametrize("typed", ["a\r\n\tb", "\u0646\u200c\u0627", "\U0001f468\u200d\u2695"])
    def test_lines_joiners_and_the_letters_of_all_scripts_stay(self, typed: str) -> None:
        assert bound(name=typed).is_valid()

    def test_nul_is_found_in_a_posted_query_and_in_half_of_a_moment(self) -> None:
        data = QueryDict(mutable=True)
        data.update({"a-name": "Moreau", "a-starts_at_0": "2026-03-02", "a-starts_at_1": "09:00\x00"})
        assert set(VisitForm(data, prefix="a").errors) == {"starts_at"}

    def test_too_long_says_how_long_it_may_be(self) -> None:
        assert bound(name="M" * 11).errors["name"] == ["Write at most 10 characters (these are 11)."]

    def test_a_choice_that_is_gone_is_not_repeated_as_a_key(self) -> None:
        class ChoosingForm(BaseForm):
            one = forms.ChoiceField(choices=[("a", "A")])
            some = forms.MultipleChoiceField(choices=[("a", "A")])

        gone = "This is not offered, or not any more. Choose again."
        data = QueryDict("one=9f1e&some=a&some=9f1e")
        assert ChoosingForm(data).errors == {"one": [gone], "some": [gone]}

    def test_a_sentence_written_for_one_field_stays(self) -> None:
        assert bound(note="long").errors["note"] == ["Own words."]


class TestMoments:
    def test_wall_clock_time_becomes_an_instant(self) -> None:
        form = bound(starts_at_0="2026-03-02", starts_at_1="09:15")
        assert form.is_valid()
        assert form.cleaned_data["starts_at"] == datetime(2026, 3, 2, 8, 15, tzinfo=UTC)

    def test_nothing_typed_is_nothing(self) -> None:
        form = bound(starts_at_0="", starts_at_1="")
        assert form.is_valid()
        assert form.cleaned_data["starts_at"] is None

    @pytest.mark.parametrize(
        ("day", "time", "sentence"),
        [
            (
                "2027-03-28",
                "02:30",
                "On Sun 28 Mar 2027 the clocks go forward, so 02:30 does not exist. Choose 03:00 or later.",
            ),
            (
                "2026-10-25",
                "02:30",
                "On Sun 25 Oct 2026 the clocks go back, so 02:30 comes twice. Choose a time outside that hour.",
            ),
            ("9999-12-31", "09:00", "Choose a date between 2000 and 2100."),
            ("0001-01-01", "00:00", "Choose a date between 2000 and 2100."),
            ("2026-03-02", "", "Enter the time as hours and minutes, like 09:15."),
            ("", "09:15", "Enter the date as day, month and year."),
            ("2026-02-30", "09:15", "Enter the date as day, month and year."),
        ],
    )
    def test_no_single_instant_is_refused_in_words(self, day: str, time: str, sentence: str) -> None:
        assert bound(starts_at_0=day, starts_at_1=time).errors["starts_at"] == [sentence]

    def test_an_instant_is_shown_on_the_clinics_clock(self) -> None:
        form = VisitForm(initial={"starts_at": datetime(2026, 3, 2, 8, 15, tzinfo=UTC)})
        assert 'value="2026-03-02"' in str(form["starts_at"])
        assert 'value="09:15"' in str(form["starts_at"])


class TestDays:
    def test_outside_the_range_says_the_range(self) -> None:
        assert bound(born_on="1899-12-31").errors["born_on"] == [
            "Choose a date between Mon 1 Jan 1900 and Fri 31 Dec 2100."
        ]


class TestMeasures:
    def test_a_hundred_is_shown_as_one_types_it(self) -> None:
        form = VisitForm(initial={"volume": Decimal("100.000").normalize()})
        assert ('value="100"' in shown(form), "E+2" in shown(form)) == (True, False)

    @pytest.mark.parametrize(
        ("typed", "meant"),
        [("0,3", "0.3"), ("0.3", "0.3"), (" 1,5 ", "1.5"), ("0,125", "0.125"), ("1000", "1000")],
    )
    def test_comma_and_point_mean_the_same(self, typed: str, meant: str) -> None:
        form = bound(volume=typed)
        assert form.is_valid(), form.errors
        assert form.cleaned_data["volume"] == Decimal(meant)

    @pytest.mark.parametrize(
        ("typed", "sentence"),
        [
            ("1,000", "“1,000” can be read two ways. Write it without the comma."),
            ("1,000.5", "Enter a number, like 0.3."),
            ("abc", "Enter a number, like 0.3."),
            ("NaN", "Enter a number, like 0.3."),
            ("-1", "At least 0.01."),
        ],
    )
    def test_what_could_be_misread_is_refused(self, typed: str, sentence: str) -> None:
        assert bound(volume=typed).errors["volume"] == [sentence]

    def test_the_unit_stands_behind_the_number(self) -> None:
        assert '<span class="input-group-text">ml</span>' in shown(VisitForm())


class TestRefusals:
    def test_stand_next_to_the_field_they_name(self) -> None:
        form = bound()
        form.add_domain_error(DomainError("He is not here.", "absent", field="name"))
        assert form.errors == {"name": ["He is not here."]}
        assert form.error_codes == {"absent"}

    def test_stand_on_top_where_they_name_no_field_of_ours(self) -> None:
        form = bound()
        form.add_domain_error(DomainError("Ask 100% of them.", "ask", field="elsewhere"))
        assert form.non_field_errors() == ["Ask 100% of them."]

    def test_are_summed_up_on_top_each_leading_to_its_field(self) -> None:
        form = bound(name="")
        form.add_domain_error(DomainError("The clinic is closed.", "closed"))
        text = shown(form)
        assert "<li>The clinic is closed.</li>" in text
        assert '<li><a href="#id_name">Name</a>: Please fill this in.</li>' in text

    def test_nothing_is_summed_up_before_anything_was_sent(self) -> None:
        assert "error-summary" not in shown(VisitForm())
