"""Consultations, their answers, and what is added to records."""

from consultations.enums import (
    Answer,
    AnswerSource,
    Decision,
    Outcome,
)
from consultations.models import (
    ContraindicationAnswer,
    DiscussedRisk,
)
from tests.factories import (
    AddendumFactory,
    CheckInFactory,
    CheckInQuestionFactory,
    ConsentFactory,
    ConsultationConfirmationFactory,
    ConsultationFactory,
    ContraindicationAnswerFactory,
    ContraindicationQuestionFactory,
    EnteredInErrorFactory,
    EvidenceDiscussedFactory,
    HealthAnswerFactory,
    LeafletFactory,
    LeafletHandoutFactory,
    PatchTestFactory,
    PatientFactory,
    PlanFactory,
    PlanStopFactory,
    ReactionTypeFactory,
    UserFactory,
)
from tests.factories.clock import CLINIC_NOW, ago
from tests.final_records import Child, Record, children, delete_in_sql, records
from tests.guards import Cases

constraints = Cases()
triggers = Cases()

records(
    triggers,
    Record(lambda: ConsultationFactory(signed=True), "history", "consultation_signed", opens=True),
    Record(
        lambda: EnteredInErrorFactory(consent=ConsentFactory(), confirmed=True),
        "reason",
        "entered_in_error_signed",
    ),
    Record(AddendumFactory, "text", "addendum_append_only"),
    Record(HealthAnswerFactory, "note", "health_answer_append_only"),
    Record(lambda: CheckInFactory(open=True, reviewed=True), "review_note", "check_in_signed"),
    Record(lambda: PlanStopFactory(lifted=True), "lift_reason", "plan_stop_signed"),
    Record(ConsultationConfirmationFactory, "note", "consultation_confirmation_append_only"),
    Record(LeafletHandoutFactory, "handed_to", "leaflet_handout_append_only"),
)
children(
    triggers,
    Child(
        DiscussedRisk,
        lambda: ConsultationFactory(signed=True, risks=[ReactionTypeFactory()]),
        "consultation",
        lambda _consultation: {"reaction": ReactionTypeFactory()},
    ),
    Child(
        ContraindicationAnswer,
        lambda: ConsultationFactory(signed=True, answers=[{}]),
        "consultation",
        lambda _consultation: {"question": ContraindicationQuestionFactory(), "answer": "no"},
    ),
)


@triggers.refused_by("evidence_discussed_parent_signed")
def _evidence_said_to_have_been_discussed_after_the_signature() -> None:
    EvidenceDiscussedFactory(consultation=ConsultationFactory(signed=True))


@triggers.refused_by("evidence_discussed_parent_signed")
def _what_was_said_of_the_evidence_changed_after_the_signature() -> None:
    row = ConsultationFactory(signed=True, evidence=[{}]).evidence_discussed
    type(row).objects.filter(pk=row.pk).update(indication_words="For: everything.")


@triggers.refused_by("evidence_discussed_parent_signed")
def _what_was_said_of_the_evidence_deleted_after_the_signature() -> None:
    delete_in_sql(ConsultationFactory(signed=True, evidence=[{}]).evidence_discussed)


@constraints.refused_by("leaflet_handout_to_somebody")
def _a_leaflet_handed_to_nobody() -> None:
    LeafletHandoutFactory(handed_to="")


@constraints.refused_by("leaflet_handout_way_known")
def _a_leaflet_handed_out_in_no_known_way() -> None:
    LeafletHandoutFactory(way="pigeon")


@triggers.refused_by("leaflet_handout_fits")
def _a_leaflet_on_the_plan_of_another_patient() -> None:
    LeafletHandoutFactory(plan=PlanFactory())


@triggers.refused_by("leaflet_handout_fits")
def _a_leaflet_at_the_consultation_of_another_patient() -> None:
    LeafletHandoutFactory(consultation=ConsultationFactory())


@triggers.refused_by("leaflet_handout_fits")
def _a_leaflet_handed_out_that_is_only_a_draft() -> None:
    LeafletHandoutFactory(leaflet=LeafletFactory(published_at=None))


@triggers.refused_by("entered_in_error_signed")
def _an_error_deleted_before_it_is_confirmed() -> None:
    delete_in_sql(EnteredInErrorFactory(consent=ConsentFactory()))


@constraints.refused_by("consultation_signed_together")
def _a_consultation_signed_by_nobody() -> None:
    ConsultationFactory(signed=True, signed_by=None)


@constraints.refused_by("consultation_signed_with_outcome")
def _a_consultation_signed_without_an_outcome() -> None:
    ConsultationFactory(signed=True, outcome="", outcome_reason="forgot")


@constraints.refused_by("consultation_signed_with_outcome")
def _a_consultation_signed_without_an_indication() -> None:
    ConsultationFactory(signed=True, indication=None)


@constraints.refused_by("consultation_deferred_until")
def _a_deferral_without_a_date() -> None:
    ConsultationFactory(outcome=Outcome.DEFERRED)


