"""What the diary and the calendar show: read from the address, written into links."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import pgettext

from clinic.diary import Lane, find_lane, own_lane, week_around
from clinic.forms.diary import Colour, DiaryForm, Show


@dataclass(frozen=True, slots=True)
class Shown:
    """The choices behind one page of the diary or the calendar."""

    form: DiaryForm
    day: date
    today: date
    show: Show
    lane: Lane | None
    colour: Colour

    @classmethod
    def read(cls, request: HttpRequest, at: datetime) -> "Shown":
        """From the address; an unknown practitioner, room or device is a 404."""
        form, today = DiaryForm(request.GET), timezone.localdate(at)
        show, key = form.layout_wanted, form.lane_wanted
        lane = find_lane(key) if key else None
        if key and lane is None:
            raise Http404
        if show == Show.WEEK and lane is None:
            lane = own_lane(request.user)
        return cls(form, form.wanted or today, today, show, lane, form.colour_wanted)

    @property
    def is_week(self) -> bool:
        """Whether a week is shown; a clinic without practitioners has none."""
        return self.show == Show.WEEK and self.lane is not None

    @property
    def days(self) -> list[date]:
        """The day, or the seven of its week."""
        return week_around(self.day) if self.is_week else [self.day]

    @property
    def step(self) -> timedelta:
        """From this page to the next."""
        return timedelta(days=len(self.days))

    @property
    def title(self) -> str:
        """The page's heading: the day, or whose week."""
        if not self.is_week:
            return date_format(self.day, pgettext("date format", "D j M Y"))
        first, last = self.days[0], self.days[-1]
        return f"{self.lane}, {date_format(first, pgettext('date format', 'D j M'))} – " + date_format(
            last, pgettext("date format", "D j M Y")
        )

    def query(self, **changes: Any) -> str:
        """These choices with some changed, as they stand in an address; the usual ones are left out."""
        wanted: dict[str, Any] = {
            "day": self.day,
            "show": self.show,
            "of": self.lane.key if self.lane else "",
            "colour": self.colour,
        } | changes
        usual = {"show": Show.DAY, "colour": Colour.TYPE}
        if wanted["show"] != Show.WEEK:
            wanted["of"] = changes.get("of", "")
        return urlencode(
            {name: str(value) for name, value in wanted.items() if value and usual.get(name) != value}
        )

    def links(self, route: str) -> dict[str, Any]:
        """The ways to other days and layouts, for _diary_days.html and _diary_views.html."""
        url = reverse(route)

        def to(**changes: Any) -> str:
            query = self.query(**changes)
            return f"{url}?{query}" if query else url

        return {
            "action": url,
            "before": to(day=self.day - self.step),
            "after": to(day=self.day + self.step),
            "today": to(day=""),
            "shows": {
                show.value: to(show=show, **({"of": ""} if show != Show.WEEK else {})) for show in Show
            },
            "here": to(**({"show": Show.DAY} if self.show == Show.LIST else {})),
            "sheet": f"{reverse('clinic:diary_sheet')}?{self.query(show=Show.WEEK if self.is_week else Show.DAY)}",
            "by_type": to(colour=Colour.TYPE),
            "by_status": to(colour=Colour.STATUS),
            "kept": [(name, value) for name, value in self._kept() if value],
        }

    def _kept(self) -> list[tuple[str, str]]:
        """What a form that asks for another day sends along."""
        return [
            ("show", "" if self.show == Show.DAY else str(self.show)),
            ("of", self.lane.key if self.lane and self.is_week else ""),
            ("colour", "" if self.colour == Colour.TYPE else str(self.colour)),
        ]
