"""Mail to members of staff about their accounts. Where no mail server is set up nothing is sent; pages say so."""

from datetime import datetime

from django.conf import settings
from django.core.mail import send_mail
from django.utils import formats, timezone
from django.utils.translation import gettext as _

from clinic.models import AccountChange, SecondFactorReset, User


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


def new_password(change: AccountChange, *, address: str, until: datetime) -> None:
    """Told to the person, because their password has stopped working; with the link at which they choose another."""
    words = _(
        "%(who)s asked on %(when)s that you choose a new password; the old one does not work any more. Open this address:\n\n"
        "%(address)s\n\nIt works once, until %(until)s. Your second factor stays as it is.\n\n"
        "You did not ask for it? Tell the clinic at once."
    )
    said = {"who": change.recorded_by, "when": _said(change.recorded_at)}
    links = {"address": address, "until": _said(until)}
    _send(change.user, _("Choose a new password at Mesoclinic"), words % (said | links))


def address_changed(user: User, *, by: User, at: datetime) -> None:
    """Told to the old address: letters about the account, new passwords among them, go to another one from now on."""
    words = _(
        "%(who)s changed the address of your account on %(when)s. Letters about it no longer come here.\n\n"
        "You did not ask for it? Tell the clinic at once."
    )
    _send(user, _("Your address at Mesoclinic was changed"), words % {"who": by, "when": _said(at)})


def _send(user: User, subject: str, words: str) -> None:
    if settings.MAIL_IS_SET_UP and user.email:
        send_mail(subject, words, settings.DEFAULT_FROM_EMAIL, [user.email])


def _said(moment: datetime) -> str:
    return formats.date_format(timezone.localtime(moment), "j F Y, H:i")
