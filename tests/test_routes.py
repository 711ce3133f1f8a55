"""Deny by default: every address, asked by everybody, against a written table; and nobody reads what is not theirs.

A route that is missing from the table fails. Every free text of the database is a mark, for which every answer is searched
(tests/marks.py). The table says what docs/security.md says: a page that is not for a role answers
404 where the thing itself must not be known, 403 with whom to ask where only the act is not theirs.

The things of this world are the practitioner's: the drafts, the absence, the feed. A colleague is another practitioner, for
whom COLLEAGUE says what is different; who was deactivated since signing in gets what anonymous gets. What is written when
somebody tries with a form that is right is in tests/test_whose.py.
"""

from collections.abc import Iterable, Iterator
from html import unescape
from http import HTTPStatus
from typing import Any, ClassVar

import pytest
from django.core import mail
from django.db import transaction
from django.http import HttpResponseForbidden
from django.test import Client
from django.urls import reverse

from clinic.accounts import PasswordBackend
from clinic.enums import Reading, Role
from clinic.models import Patient, Practitioner, RecordOpened, User
from consultations import record_pages
from consultations.models.consultation import ClinicalQuerySet
from tests import marks
from tests.addresses import ADMIN, OURS, UNKNOWN, World, admin_address
from tests.factories import (
    AbsenceFactory,
    CaseFileFactory,
    EmergencyOpeningFactory,
    PractitionerFactory,
    UserFactory,
)
from tests.factories.clock import ago
from tests.factories.history import written
from tests.headers import lacking
from tests.signing_in import sign_in
from tests.web_role import acting_as, made_by_the_shipped_text

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clinic_now")]

WRITTEN = ("anonymous", "reception", "practitioner", "admin")
SIGNED_OUT = ("anonymous", "deactivated")
ROLES = (*WRITTEN, "colleague", "deactivated")
# A browser always sends something: a form without any field would not count as filled in.
EMPTY_FORM = {"csrfmiddlewaretoken": "x"}
OTHER_VERBS = ("put", "patch", "delete", "options", "trace")
LOGIN = "/accounts/login/"
SIGN_IN = (LOGIN, "/admin/login/")  # the admin's own leads on to the one sign-in

