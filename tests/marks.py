"""Every free text of the database becomes a mark, which is searched for in answers; and who may read which text.

A page, a title, a tooltip, a feed, a sheet or its file name: a mark in any of them says whose text it is. What reception
and admins come to see is written down below; a text that is new on one of their pages has to be entered there by somebody
who has thought about it.
"""

import re
from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.contrib.admin import site as admin_site
from django.db import DatabaseError, connection, models, transaction

Column = tuple[type[models.Model], models.Field]
MARK = re.compile(r"[zZ]qx(\d+)xqz")  # long enough that no random token of a page looks like one
# What the program reads, and no person: codes, hashes, addresses of files, the clinic's time zone.
_READ_BY_PROGRAM = re.compile(
    r"(^|_)(code|codes|hash|digest|sha256|file_name|purpose|password|time_zone|country|link|colour|shape|unit|session_key|session_data|signed_with)$"
)


def texts() -> Iterator[Column]:
    """Every column that people write into freely."""
    for model in apps.get_models():
        if model._meta.app_label in ("clinic", "consultations") and not hasattr(model, "pgh_tracked_model"):
            for field in model._meta.concrete_fields:
                if _is_free(field):
                    yield model, field


def _is_free(field: models.Field) -> bool:
    free = isinstance(field, models.CharField | models.TextField) and not isinstance(field, models.SlugField)
    return free and not field.flatchoices and not field.generated and not _READ_BY_PROGRAM.search(field.name)


TEXTS = list(texts())
NAMES = [f"{model.__name__}.{field.name}" for model, field in TEXTS]


def mark_everything() -> list[str]:
    """Writes its mark into every text of every row and of its history, past all triggers; returns what took none."""
    without = []
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        for number, (model, field) in enumerate(TEXTS):
            row = f"substr(md5({model._meta.pk.column}::text), 1, 6)"  # no two rows say the same
            mark = f"left('zqx{number}xqz' || {row}, {field.max_length or 100})"
            statement = f"UPDATE {model._meta.db_table} SET {field.column} = {mark}"
            if not any(_tried(cursor, statement + of) for of in ("", f" WHERE {field.column} <> ''")):
                without.append(NAMES[number])
            for event in _histories(model):
                if field.column in {each.column for each in event._meta.concrete_fields}:
                    cursor.execute(f"UPDATE {event._meta.db_table} SET {field.column} = 'zqx{number}xqz'")
        cursor.execute("SET LOCAL session_replication_role = origin")
    return without


def _histories(model: type[models.Model]) -> list[type[models.Model]]:
    return [each for each in apps.get_models() if getattr(each, "pgh_tracked_model", None) is model]


def _tried(cursor: Any, statement: str) -> bool:
    try:
        with transaction.atomic():
            cursor.execute(statement)
    except DatabaseError:
        return False
    return True


def marks_in(said: str) -> set[str]:
    """Whose texts it holds."""
    return {NAMES[int(number)] for number in MARK.findall(said)}


DESK = """
    Absence.note Appointment.note AppointmentType.name CalendarFeed.name ClinicSettings.emergency_number ClinicSettings.name
    ClinicSettings.phone ContactEntry.text Device.name Device.serial_number DeviceCare.carried_out_by DeviceCare.note Leaflet.body
    Leaflet.name Location.name Patient.address Patient.desk_note Patient.email Patient.family_name Patient.family_name_latin
    Patient.given_names Patient.given_names_latin Patient.phone Patient.representative_name Patient.representative_phone
    Patient.representative_relation PatientMerge.although PatientMerge.reason Practitioner.name Room.name SignIn.address SignInEvent.address
    SignInEvent.browser User.email User.first_name User.last_name User.username
    WaitlistEntry.label WaitlistEntry.note WalkIn.wants
"""
# Two addresses that are keys. The feed's: what kind of visit, where and with whom; an invitation's: whom it is for.
SIGNED_OUT = (
    "AppointmentType.name Location.name Practitioner.name Room.name User.email User.first_name User.last_name"
)
# By role, every text that some page may show them.
MAY_READ = {
    "anonymous": SIGNED_OUT,
    "deactivated": SIGNED_OUT,
    # Allergens to choose from where an allergy is reported; what a course is for; that a case file is open, and for what.
    "reception": f"{DESK} AllergenGroup.name Indication.name CaseFile.title",
    # Lots, and why somebody else wants a record called an error, which they confirm; case files and emergency openings,
    # which they keep and review, with their reasons and without what was read; and all that the admin keeps.
    "admin": f"""{DESK} AccountChange.reason Appointment.cancel_reason EnteredInError.reason PhotoRemoval.reason Lot.quarantine_reason
        CaseFile.title CaseFile.reference CaseFile.outcome CaseFilePeriod.reason
        EmergencyOpening.reason EmergencyOpening.review_note RecordOpened.reason
        Erasure.reason Erasure.withdrawn_because ClinicSettings.retention_source""",
}
# What their one page shows to whoever has opened it with a reason, beside the desk's texts: no note and no photograph.
IN_AN_EMERGENCY = """
    EmergencyOpening.reason Allergy.words Allergy.reaction Alert.text Formula.name Technique.name BodyZone.name PatchTest.site
    Component.name Lot.number Lot.maker ContraindicationQuestion.name ReactionType.name
"""
# The record of one patient, which its owner has to answer for, without photographs and without what the desk keeps.
FOR_A_CASE = f"""{IN_AN_EMERGENCY} CaseFile.title Consent.assent_missing Consent.assent_name Consent.identity_seen
    Consent.interpreter_name Consent.signer_name Consent.signer_relation Consent.words ConsentText.name Consultation.goals
    Consultation.history Consultation.outcome_reason Indication.name PatchTest.note PatchTestPolicy.name PlanTemplate.name
    Session.gun_mode Session.intensity Session.needle Session.note Session.outcome_reason Session.program
    Session.unusual_reason SessionDose.cap_arithmetic TestReading.note TestReading.stricter_reason
"""
KEPT_BY_ADMINS = {
    name for name, (model, _field) in zip(NAMES, TEXTS, strict=True) if admin_site.is_registered(model)
}
