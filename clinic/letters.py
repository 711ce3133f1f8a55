"""Mail to members of staff about their accounts. Where no mail server is set up nothing is sent; pages say so."""

from datetime import datetime

from django.conf import settings
from django.core.mail import send_mail
from django.utils import formats, timezone
from django.utils.translation import gettext as _

from clinic.models import SecondFactorReset, User


def invitation(user: User, *, address: str, until: datetime) -> None:
    """The link by which somebody comes in for the first time."""
    words = _(
        "You are invited to Mesoclinic. Open this address, choose a password and set up a second factor:\n\n"
        "%(address)s\n\nIt works once, until %(until)s. Nobody at the clinic will ever ask you for your password."
    )
    _send(user, _("Your invitation to Mesoclinic"), words % {"address": address, "until": _said(until)})


def second_factor_reset(reset: SecondFactorReset) -> None:
    """Told to the person, because whoever resets could otherwise do so unseen."""
    words = _(
        "%(who)s took your second factor away on %(when)s. At your next sign-in you set up a new one.\n\n"
        "You did not ask for it? Tell the clinic at once."
    )
    said = {"who": reset.recorded_by, "when": _said(reset.recorded_at)}
    _send(reset.user, _("Your second factor at Mesoclinic was reset"), words % said)


def _send(user: User, subject: str, words: str) -> None:
    if settings.MAIL_IS_SET_UP and user.email:
        send_mail(subject, words, settings.DEFAULT_FROM_EMAIL, [user.email])


def _said(moment: datetime) -> str:
    return formats.date_format(timezone.localtime(moment), "j F Y, H:i")