# What GET and POST answer to: anonymous, reception, practitioner, admin. "POST" and "GET" stand for routes that
# take only that verb: the others get 405 (whoever has not signed in is sent to sign in first).
ONLY_GET, ONLY_POST = "302 405 405 405", "302 405 405 405"
DESK = {
    "clinic:start": ("302 302 302 302", ONLY_GET),
    "clinic:health": ("200 200 200 200", "405 405 405 405"),
    "clinic:gallery": ("302 403 403 200", ONLY_GET),
    "clinic:diary": ("302 200 200 200", ONLY_GET),
    "clinic:diary_changes": ("302 200 200 200", ONLY_GET),
    "clinic:diary_sheet": ("302 200 200 200", ONLY_GET),
    "clinic:diary_calendar": ("302 200 200 200", ONLY_GET),
    "clinic:calendar_events": ("302 200 200 200", ONLY_GET),
    "clinic:calendar_book": ("302 302 302 403", ONLY_GET),
    "clinic:calendar_move": (ONLY_POST, "302 422 422 403"),
    "clinic:privacy": (ONLY_POST, "302 302 302 302"),
    "clinic:take_back": ("302 302 302 302", "302 302 302 302"),  # the screen is in the staff's hands
    "clinic:waiting": ("302 302 302 302", ONLY_GET),  # a part of the diary; by itself it leads there
    "clinic:my_day": ("302 403 200 403", ONLY_GET),
    "clinic:patients": ("302 200 200 200", "302 200 200 200"),
    "clinic:patient_new": ("302 200 200 403", "302 422 422 403"),
    "clinic:patient_edit": ("302 200 200 200", "302 422 422 403"),
    "clinic:patient_not_a_duplicate": (ONLY_POST, "302 302 302 403"),
    "clinic:patient_may_be_duplicate": (ONLY_POST, "302 302 302 403"),
    "clinic:patient_same_person": ("302 200 200 403", "302 200 200 403"),
    "clinic:patient_merge": ("302 200 200 403", "302 422 422 403"),
    "clinic:patient_merged": ("302 200 200 200", ONLY_GET),
    "clinic:patient_take_apart": ("302 200 200 403", "302 422 422 403"),
    "clinic:book": ("302 200 200 403", "302 200 200 403"),
    "clinic:starts": ("302 422 422 403", ONLY_GET),  # without a day there is nothing to look for
    "clinic:book_for": ("302 200 200 403", "302 422 422 403"),
    "clinic:course_for": ("302 200 200 403", "302 422 422 403"),
    "clinic:appointment": ("302 200 200 200", ONLY_GET),
    "clinic:appointment_move": ("302 200 200 403", "302 422 422 403"),
    "clinic:appointment_cancel": ("302 200 200 403", "302 422 422 403"),
    "clinic:appointment_later": ("302 302 302 403", "302 302 302 403"),
    "clinic:undo": (ONLY_POST, "302 422 422 403"),
    "clinic:release": ("302 200 200 403", "302 422 422 403"),
    "clinic:new_places": ("302 200 200 403", "302 422 422 403"),
    "clinic:appointment_step": (ONLY_POST, "302 302 302 403"),
    "clinic:walk_in_note": ("302 302 302 302", "302 200 200 403"),
    "clinic:walk_in_left": (ONLY_POST, "302 302 302 403"),
    "clinic:devices": ("302 200 200 200", ONLY_GET),
    "clinic:device": ("302 200 200 200", ONLY_GET),
    "clinic:device_care": (ONLY_POST, "302 422 422 422"),
    "clinic:device_care_error": ("302 200 200 200", "302 422 422 422"),
    "clinic:contacts": ("302 200 200 200", ONLY_GET),
    "clinic:contact_try": (ONLY_POST, "302 422 422 403"),
    "clinic:contact_close": (ONLY_POST, "302 422 422 403"),
    "clinic:waitlist": ("302 200 200 200", ONLY_GET),
    "clinic:waitlist_fits": ("302 404 404 403", ONLY_GET),  # without a time there is no such page
    "clinic:waitlist_add": ("302 200 200 403", "302 422 422 403"),
    "clinic:waitlist_withdraw": (ONLY_POST, "302 302 302 403"),
    "clinic:waitlist_offer": (ONLY_POST, "302 302 302 403"),
    "clinic:offer_accept": (ONLY_POST, "302 302 302 403"),
    "clinic:offer_decline": (ONLY_POST, "302 302 302 403"),
    "clinic:opening": ("302 200 200 200", ONLY_GET),
    "clinic:opening_outside": ("302 200 403 200", ONLY_GET),
    "clinic:opening_holidays": ("302 200 403 200", "302 422 403 422"),
    "clinic:opening_add": ("302 200 200 200", "302 422 422 422"),
    "clinic:opening_entry": ("302 200 200 200", ONLY_GET),
    "clinic:opening_remove": ("302 200 200 200", "302 302 302 302"),
    "clinic:feeds": ("302 200 200 200", ONLY_GET),
    "clinic:feed_new": ("302 200 200 200", "302 422 422 422"),
    "clinic:feed_revoke": ("302 200 200 200", "302 302 302 302"),
    "clinic:calendar": ("200 200 200 200", "405 405 405 405"),  # who knows the address need not sign in
    "clinic:sign_ins": ("302 200 200 200", ONLY_GET),  # one's own
    "clinic:sign_in_end": ("302 404 404 404", "302 404 404 404"),  # of somebody else
    "clinic:lock": (ONLY_POST, "302 302 302 302"),
    "clinic:lock_used": (ONLY_POST, "302 204 204 204"),
    "clinic:unlock": ("302 302 302 302", "302 302 302 302"),  # the screen is open
    "clinic:unlock_passkey": ("302 404 404 404", ONLY_GET),  # nobody has one
    "clinic:pin": ("302 200 200 200", "302 422 422 422"),  # one's own
    "clinic:sign_ins_end": ("302 302 302 302", "302 302 302 302"),  # one's own
    "clinic:staff": ("302 403 403 200", ONLY_GET),
    "clinic:staff_invite": ("302 403 403 200", "302 403 403 422"),
    "clinic:staff_invite_again": (ONLY_POST, "302 403 403 201"),
    "clinic:staff_withdraw": (ONLY_POST, "302 403 403 302"),
    "clinic:staff_reset": ("302 403 403 200", "302 403 403 422"),
    "clinic:staff_off": ("302 403 403 200", "302 403 403 422"),
    "clinic:staff_on": ("302 403 403 200", "302 403 403 422"),
    "clinic:staff_new_password": ("302 403 403 200", "302 403 403 422"),
    "clinic:come_in": ("200 200 200 200", "422 422 422 422"),  # who knows the link has no account yet
    "clinic:review": ("302 404 200 200", ONLY_GET),
    "clinic:review_use": ("302 404 200 200", ONLY_GET),
    "clinic:review_use_sheet": ("302 404 200 200", ONLY_GET),
    "clinic:review_times": ("302 404 200 200", ONLY_GET),
    "clinic:review_list": ("302 404 200 200", ONLY_GET),
    "clinic:review_list_sheet": ("302 404 200 200", ONLY_GET),
    "clinic:record_printed": (ONLY_POST, "302 404 404 404"),  # of no page that was opened
    "clinic:who_changed": ("302 404 404 200", "302 404 404 422"),
    "clinic:who_signed_in": ("302 404 404 200", ONLY_GET),
    "clinic:records_opened": ("302 404 404 200", "302 404 404 422"),
    "clinic:case_files": ("302 403 403 200", ONLY_GET),
    "clinic:case_file_new": ("302 403 403 200", "302 403 403 422"),
    "clinic:case_file": ("302 403 403 200", ONLY_GET),
    "clinic:case_file_extend": (ONLY_POST, "302 403 403 422"),
    "clinic:case_file_close": (ONLY_POST, "302 403 403 422"),
    "clinic:emergencies": ("302 403 403 200", ONLY_GET),
    "clinic:emergency_review": ("302 403 403 200", "302 403 403 422"),
}
PATHWAY = {
    "consultations:patient": ("302 200 200 200", ONLY_GET),
    "consultations:erase": ("302 403 403 200", "302 403 403 422"),
    "consultations:erasures": ("302 403 403 200", ONLY_GET),
    "consultations:erasure": ("302 403 403 200", ONLY_GET),
    "consultations:erasure_withdraw": (ONLY_POST, "302 403 403 422"),
    "consultations:emergency": ("302 200 403 200", "302 422 403 422"),
    "consultations:emergency_summary": ("302 404 404 404", ONLY_GET),  # somebody else's
    "consultations:case_record": ("302 404 404 404", ONLY_GET),  # somebody else's
    "consultations:consultation_begin": (ONLY_POST, "302 403 302 403"),
    "consultations:allergy_new": ("302 200 200 403", "302 422 422 403"),
    "consultations:alert_new": ("302 403 200 403", "302 403 422 403"),
    "consultations:report_new": ("302 200 200 403", "302 422 422 403"),
    "consultations:event_new": ("302 403 200 403", "302 403 422 403"),
    "consultations:events": ("302 404 200 404", ONLY_GET),
    "consultations:events_sheet": ("302 404 200 404", ONLY_GET),
    "consultations:event": ("302 404 200 404", ONLY_GET),
    "consultations:event_follow": ("302 404 200 404", "302 404 422 404"),
    "consultations:health_answer_new": ("302 403 200 403", "302 403 422 403"),
    "consultations:health_answer": ("302 404 200 404", ONLY_GET),
    "consultations:plan_stop_lift": ("302 404 200 404", "302 404 422 404"),
    "consultations:check_in": ("302 200 200 403", "302 302 302 403"),
    # Without a screen that was handed over it leads to the page that hands it over.
    "consultations:check_in_answer": ("302 302 302 403", "302 302 302 403"),
    "consultations:check_in_review": ("302 404 200 404", "302 404 422 404"),
    "consultations:allergy_assess": ("302 403 200 404", "302 403 422 404"),
    "consultations:alert_lift": ("302 403 200 404", "302 403 302 404"),
    "consultations:report_triage": ("302 404 200 404", "302 404 422 404"),
    "consultations:consultation_of": ("302 403 200 403", "302 403 302 403"),
    "consultations:consultation": ("302 404 200 404", "302 404 422 404"),
    "consultations:consultation_confirm": ("302 404 200 404", "302 404 422 404"),
    "consultations:plan": ("302 404 200 404", ONLY_GET),
    "consultations:reviews_of": ("302 404 200 404", "302 404 422 404"),
    "consultations:review": ("302 404 200 404", "302 404 422 404"),
    "consultations:outcomes": ("302 403 200 403", ONLY_GET),
    "consultations:photos": ("302 403 200 403", ONLY_GET),
    "consultations:photo_new": ("302 403 200 403", "302 403 422 403"),
    "consultations:photo_compare": ("302 403 200 403", ONLY_GET),
    "consultations:photo_consent": ("302 403 200 403", "302 403 422 403"),
    "consultations:photo_consent_withdraw": ("302 404 200 404", "302 404 302 404"),
    "consultations:photo": ("302 404 200 404", ONLY_GET),
    "consultations:photo_file": ("302 404 200 404", ONLY_GET),
    "consultations:photo_thumbnail": ("302 404 200 404", ONLY_GET),
    "consultations:photo_remove": ("302 404 200 404", "302 404 422 404"),
    "consultations:photo_removal": ("302 404 200 200", "302 404 302 302"),
    "consultations:whole_record": ("302 403 200 403", "302 403 422 403"),
    "consultations:cohorts": ("302 403 200 403", ONLY_GET),
    "consultations:cohort": ("302 403 200 403", ONLY_GET),
    "consultations:cohort_sheet": ("302 403 200 403", ONLY_GET),
    "consultations:plan_change": ("302 404 200 404", "302 404 422 404"),
    "consultations:consent_sign": ("302 404 200 404", "302 404 422 404"),
    "consultations:consent": ("302 404 200 404", ONLY_GET),
    "consultations:consent_withdraw": ("302 404 200 404", "302 404 302 404"),
    "consultations:cause": ("302 404 200 404", "302 404 422 404"),
    "consultations:component_test": ("302 404 200 404", "302 404 422 404"),
    "consultations:cause_finding": ("302 404 200 404", "302 404 422 404"),
    "consultations:patch_test_give": ("302 404 200 404", "302 404 422 404"),
    "consultations:patch_test": ("302 404 200 404", ONLY_GET),
    "consultations:patch_test_read": ("302 404 200 404", "302 404 422 404"),
    "consultations:patch_test_reaction": ("302 404 200 404", "302 404 422 404"),
    "consultations:patch_test_read_late": ("302 404 200 404", "302 404 422 404"),
    "consultations:reading_of_plan": ("302 404 302 404", ONLY_GET),
    "consultations:late_reading_of_plan": ("302 404 302 404", ONLY_GET),
    "consultations:session_of": ("302 404 200 404", ONLY_GET),
    "consultations:session_begin": (ONLY_POST, "302 404 302 404"),
    "consultations:session_not_given": ("302 404 200 404", "302 404 422 404"),
    "consultations:session_deviation": ("302 404 200 404", "302 404 422 404"),
    "consultations:session": ("302 404 200 404", "302 404 422 404"),
    "consultations:session_doses": (ONLY_POST, "302 404 200 404"),
    "consultations:session_typing": ("302 404 200 404", "302 404 422 404"),
    "consultations:follow_up": ("302 404 200 404", "302 404 422 404"),
    "consultations:follow_up_call": (ONLY_POST, "302 302 302 403"),
    "consultations:addendum": (ONLY_POST, "302 404 422 404"),
    "consultations:take_over": (ONLY_POST, "302 404 302 404"),
    "consultations:entered_in_error": (ONLY_POST, "302 404 422 404"),
    "consultations:leaflets_of": ("302 404 200 404", "302 404 422 404"),
    "consultations:leaflet": ("302 200 200 200", ONLY_GET),
    "consultations:confirmation_error": (ONLY_POST, "302 404 422 404"),
    "consultations:error_confirm": ("302 404 200 200", "302 404 302 302"),
    "consultations:worklists": ("302 404 200 404", ONLY_GET),
    "consultations:late": ("302 200 200 200", ONLY_GET),
    "consultations:late_call": (ONLY_POST, "302 302 302 403"),
    "consultations:incidents": ("302 404 200 200", ONLY_GET),
    "consultations:lots": ("302 404 200 200", ONLY_GET),
    "consultations:lot_receive": ("302 404 200 403", "302 404 422 403"),
    "consultations:lot_label": ("302 404 200 403", "302 404 422 403"),
    "consultations:lot_opened": ("302 404 200 403", "302 404 422 403"),
    "consultations:lot_recalled": ("302 404 200 403", "302 404 422 403"),
    "consultations:lot_release": ("302 404 200 403", "302 404 422 403"),
    "consultations:lot_quarantine": ("302 404 200 403", "302 404 422 403"),
    "consultations:lot_use_up": ("302 404 200 403", "302 404 302 403"),
    "consultations:lot_put_back": (ONLY_POST, "302 404 302 403"),
    "consultations:traces": ("302 404 200 200", ONLY_GET),
    "consultations:trace": ("302 404 200 200", ONLY_GET),
    "consultations:trace_sheet": ("302 404 200 403", ONLY_GET),
    "consultations:trace_call": ("302 404 200 403", "302 404 302 403"),
}
# Signing in and out, and passwords (allauth). Nobody signs up; addresses of e-mails are kept by the admins.
ACCOUNTS = {
    "account_login": ("200 302 302 302", "200 302 302 302"),
    "account_logout": ("302 200 200 200", "302 302 302 302"),
    "account_signup": ("200 302 302 302", "200 302 302 302"),
    "account_inactive": ("200 200 200 200", "405 405 405 405"),
    "account_reauthenticate": ("302 200 200 200", "302 200 200 200"),
    "account_email": ("302 302 302 302", "302 302 302 302"),
    "account_email_verification_sent": ("200 200 200 200", "405 405 405 405"),
    "account_change_password": ("302 200 200 200", "302 200 200 200"),
    "account_set_password": ("302 302 302 302", "302 302 302 302"),
    "account_reset_password": ("200 200 200 200", "200 200 200 200"),
    "account_confirm_login_code": ("302 302 302 302", "302 302 302 302"),
    "account_confirm_email": ("200 200 200 200", "404 404 404 404"),
    "account_reset_password_from_key_done": ("200 200 200 200", "405 405 405 405"),
    "account_reset_password_from_key": ("200 200 200 200", "200 200 200 200"),
    "account_reset_password_done": ("200 200 200 200", "405 405 405 405"),
    # Both factors were shown just now, so the pages that change them do not ask again; there is nothing to change yet.
    "mfa_index": ("302 200 200 200", ONLY_GET),
    "mfa_authenticate": ("302 302 302 302", "302 302 302 302"),
    "mfa_reauthenticate": ("302 302 302 302", "302 302 302 302"),
    "mfa_activate_totp": ("302 200 200 200", "302 200 200 200"),
    "mfa_deactivate_totp": ("302 404 404 404", "302 404 404 404"),
    "mfa_generate_recovery_codes": ("302 302 302 302", "302 302 302 302"),
    "mfa_list_webauthn": ("302 200 200 200", ONLY_GET),
    "mfa_add_webauthn": ("302 200 200 200", "302 200 200 200"),
    "mfa_reauthenticate_webauthn": ("302 302 302 302", "302 302 302 302"),
    "mfa_remove_webauthn": ("302 404 404 404", "302 404 404 404"),
    "mfa_edit_webauthn": ("302 404 404 404", "302 404 404 404"),
    "mfa_login_webauthn": ("302 302 302 302", "302 302 302 302"),
}
TABLE = DESK | PATHWAY | ACCOUNTS
# What a practitioner gets of another practitioner's, where it is not what the owner gets. A colleague reads every record.
COLLEAGUE = {
    "clinic:new_places": ("404", "404"),
    "clinic:opening_entry": ("404", "405"),
    "clinic:opening_remove": ("404", "404"),
    "clinic:feed_revoke": ("404", "404"),
    "consultations:session_doses": ("405", "403"),
    "consultations:session_typing": ("403", "422"),
}
# Pages on which a patient's clinical record is read: opening one is written down, whatever else happens.
CLINICAL_PAGES = {
    "consultations:health_answer_new",
    "consultations:health_answer",
    "consultations:plan_stop_lift",
    "consultations:check_in_review",
    "consultations:patient",
    "consultations:report_triage",
    "consultations:event_new",
    "consultations:event",
    "consultations:event_follow",
    "consultations:consultation",
    "consultations:consultation_confirm",
    "consultations:plan",
    "consultations:plan_change",
    "consultations:leaflets_of",
    "consultations:consent_sign",
    "consultations:consent",
    "consultations:consent_withdraw",
    "consultations:cause",
    "consultations:component_test",
    "consultations:cause_finding",
    "consultations:patch_test_give",
    "consultations:patch_test",
    "consultations:patch_test_read",
    "consultations:patch_test_read_late",
    "consultations:patch_test_reaction",
    "consultations:session_of",
    "consultations:session_not_given",
    "consultations:session_deviation",
    "consultations:session",
    "consultations:follow_up",
    "consultations:reviews_of",
    "consultations:review",
    "consultations:outcomes",
    "consultations:photos",
    "consultations:photo_new",
    "consultations:photo_compare",
    "consultations:photo_consent",
    "consultations:photo_consent_withdraw",
    "consultations:photo",
    "consultations:photo_file",
    "consultations:photo_thumbnail",
    "consultations:photo_remove",
}
# Closed to the desk for other reasons than one patient's record; opening one of them is not written down.
NO_RECORD_OF_ONE = {
    "consultations:allergy_assess": "what the desk reported, beside the patient's header that the desk sees as well",
    "consultations:alert_new": "an empty form beside that header",
    "consultations:alert_lift": "the alert, which the desk sees as well",
    "consultations:consultation_of": "says that there is none yet, or leads to the one there is",
    "consultations:reading_of_plan": "leads to the reading, which writes it down",
    "consultations:late_reading_of_plan": "leads to the late reading, which writes it down",
    "consultations:session_typing": "what the same person has typed into a draft; its page was opened before",
    "consultations:whole_record": "asks for whom; the file it makes is written down as exported (test_whole_record.py)",
    "consultations:photo_removal": "who asked for it and why, without the picture",
    "consultations:error_confirm": "who called what an error and why, without the record",
    "consultations:events": "a list of many",
    "consultations:events_sheet": "rates; no patient stands in it",
    "consultations:cohorts": "courses, not patients",
    "consultations:cohort": "figures of many",
    "consultations:cohort_sheet": "case by case, without names",
    "consultations:worklists": "a list of many",
    "consultations:incidents": "a list of many",
    "consultations:lots": "lots, not patients",
    "consultations:lot_receive": "a lot",
    "consultations:lot_label": "a lot",
    "consultations:lot_opened": "a lot",
    "consultations:lot_recalled": "a lot",
    "consultations:lot_release": "a lot",
    "consultations:lot_quarantine": "a lot",
    "consultations:lot_use_up": "a lot",
    "consultations:traces": "devices, people and rooms, not patients",
    "consultations:trace": "a list of many",
    "consultations:trace_call": "how many patients will be called",
}
# Files about patients by name: each of them is written down as exported.
EXPORTS = {"consultations:trace_sheet"}


