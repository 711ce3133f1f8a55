"""Public holidays: looked up by country and year, chosen by somebody, closed all or none; nothing by itself."""

from datetime import date, timedelta

import pytest
from django.test import Client

from clinic.actions import opening
from clinic.errors import DomainError, NotAllowed
from clinic.models import Appointment, ClinicSettings, ClosedDay, User
from clinic.public_holidays import UnknownCountry, holidays_of, regions_of
from tests.factories import AppointmentFactory, ClosedDayFactory
from tests.factories.clock import CLINIC_NOW, TODAY, ahead

PAGE = "/opening/holidays/"


class TestLookingThemUp:
    def test_by_year_in_order_and_named_in_the_language(self) -> None:
        found = holidays_of("FR", 2026, language="en")
        assert found[0] == (date(2026, 1, 1), "New Year's Day")
        assert (date(2026, 4, 6), "Easter Monday") in found
        assert found == sorted(found) and {day.year for day, _ in found} == {2026}

    def test_in_the_country_s_own_language_where_ours_is_not_known(self) -> None:
        assert holidays_of("FR", 2026, language="tlh")[0] == (date(2026, 1, 1), "Jour de l'an")

    def test_a_part_of_the_country_may_have_more(self) -> None:
        bavaria = dict(holidays_of("DE", 2026, region="BY"))
        assert date(2026, 1, 6) in bavaria and date(2026, 1, 6) not in dict(holidays_of("DE", 2026))
        assert "BY" in regions_of("DE") and regions_of("XX") == []

    @pytest.mark.parametrize(("country", "region"), [("XX", ""), ("", ""), ("DE", "ZZ")])
    def test_an_unknown_country_or_part_is_said(self, country: str, region: str) -> None:
        with pytest.raises(UnknownCountry):
            holidays_of(country, 2026, region=region)


@pytest.mark.django_db
class TestClosingDays:
    def test_all_or_none(self, reception: User) -> None:
        ClosedDayFactory(day=TODAY + timedelta(days=2))
        days = {TODAY + timedelta(days=n): f"Day {n}" for n in (1, 2)}
        with pytest.raises(DomainError) as refusal:
            opening.close_days(days=days, by=reception, at=CLINIC_NOW)
        assert (refusal.value.code, ClosedDay.objects.count()) == ("closed_already", 1)

    @pytest.mark.parametrize(
        ("days", "code"), [({}, "nothing_chosen"), ({TODAY - timedelta(days=1): "x"}, "past")]
    )
    def test_none_or_the_past_is_refused(self, reception: User, days: dict[date, str], code: str) -> None:
        with pytest.raises(DomainError) as refusal:
            opening.close_days(days=days, by=reception, at=CLINIC_NOW)
        assert refusal.value.code == code

    def test_practitioners_do_not_close_the_clinic(self, practitioner_user: User) -> None:
        with pytest.raises(NotAllowed):
            opening.close_days(days={TODAY: "x"}, by=practitioner_user, at=CLINIC_NOW)


@pytest.mark.django_db
@pytest.mark.usefixtures("desk_alone", "clinic_now")
class TestThePage:
    def test_looking_closes_nothing(self, reception_client: Client) -> None:
        answer = reception_client.get(PAGE)
        assert answer.status_code == 200
        assert ClosedDay.objects.count() == 0

    def test_offers_those_of_the_year_to_come_that_are_not_closed(self, reception_client: Client) -> None:
        ClosedDayFactory(day=date(2026, 5, 1), name="Labor Day")
        offered = reception_client.get(PAGE).context["offered"]
        assert date(2026, 4, 6) in offered  # Easter Monday
        assert date(2026, 1, 1) not in offered  # has passed
        assert date(2026, 5, 1) not in offered  # closed already

    def test_only_what_is_ticked_is_closed(self, reception_client: Client) -> None:
        visit = AppointmentFactory(starts_at=CLINIC_NOW.replace(month=4, day=6, hour=10))
        answer = reception_client.post(PAGE, {"days": ["2026-04-06", "2026-12-25"]}, follow=True)
        assert list(ClosedDay.objects.values_list("day", "name")) == [
            (date(2026, 4, 6), "Easter Monday"),
            (date(2026, 12, 25), "Christmas Day"),
        ]
        assert [str(message) for message in answer.context["messages"]] == [
            "Closed on 2 days.",
            "1 visit is still booked on these days; see “Visits outside opening time”.",
        ]
        assert Appointment.objects.get().version == visit.version

    def test_another_year_and_a_part_of_the_country(self, reception_client: Client) -> None:
        ClinicSettings.objects.update(country="DE")
        answer = reception_client.get(PAGE, {"year": "2027", "region": "BY"})
        assert date(2027, 1, 6) in answer.context["offered"]
        reception_client.post(f"{PAGE}?year=2027&region=BY", {"days": ["2027-01-06"]})
        assert ClosedDay.objects.get().day == date(2027, 1, 6)

    @pytest.mark.parametrize(
        "sent", [{}, {"days": ["2026-01-01"]}, {"days": ["2026-03-03"]}, {"days": ["x"]}]
    )
    def test_what_was_not_offered_is_refused(
        self, reception_client: Client, sent: dict[str, list[str]]
    ) -> None:
        assert reception_client.post(PAGE, sent).status_code == 422
        assert ClosedDay.objects.count() == 0

    @pytest.mark.parametrize("query", [{"year": "1"}, {"year": "x"}, {"region": "ZZ"}])
    def test_a_slip_in_the_year_is_explained(self, reception_client: Client, query: dict[str, str]) -> None:
        assert reception_client.get(PAGE, query).status_code == 422

    def test_a_country_without_a_list_is_explained(self, reception_client: Client) -> None:
        ClinicSettings.objects.update(country="XX")
        assert "There is no list of public holidays" in reception_client.get(PAGE).text

    @pytest.mark.parametrize("count", [1, 3])
    def test_queries_do_not_grow(
        self, reception_client: Client, django_assert_num_queries, count: int
    ) -> None:
        for n in range(count):
            ClosedDayFactory(day=ahead(days=n).date())
        with django_assert_num_queries(5):
            assert len(reception_client.get(PAGE).context["closed"]) == count
