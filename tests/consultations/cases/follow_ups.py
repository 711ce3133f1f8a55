"""Checks after sessions and their rules."""

from tests.factories import (
    AdverseEventFactory,
    ClinicalReportFactory,
    FollowUpFactory,
    FollowUpRuleFactory,
    PatientFactory,
    SessionFactory,
)
from tests.factories.clock import ago
from tests.final_records import delete_in_sql
from tests.guards import Cases, sql

constraints = Cases()
triggers = Cases()


@constraints.refused_by("follow_up_rule_days")
def _a_check_on_the_day_itself() -> None:
    FollowUpRuleFactory(days=0)


@constraints.refused_by("follow_up_rule_open")
def _a_check_that_waits_for_no_day() -> None:
    FollowUpRuleFactory(open_days=0)


@constraints.refused_by("follow_up_once")
def _a_check_made_twice() -> None:
    made = FollowUpFactory()
    FollowUpFactory(session=made.session)


@constraints.refused_by("follow_up_answered")
def _an_answer_that_nobody_knows() -> None:
    FollowUpFactory(answer="perhaps")


@constraints.refused_by("follow_up_worded")
def _something_noticed_without_a_word() -> None:
    FollowUpFactory(answer="something")


@triggers.refused_by("follow_up_rule_published")
def _a_published_check_changed() -> None:
    rule = FollowUpRuleFactory()
    rule.question = "Are you well?"
    rule.save()


@triggers.refused_by("follow_up_append_only")
def _an_answer_changed() -> None:
    made = FollowUpFactory()
    made.words = "it was a lump"
    made.save()


@triggers.refused_by("follow_up_append_only")
def _an_answer_changed_in_sql() -> None:
    sql("UPDATE consultations_followup SET words = 'a lump' WHERE id = %s", FollowUpFactory().pk)()


@triggers.refused_by("follow_up_append_only")
def _an_answer_deleted() -> None:
    delete_in_sql(FollowUpFactory())


@triggers.refused_by("follow_up_of_a_session_given")
def _a_check_of_somebody_else() -> None:
    FollowUpFactory(patient=PatientFactory())


@triggers.refused_by("follow_up_of_a_session_given")
def _a_check_after_a_draft() -> None:
    FollowUpFactory(session=SessionFactory(started_at=ago(days=2)))


@triggers.refused_by("adverse_event_same_patient")
def _an_event_from_somebody_elses_report() -> None:
    AdverseEventFactory(report=ClinicalReportFactory())


@triggers.refused_by("adverse_event_same_patient")
def _an_event_from_somebody_elses_check() -> None:
    AdverseEventFactory(follow_up=FollowUpFactory())