def expected(name: str, verb: str, role: str) -> int:
    """The status that the table says."""
    if role == "colleague" and name in COLLEAGUE:
        return int(COLLEAGUE[name][verb == "post"])
    column = {"colleague": "practitioner", "deactivated": "anonymous"}.get(role, role)
    return int(TABLE[name][verb == "post"].split()[WRITTEN.index(column)])


def unaccounted(table: dict[str, tuple[str, str]]) -> list[str]:
    """Pages of the pathway that a practitioner may open and the desk may not, about which nothing is said yet."""
    known = CLINICAL_PAGES | EXPORTS | set(NO_RECORD_OF_ONE)
    found = []
    for name, (get, _post) in table.items():
        _anonymous, reception, practitioner, _admin = get.split()
        if practitioner in {"200", "302"} and reception in {"403", "404"} and name not in known:
            found.append(name)
    return found


@pytest.fixture(scope="module")
def world(standing_world: World) -> World:
    """A patient in the middle of the pathway, with a little of everything, and whatever people wrote made a mark."""
    # No other value is possible in these two.
    assert marks.mark_everything() == ["HistorySeal.table", "ZoneShape.path"]
    return standing_world


@pytest.fixture
def clients(
    world: World,
    reception_client: Client,
    practitioner_client: Client,
    admin_client: Client,
    colleague: Practitioner,
) -> dict[str, Client]:
    signed_in = [reception_client, practitioner_client, admin_client, sign_in(Client(), colleague.user)]
    return dict(zip(ROLES, [Client(), *signed_in, deactivated()], strict=True))


