"""Goals of the consultation: scores now and wanted, within their scale, frozen with the signature."""

from typing import Any

import pytest
from django.test import Client

from consultations.models import Consultation, Scale
from tests.consultations.test_consultation_pages import draft, page, typed

pytestmark = pytest.mark.django_db
__all__ = ["draft"]  # the fixture


def goals(*rows: dict[str, Any]) -> dict[str, Any]:
    """What the browser sends for rows of goals; a scale is named by its code."""
    data: dict[str, Any] = {"goal_rows": len(rows) + 2}
    for number, row in enumerate(rows):
        for name in ("scale", "landmark", "baseline", "target"):
            value = row.get(name, "")
            if name == "scale" and value:
                value = Scale.objects.current().get(code=value).pk
            data[f"goal{number}-{name}"] = value
    return data


WAIST = {"scale": "circumference_cm", "landmark": "waist", "baseline": "84,5", "target": "80"}


def on_record(consultation: Consultation) -> list[tuple[str, str, Any, Any]]:
    return [
        (goal.scale.code, goal.landmark, goal.baseline, goal.target)
        for goal in consultation.scored_goals.select_related("scale")
    ]


def test_goals_are_saved_with_the_draft_shown_again_and_replaced(
    draft: Consultation, practitioner_client: Client
) -> None:
    pain = {"scale": "pain_nrs", "baseline": "6"}
    practitioner_client.post(page(draft), typed(**goals(WAIST, pain)))
    assert on_record(draft) == [("circumference_cm", "waist", 84.5, 80), ("pain_nrs", "", 6, None)]
    shown = practitioner_client.get(page(draft)).context["form"].goal_rows
    assert (shown.count, shown.forms[0].initial["baseline"]) == (4, "84.5")
    practitioner_client.post(page(draft), typed(**goals(pain), version=2))
    assert on_record(draft) == [("pain_nrs", "", 6, None)]


def test_the_signed_record_says_them_and_its_seal_covers_them(
    draft: Consultation, practitioner_client: Client
) -> None:
    practitioner_client.post(page(draft), typed(**goals(WAIST)))
    practitioner_client.post(page(draft), typed(**goals(WAIST), version=2, sign="1"))
    text = practitioner_client.get(page(draft)).content.decode()
    assert "Circumference, waist" in text
    assert "now 84.5 cm, wanted 80 cm" in text


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ({"scale": "pain_nrs", "baseline": "11"}, "0 to 10, in steps of 1."),
        ({"scale": "pain_nrs", "target": "2.5"}, "0 to 10, in steps of 1."),
        ({"scale": "gais", "baseline": "0"}, "1 to 5, in steps of 1."),
        ({"scale": "pain_nrs"}, "Enter the score now, the score wanted, or both."),
        ({"baseline": "5"}, "Choose the score."),
        ({"scale": "pain_nrs", "baseline": "a lot"}, "Enter a number, like 0.3."),
    ],
)
def test_a_row_that_is_not_right_changes_nothing_and_says_what_to_do(
    row: dict[str, str], sentence: str, draft: Consultation, practitioner_client: Client
) -> None:
    answer = practitioner_client.post(page(draft), typed(**goals(row)))
    text = answer.content.decode()
    assert (answer.status_code, sentence in text) == (422, True)
    assert "Look at the goals: a row is not right yet." in text
    assert on_record(draft) == []


def test_one_goal_is_named_once_and_another_place_is_another_goal(
    draft: Consultation, practitioner_client: Client
) -> None:
    answer = practitioner_client.post(page(draft), typed(**goals(WAIST, WAIST)))
    assert (answer.status_code, "This goal is named twice." in answer.content.decode()) == (422, True)
    practitioner_client.post(page(draft), typed(**goals(WAIST, WAIST | {"landmark": "thigh"})))
    assert [row[1] for row in on_record(draft)] == ["waist", "thigh"]


@pytest.mark.parametrize("rows", ["", "-3", "x", "9" * 9])
def test_a_crafted_number_of_rows_is_no_error(
    rows: str, draft: Consultation, practitioner_client: Client
) -> None:
    assert practitioner_client.post(page(draft), typed(goal_rows=rows)).status_code == 302
