"""Allergies and alerts: what is on record is not written twice, and nobody's assessment is written over unseen."""

from datetime import datetime

from django.utils.translation import gettext as _

from clinic.errors import DomainError, Stale
from consultations.dates import in_words
from consultations.models import Alert, Allergy


class AssessedMeanwhile(Stale):
    """Somebody else has assessed the allergy since the page was opened: `allergy` is as it was found, under the lock."""

    def __init__(self, message: str, allergy: Allergy) -> None:
        super().__init__(message, "assessed_meanwhile")
        self.allergy = allergy


def check_reported_once(allergy: Allergy) -> None:
    """The form was sent twice, or somebody else has written it down: in these words, of this group and with what happened.

    Asked under the patient's lock, so that what was saved a moment ago is seen.

    Raises:
        DomainError: reported_already.
    """
    same = Allergy.objects.in_force().filter(
        patient=allergy.patient,
        words__iexact=allergy.words,
        group_code=allergy.group_code,
        reaction=allergy.reaction,
        test_reading=None,
        adverse_event=None,
    )
    if same.exists():
        raise DomainError(
            _("This allergy is on record already. Say what is different, if it is another one."),
            "reported_already",
            field="words",
        )


def check_raised_once(alert: Alert) -> None:
    """Likewise an alert that shows already.

    Raises:
        DomainError: raised_already.
    """
    if Alert.objects.in_force().filter(patient=alert.patient, text__iexact=alert.text).exists():
        raise DomainError(_("This alert shows in every header already."), "raised_already", field="text")


def check_assessment_seen(allergy: Allergy, seen: datetime | None) -> None:
    """Whoever assesses it has seen the last assessment, made at the moment `seen`; None where there was none.

    Raises:
        AssessedMeanwhile: by somebody else.
    """
    if allergy.assessed_at is None or allergy.assessed_at == seen:
        return
    sentence = _(
        "%(who)s has assessed it meanwhile, on %(day)s: %(status)s, “%(assessment)s”. Save again if it is to be as you say."
    )
    said = {
        "who": allergy.assessed_by,
        "day": in_words(allergy.assessed_at),
        "status": allergy.get_status_display(),
        "assessment": allergy.assessment,
    }
    raise AssessedMeanwhile(sentence % said, allergy)