def deactivated() -> Client:
    """The session of somebody who had every role when it was opened, and has left since."""
    user = UserFactory(roles=list(Role))
    PractitionerFactory(user=user)
    client = sign_in(Client(), user)
    assert client.get(reverse("clinic:my_day")).status_code == HTTPStatus.OK
    User.objects.filter(pk=user.pk).update(is_active=False)
    return client


def answer_to(client: Client, verb: str, address: str, data: dict[str, Any] | None = None) -> Any:
    """One request, whose answer was read to its end, where it closes its file; what it said is its `body`."""
    answer = getattr(client, verb)(address, data or {})
    answer.body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return answer


def ask(client: Client, verb: str, address: str, data: dict[str, Any] | None = None) -> Any:
    """One request, whose answer has its headers; whatever it changes, in database and cookies, is taken back."""
    before = dict(client.cookies)
    with transaction.atomic():
        answer = answer_to(client, verb, address, data)
        transaction.set_rollback(True)
    client.cookies.clear()
    client.cookies.update(before)
    assert lacking(answer) == [], address
    return answer


def walk(client: Client, verb: str, world: World, names: Iterable[str] = TABLE) -> Iterator[tuple[str, Any]]:
    """Each of these routes with its answer."""
    for name in names:
        data = EMPTY_FORM | world.posts.get(name, {}) if verb == "post" else {}
        yield name, ask(client, verb, world.address(name), data)