@constraints.refused_by("consultation_reason_given")
def _conditions_that_are_not_named() -> None:
    ConsultationFactory(signed=True, outcome=Outcome.CONDITIONS)


@constraints.refused_by("consultation_weight_sane")
def _a_patient_of_one_kilogram() -> None:
    ConsultationFactory(weight_kg=1)


@constraints.refused_by("discussed_risk_once")
def _a_risk_discussed_twice() -> None:
    risk = ReactionTypeFactory()
    ConsultationFactory(risks=[risk, risk])


@constraints.refused_by("contraindication_answer_once")
def _a_question_answered_twice() -> None:
    question = ContraindicationQuestionFactory()
    ConsultationFactory(answers=[{"question": question}, {"question": question}])


@constraints.refused_by("contraindication_answer_decided")
def _a_yes_without_a_decision() -> None:
    ContraindicationAnswerFactory(answer=Answer.YES)


@constraints.refused_by("contraindication_answer_decided")
def _a_no_with_a_decision() -> None:
    ContraindicationAnswerFactory(answer=Answer.NO, decision=Decision.ASK)


@constraints.refused_by("contraindication_answer_event")
def _a_no_with_the_day_of_an_event() -> None:
    ContraindicationAnswerFactory(answer=Answer.NO, event_on=CLINIC_NOW.date())


@constraints.refused_by("contraindication_answer_deferred")
def _an_answer_that_defers_without_a_date() -> None:
    ContraindicationAnswerFactory(answer=Answer.YES, decision=Decision.DEFER)


@constraints.refused_by("addendum_of_one_record")
def _an_addendum_to_nothing() -> None:
    AddendumFactory(consultation=None)


@constraints.refused_by("addendum_of_one_record")
def _an_addendum_to_two_records() -> None:
    AddendumFactory(patch_test=PatchTestFactory())


@constraints.refused_by("addendum_not_empty")
def _an_addendum_that_says_nothing() -> None:
    AddendumFactory(text="")


@constraints.refused_by("entered_in_error_one_record")
def _an_error_in_no_record() -> None:
    EnteredInErrorFactory()


@constraints.refused_by("entered_in_error_one_record")
def _one_error_in_two_records() -> None:
    consent = ConsentFactory()
    EnteredInErrorFactory(consent=consent, consultation=consent.plan.consultation)


@constraints.refused_by("entered_in_error_one_record")
def _one_error_in_a_leaflet_and_its_consultation() -> None:
    plan = PlanFactory()
    handout = LeafletHandoutFactory(patient=plan.patient, plan=plan, consultation=plan.consultation)
    EnteredInErrorFactory(leaflet_handout=handout, consultation=plan.consultation)


@triggers.refused_by("entered_in_error_signed")
def _the_error_of_a_leaflet_taken_back_once_it_is_confirmed() -> None:
    row = EnteredInErrorFactory(leaflet_handout=LeafletHandoutFactory(), confirmed=True)
    row.leaflet_handout = LeafletHandoutFactory()
    row.save()


@constraints.refused_by("entered_in_error_confirmed_together")
def _a_confirmation_by_nobody() -> None:
    EnteredInErrorFactory(consent=ConsentFactory(), confirmed_at=CLINIC_NOW)


@constraints.refused_by("entered_in_error_second_person")
def _a_confirmation_by_who_asked() -> None:
    user = UserFactory()
    EnteredInErrorFactory(consent=ConsentFactory(), confirmed=True, requested_by=user, confirmed_by=user)


@constraints.refused_by("entered_in_error_reason")
def _an_error_without_a_reason() -> None:
    EnteredInErrorFactory(consent=ConsentFactory(), reason="")


@triggers.refused_by("consultation_suitable")
def _an_eligible_patient_with_a_block() -> None:
    ConsultationFactory(signed=True, answers=[{"yes": True}])


@triggers.refused_by("consultation_suitable")
def _a_block_that_is_not_known_to_be_absent() -> None:
    ConsultationFactory(signed=True, answers=[{"answer": "unknown", "decision": Decision.BLOCK}])


@triggers.refused_by("consultation_suitable")
def _an_override_without_a_reason() -> None:
    ConsultationFactory(
        signed=True,
        outcome="eligible_with_conditions",
        outcome_reason="with care",
        answers=[{"answer": "yes", "decision": Decision.OVERRIDE}],
    )


@triggers.refused_by("consultation_confirmation_signed")
def _a_draft_confirmed() -> None:
    ConsultationConfirmationFactory(consultation=ConsultationFactory())


@triggers.refused_by("consultation_confirmation_signed")
def _a_confirmation_before_the_signature() -> None:
    ConsultationConfirmationFactory(confirmed_at=ago(days=31))


@triggers.refused_by("consultation_confirmation_signed")
def _a_deferral_confirmed_as_if_it_had_found_the_patient_suitable() -> None:
    ended = {"outcome": Outcome.NOT_ELIGIBLE, "outcome_reason": "pregnant"}
    ConsultationConfirmationFactory(consultation=ConsultationFactory(signed=True, **ended))


