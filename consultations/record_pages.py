"""What the clinic calls the pages of a record that are written down when they are opened (`RecordOpened.page`)."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

PAGES: Mapping[str, Promise] = {
    "consultations:patient": _("Patient page"),
    "consultations:whole_record": _("Whole record"),
    "consultations:case_record": _("Record as it stood"),
    "consultations:emergency_summary": _("Emergency summary"),
    "consultations:report_triage": _("Report from the desk"),
    "consultations:trace_sheet": _("Sheet of a trace"),
    # consultation and plan
    "consultations:consultation": _("Consultation"),
    "consultations:consultation_confirm": _("Confirming a consultation"),
    "consultations:health_answer": _("Answer since the consultation"),
    "consultations:health_answer_new": _("Entering an answer that has changed"),
    "consultations:check_in_review": _("Answers from the check-in"),
    "consultations:plan": _("Plan"),
    "consultations:plan_change": _("Changing a plan"),
    "consultations:plan_stop_lift": _("Lifting a stop of a plan"),
    "consultations:leaflets_of": _("Leaflets for a plan"),
    "consultations:consent": _("Consent"),
    "consultations:consent_sign": _("Signing a consent"),
    "consultations:consent_withdraw": _("Withdrawing a consent"),
    # test injections
    "consultations:patch_test": _("Test injection"),
    "consultations:patch_test_give": _("Giving a test injection"),
    "consultations:patch_test_read": _("Reading of a test injection"),
    "consultations:patch_test_read_late": _("Late reading of a test injection"),
    "consultations:patch_test_reaction": _("Reaction to a test injection, reported later"),
    "consultations:cause": _("Looking for the cause of a reaction"),
    "consultations:component_test": _("Testing components alone"),
    "consultations:cause_finding": _("Finding of the cause of a reaction"),
    # sessions and what followed
    "consultations:session": _("Session"),
    "consultations:session_of": _("Planned session"),
    "consultations:session_not_given": _("Session that is not given"),
    "consultations:session_deviation": _("Deviation at a session"),
    "consultations:follow_up": _("Check after a session"),
    "consultations:reviews_of": _("Reviews of a plan"),
    "consultations:review": _("Review"),
    "consultations:outcomes": _("Outcomes"),
    "consultations:event": _("Adverse event"),
    "consultations:event_new": _("Recording an adverse event"),
    "consultations:event_follow": _("Course of an adverse event"),
    # photographs
    "consultations:photos": _("Photographs"),
    "consultations:photo": _("Photograph"),
    "consultations:photo_file": _("Picture of a photograph"),
    "consultations:photo_thumbnail": _("Small picture of a photograph"),
    "consultations:photo_new": _("Adding a photograph"),
    "consultations:photo_compare": _("Comparing photographs"),
    "consultations:photo_remove": _("Removing a photograph"),
    "consultations:photo_consent": _("Consent to photography"),
    "consultations:photo_consent_withdraw": _("Withdrawing the consent to photography"),
}


def in_words(page: str) -> str:
    """What the page is called; of one that there is no more, its name."""
    return str(PAGES.get(page) or capfirst(page.rpartition(":")[2].replace("_", " ")))
