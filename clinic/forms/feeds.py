"""What is typed to make a calendar feed."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from clinic.forms.base import BaseForm
from clinic.models import Practitioner, Room, User
from clinic.rules import feeds as rules


class FeedForm(BaseForm):
    """Whose visits, where they will be read, and how much the calendar says. `of` is cleaned to the person or room."""

    of = forms.ChoiceField(label=_("Whose visits?"))
    name = forms.CharField(
        label=_("Where will it be read?"),
        max_length=100,
        help_text=_("For example: my phone. So that you know later which address to revoke."),
    )
    whole_names = forms.BooleanField(
        label=_("Show whole names"),
        required=False,
        help_text=_(
            "Otherwise only the patients' initials. With whole names, everybody who sees that calendar, and the"
            " company that keeps it, learns who is treated here. Choose it only if the patients have been told."
        ),
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        people = [each for each in Practitioner.objects.active() if rules.may_keep_feed(user, each)]
        rooms = list(Room.objects.active()) if rules.may_keep_feed(user, None) else []
        self.owners: dict[str, Practitioner | Room] = {str(each.pk): each for each in [*people, *rooms]}
        groups = ((_("Practitioners"), people), (_("Rooms"), rooms))
        self.fields["of"].choices = [
            (label, [(str(each.pk), str(each)) for each in owners]) for label, owners in groups if owners
        ]

    def clean_of(self) -> Practitioner | Room:
        return self.owners[self.cleaned_data["of"]]