@constraints.refused_by("check_in_question_asked")
def _a_question_that_is_asked_before_no_visit() -> None:
    CheckInQuestionFactory(before_sessions=False, before_tests=False)


@constraints.refused_by("check_in_question_quiet")
def _days_that_count_from_no_day() -> None:
    CheckInQuestionFactory(quiet_after_days=2)


@constraints.refused_by("check_in_answered_together")
def _answers_that_do_not_say_whether_they_need_eyes() -> None:
    CheckInFactory(answered_at=CLINIC_NOW)


@constraints.refused_by("check_in_reviewed_together")
def _a_review_by_nobody() -> None:
    CheckInFactory(open=True, reviewed=True, reviewed_by=None)


@constraints.refused_by("check_in_review_worded")
def _a_review_without_a_word() -> None:
    CheckInFactory(open=True, reviewed=True, review_note="")


@constraints.refused_by("health_answer_check_in")
def _an_answer_on_the_phone_that_belongs_to_a_check_in() -> None:
    check_in = CheckInFactory(open=True)
    HealthAnswerFactory(patient=check_in.patient, check_in=check_in)


@triggers.refused_by("check_in_same_patient")
def _a_check_in_for_the_visit_of_another_patient() -> None:
    CheckInFactory(patient=PatientFactory())


@triggers.refused_by("check_in_signed")
def _an_answered_check_in_answered_again() -> None:
    check_in = CheckInFactory(open=True)
    type(check_in).objects.filter(pk=check_in.pk).update(needs_review=False)


@triggers.refused_by("check_in_signed")
def _what_was_said_at_a_check_in_taken_away() -> None:
    check_in = CheckInFactory(open=True)
    type(check_in).objects.filter(pk=check_in.pk).update(said=[])


@triggers.refused_by("check_in_signed")
def _a_review_taken_back() -> None:
    check_in = CheckInFactory(open=True, reviewed=True)
    type(check_in).objects.filter(pk=check_in.pk).update(reviewed_at=None, reviewed_by=None, review_note=None)


@triggers.refused_by("check_in_signed")
def _a_check_in_that_moves_to_another_moment() -> None:
    check_in = CheckInFactory()
    type(check_in).objects.filter(pk=check_in.pk).update(asked_at=ago(days=1))


@triggers.refused_by("check_in_signed")
def _a_check_in_deleted() -> None:
    delete_in_sql(CheckInFactory())


@triggers.refused_by("health_answer_same_patient")
def _an_answer_of_one_patient_at_the_check_in_of_another() -> None:
    HealthAnswerFactory(check_in=CheckInFactory(open=True), source=AnswerSource.CHECK_IN)


@constraints.refused_by("health_answer_event_unknown")
def _a_day_that_is_told_and_not_known() -> None:
    HealthAnswerFactory(event_on=CLINIC_NOW.date(), event_unknown=True)


@constraints.refused_by("health_answer_event_unknown")
def _a_no_of_which_nobody_knows_the_day() -> None:
    HealthAnswerFactory(answer=Answer.NO, event_unknown=True)


@constraints.refused_by("contraindication_answer_event_unknown")
def _a_day_that_is_told_and_not_known_at_the_consultation() -> None:
    ContraindicationAnswerFactory(
        answer=Answer.YES,
        decision=Decision.ASK,
        event_on=CLINIC_NOW.date(),
        event_unknown=True,
    )


@constraints.refused_by("health_answer_event")
def _a_no_since_the_consultation_with_the_day_of_an_event() -> None:
    HealthAnswerFactory(answer=Answer.NO, event_on=CLINIC_NOW.date())


@constraints.refused_by("plan_stop_once")
def _one_answer_that_stops_a_plan_twice() -> None:
    stop = PlanStopFactory()
    PlanStopFactory(plan=stop.plan, answer=stop.answer)


@constraints.refused_by("plan_stop_decided")
def _a_wait_without_a_day() -> None:
    PlanStopFactory(decision=Decision.DEFER)


@constraints.refused_by("plan_stop_decided")
def _a_stop_that_only_needs_care() -> None:
    PlanStopFactory(decision=Decision.ASK)


@constraints.refused_by("plan_stop_lifted_together")
def _a_stop_lifted_by_nobody() -> None:
    PlanStopFactory(lifted=True, lifted_by=None)


@triggers.refused_by("plan_stop_same_patient")
def _an_answer_of_one_patient_that_stops_the_plan_of_another() -> None:
    PlanStopFactory(answer=HealthAnswerFactory())


@triggers.refused_by("plan_stop_signed")
def _a_standing_stop_whose_day_is_moved() -> None:
    stop = PlanStopFactory(decision=Decision.DEFER, defer_until=CLINIC_NOW.date())
    type(stop).objects.filter(pk=stop.pk).update(defer_until=ago(days=9).date())


@triggers.refused_by("plan_stop_signed")
def _a_standing_stop_deleted() -> None:
    delete_in_sql(PlanStopFactory())