def surprises(
    client: Client, role: str, verb: str, world: World, names: Iterable[str] = TABLE
) -> dict[str, str]:
    """The routes that answer somebody of this role otherwise than the table says."""
    found = {name: answer.status_code for name, answer in walk(client, verb, world, names)}
    return {
        name: f"{status}, not {expected(name, verb, role)}"
        for name, status in found.items()
        if status != expected(name, verb, role)
    }


def texts_in(answer: Any) -> set[str]:
    """Whose texts an answer holds, its headers among it."""
    return marks.marks_in(answer.body.decode(errors="replace") + repr(dict(answer.headers)))


def leads_elsewhere(name: str, verb: str, answer: Any) -> bool:
    """Whether a closed page sends who has not signed in to anything but the sign-in."""
    closed = name in DESK | PATHWAY and TABLE[name][verb == "post"].startswith("302")
    return closed and not answer["Location"].startswith(f"{LOGIN}?next=")


class TestTheTable:
    def test_every_route_stands_in_it_and_nothing_else(self) -> None:
        assert sorted(OURS) == sorted(TABLE)
        assert {name for name, (get, post) in COLLEAGUE.items() if TABLE[name] == (get, post)} == set()

    @pytest.mark.parametrize("verb", ["get", "post"])
    @pytest.mark.parametrize("role", [*WRITTEN, "deactivated"])
    def test_it_says_what_everybody_gets(
        self, world: World, clients: dict[str, Client], role: str, verb: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        """And who does not read the records sees no text that is not written down in tests/marks.py."""
        acting_as(made_by_the_shipped_text())  # as the server does; a page that needs more would be a 500
        unexpected, elsewhere, shown = {}, [], {}
        for name, answer in walk(clients[role], verb, world):
            if answer.status_code != expected(name, verb, role):
                unexpected[name] = answer.status_code
            elif role in SIGNED_OUT and leads_elsewhere(name, verb, answer):
                elsewhere.append(name)
            shown[name] = texts_in(answer)
        assert (unexpected, elsewhere) == ({}, [])
        if role != "practitioner":
            kept = marks.KEPT_BY_ADMINS if role == "admin" else set()
            may_read = kept | set(marks.MAY_READ[role].split())
            assert {name: texts - may_read for name, texts in shown.items() if texts - may_read} == {}
        assert "User.last_name" in shown["clinic:come_in"]  # the search finds what is there
        # Neither a log nor a letter says more than an address does.
        assert marks.MARK.findall(caplog.text) == []
        assert [each.body for each in mail.outbox if marks.MARK.search(each.body)] == []

    def test_a_colleague_writes_into_nothing_of_somebody_elses(
        self, world: World, clients: dict[str, Client]
    ) -> None:
        """What they read is asked with the log of readings, below."""
        about = [name for name in (*DESK, *PATHWAY) if OURS[name].pattern.converters]
        assert surprises(clients["colleague"], "colleague", "post", world, about) == {}

    @pytest.mark.parametrize("role", ["reception", "admin"])
    def test_a_route_that_lost_its_check_would_be_found(
        self, world: World, clients: dict[str, Client], role: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        lost, others = "consultations:consultation", ["consultations:plan", "consultations:photo_file"]
        assert surprises(clients[role], role, "get", world, [lost, *others]) == {}
        monkeypatch.setattr(ClinicalQuerySet, "visible_to", lambda rows, _user: rows)
        assert surprises(clients[role], role, "get", world, [lost, *others]) == {lost: "200, not 404"}

    def test_so_would_a_sign_in_that_outlives_the_account(
        self, world: World, clients: dict[str, Client], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(PasswordBackend, "user_can_authenticate", lambda *_who: True)
        found = surprises(clients["deactivated"], "deactivated", "get", world, ["clinic:diary", "mfa_index"])
        assert found == {"clinic:diary": "200, not 302", "mfa_index": "200, not 302"}

    @pytest.mark.parametrize("role", WRITTEN)
    def test_other_verbs_are_refused(self, world: World, clients: dict[str, Client], role: str) -> None:
        addresses = [world.address(name) for name in OURS]
        addresses += [admin_address(name) for name in ADMIN]
        found = {
            (verb, address): ask(clients[role], verb, address).status_code
            for verb in OTHER_VERBS
            for address in addresses
        }
        assert {asked: status for asked, status in found.items() if status != 405} == {}


class TestThingsThatAreNotThere:
    @pytest.mark.parametrize("role", WRITTEN[1:])
    def test_an_unknown_id_is_not_found_or_not_theirs(
        self, world: World, clients: dict[str, Client], role: str
    ) -> None:
        """Whoever may act gets 404; a role that may not is refused before or after, and never served."""
        column, served = WRITTEN.index(role), {}
        for name, (get, post) in (DESK | PATHWAY).items():
            keys = [key for key in OURS[name].pattern.converters if key.endswith("_id")]
            verb, line = ("post", post) if get == ONLY_POST else ("get", get)
            if not keys:
                continue
            address = world.address(name, **dict.fromkeys(keys, UNKNOWN))
            status = ask(clients[role], verb, address, EMPTY_FORM).status_code
            forbidden = line.split()[column] == "403"
            if status != HTTPStatus.NOT_FOUND and not (forbidden and status == HTTPStatus.FORBIDDEN):
                served[name] = status
        assert served == {}

    @pytest.mark.parametrize("route", ["addendum", "take_over", "entered_in_error"])
    def test_the_id_of_another_kind_of_record_is_not_found(
        self, world: World, clients: dict[str, Client], route: str
    ) -> None:
        kinds = ["consultation", "patch-test", "consent", "reading", "leaflet", "plan", "no-such"]
        addresses = [reverse(f"consultations:{route}", args=[kind, world.ids["record_id"]]) for kind in kinds]
        answers = [ask(clients["practitioner"], "post", address, EMPTY_FORM) for address in addresses]
        assert [answer.status_code for answer in answers] == [404] * len(kinds)

    @pytest.mark.parametrize("route", ["opening_entry", "opening_remove"])
    def test_an_entry_of_another_kind_is_not_found(
        self, world: World, clients: dict[str, Client], route: str
    ) -> None:
        entry = world.ids["entry_id"]
        for kind, key in [("extra", entry), ("closed-day", entry), ("no-such-kind", entry), ("absence", "x")]:
            address = reverse(f"clinic:{route}", args=[kind, key])
            assert ask(clients["reception"], "get", address).status_code == 404

    @pytest.mark.parametrize("route", ["opening_entry", "opening_remove"])
    def test_a_colleagues_absence_is_not_theirs(self, clients: dict[str, Client], route: str) -> None:
        address = reverse(f"clinic:{route}", args=["absence", AbsenceFactory().pk])
        assert [ask(clients[role], "get", address).status_code for role in WRITTEN[1:]] == [200, 404, 200]

    def test_unknown_steps_and_changes_are_not_found(self, world: World, clients: dict[str, Client]) -> None:
        step = world.address("clinic:appointment_step", step="explode")
        change = world.address("consultations:plan_change", change="explode")
        assert ask(clients["reception"], "post", step, EMPTY_FORM).status_code == 404
        assert ask(clients["practitioner"], "get", change).status_code == 404
        assert ask(clients["practitioner"], "post", change, EMPTY_FORM).status_code == 404


class TestTheAdmin:
    """Grouped by one rule: the admin role, and nobody else, whatever the table and the verb."""

    # Signing in and out have no page of their own here.
    OPEN = {"admin:login"}

    @pytest.mark.parametrize("verb", ["get", "post"])
    def test_nobody_but_an_admin_comes_in(
        self, clients: dict[str, Client], verb: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The page of a refusal, one and the same for all, is shown by the routes of the table; here it takes half the time."""
        monkeypatch.setattr(
            "clinic.urls.handler403", lambda *_of, **_why: HttpResponseForbidden(), raising=False
        )
        wrong = {}
        for name in ADMIN:
            address = admin_address(name)
            found = [ask(clients[role], verb, address, EMPTY_FORM) for role in WRITTEN[:3]]
            refused = [answer.status_code for answer in found[1:]] == [403, 403]
            nobody = [found[0], ask(clients["deactivated"], verb, address, EMPTY_FORM)]
            lead_to_sign_in = [
                each.status_code == 302 and each["Location"].startswith(SIGN_IN) for each in nobody
            ]
            if not (all(lead_to_sign_in) and (refused or name in self.OPEN)):
                wrong[name] = [answer.status_code for answer in found]
        assert wrong == {}

    def test_an_admin_meets_no_fault(self, clients: dict[str, Client]) -> None:
        acting_as(made_by_the_shipped_text())
        found = {name: ask(clients["admin"], "get", admin_address(name)).status_code for name in ADMIN}
        assert {
            name: status for name, status in found.items() if status not in {200, 302, 403, 404, 405}
        } == {}
        opened = [name for name, status in found.items() if status == HTTPStatus.OK]
        assert "admin:index" in opened and "admin:clinic_user_changelist" in opened


def says_whose_it_is(page: str, patient: Patient) -> bool:
    """The name and the number, at once and at the top: nobody writes into the record of the tab beside it."""
    top = page[: page.index('<main id="main"')]
    return patient.name in unescape(top) and str(patient.number) in top


class TestOpeningARecord:
    CLINICAL: ClassVar = {"Session.note", "TestReading.note", "Consent.signer_name", "Lot.number"}
    OWN: ClassVar = {"CalendarFeed.name", "Absence.note"}

    def test_every_page_that_is_closed_to_the_desk_is_written_down_or_says_why_not(self) -> None:
        assert unaccounted(PATHWAY) == []
        assert sorted(set(NO_RECORD_OF_ONE) & (CLINICAL_PAGES | EXPORTS)) == []
        assert sorted(set(NO_RECORD_OF_ONE) - set(PATHWAY)) == []

    def test_a_new_page_about_a_record_would_be_found(self) -> None:
        new = {
            "consultations:scar": ("302 404 200 404", ONLY_GET),
            "consultations:note": ("302 403 302 403", ""),
        }
        assert unaccounted(PATHWAY | new) == list(new)

    def test_every_page_that_is_written_down_has_a_name_of_the_clinics(self) -> None:
        """The first three are asked for by posting or by a role of their own, each by the test of its own page."""
        others = {f"consultations:{name}" for name in ("whole_record", "case_record", "emergency_summary")}
        assert set(record_pages.PAGES) == CLINICAL_PAGES | EXPORTS | others
        assert len({str(words) for words in record_pages.PAGES.values()}) == len(record_pages.PAGES)
        words = [record_pages.in_words(f"consultations:{name}") for name in ("photo_file", "photo_film")]
        assert words == ["Picture of a photograph", "Photo film"]  # the second: a page that has no name here

    def test_a_page_that_forgets_to_write_it_down_would_be_found(
        self, world: World, practitioner_client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What the walk below looks for, at a page that has lost its note."""
        monkeypatch.setattr("consultations.views.chart.opened", lambda *_args, **_options: None)
        assert practitioner_client.get(world.address("consultations:consent")).status_code == HTTPStatus.OK
        assert not RecordOpened.objects.exists()

    def test_a_file_is_written_down_as_exported_for_each_patient_in_it(
        self, world: World, practitioner_client: Client, doctor: Practitioner, clinic_now: Any
    ) -> None:
        for name in EXPORTS:
            answer = practitioner_client.get(world.address(name))
            text = b"".join(answer.streaming_content).decode()
            rows = list(RecordOpened.objects.values_list("patient__number", "user", "page", "kind", "at"))
            assert rows and all(str(number) in text for number, *_rest in rows)
            assert {tuple(rest) for _number, *rest in rows} == {
                (doctor.user_id, name, "exported", clinic_now)
            }

    def test_every_page_of_a_record_says_whose_it_is_and_is_written_down(
        self, world: World, clients: dict[str, Client], colleague: Practitioner, clinic_now: Any
    ) -> None:
        """And no other page is in the log, which is about records, not about the diary. Asked by a colleague, and so the
        walk through what a colleague may read as well: the records, and nothing that is somebody else's own."""
        logged, nameless, unexpected, shown = set(), [], {}, set()
        for name in DESK | PATHWAY:
            with transaction.atomic():
                answer = answer_to(clients["colleague"], "get", world.address(name))
                opened = RecordOpened.objects.exclude(kind=Reading.EXPORTED)
                rows = list(opened.values_list("user", "patient", "page", "at"))
                transaction.set_rollback(True)
            if answer.status_code != expected(name, "get", "colleague"):
                unexpected[name] = answer.status_code
            shown |= texts_in(answer)
            if not rows:
                continue
            # A picture is no page and has no context: its patient is the one it was recorded for.
            patient = answer.context["patient"] if answer.context else None
            whose = patient.pk if patient else world.ids["photographed_id"]
            assert rows == [(colleague.user_id, whose, name, clinic_now)]
            logged.add(name)
            if patient and not says_whose_it_is(answer.text, patient):
                nameless.append(name)
        assert (unexpected, nameless, logged ^ CLINICAL_PAGES) == ({}, [], set())
        assert (self.CLINICAL - shown, self.OWN & shown) == (set(), set())
        # The negative control of the search in the other roles' answers: these texts are found by it where they stand.
        assert self.CLINICAL & set(marks.MAY_READ["reception"].split()) == set()

    @pytest.mark.parametrize("role", ["reception", "admin"])
    def test_pages_without_the_record_are_not_in_the_log(
        self, world: World, clients: dict[str, Client], role: str
    ) -> None:
        assert clients[role].get(world.address("consultations:patient")).status_code == HTTPStatus.OK
        assert not RecordOpened.objects.exists()

    def test_being_refused_is_no_opening(self, world: World, clients: dict[str, Client]) -> None:
        for role in ("anonymous", "reception", "admin"):
            for name in CLINICAL_PAGES - {"consultations:patient"}:
                clients[role].get(world.address(name))
        assert not RecordOpened.objects.exists()


@pytest.mark.parametrize(
    ("role", "page", "may_read", "must_read"),
    [
        ("reception", "consultations:emergency_summary", marks.IN_AN_EMERGENCY, "Formula.name Lot.number"),
        ("admin", "consultations:emergency_summary", marks.IN_AN_EMERGENCY, "Formula.name Lot.number"),
        (
            "admin",
            "consultations:case_record",
            marks.FOR_A_CASE,
            "Session.note Consent.signer_name Lot.number",
        ),
    ],
)
def test_what_is_opened_with_a_reason_shows_what_is_written_down(
    role: str, page: str, may_read: str, must_read: str, request: pytest.FixtureRequest, world: World
) -> None:
    client, person = (request.getfixturevalue(name) for name in (f"{role}_client", role))
    patient = Patient.objects.get(pk=world.ids["patient_id"])
    written(ago(days=2))
    own = {
        "opening_id": EmergencyOpeningFactory(patient=patient, opened_by=person).pk,
        "case_file_id": CaseFileFactory(patient=patient, opened_by=person).pk,
    }
    answer = ask(client, "get", world.address(page, **own))
    seen = texts_in(answer)
    assert seen - set(may_read.split()) - set(marks.DESK.split()) == set()
    assert set(must_read.split()) <= seen
