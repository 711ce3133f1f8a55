"""Plans and their sessions-to-be."""

from typing import Any

import factory
from factory.django import DjangoModelFactory

from consultations.enums import IntervalUnit, PlanStatus
from consultations.models import Plan, PlannedSession
from tests.factories.clock import ago
from tests.factories.consultations import ConsultationFactory
from tests.factories.formulas import FormulaFactory
from tests.factories.people import PatientFactory
from tests.factories.reference import (
    IndicationFactory,
    PatchTestPolicyFactory,
    PlanTemplateFactory,
    TechniqueFactory,
)
from tests.factories.users import UserFactory

_P = PlanStatus
_WAY = {
    _P.PROPOSED: [],
    _P.ACTIVE: [_P.ACTIVE],
    _P.ON_HOLD: [_P.ACTIVE, _P.ON_HOLD],
    _P.STOPPED: [_P.STOPPED],
    _P.COMPLETED: [_P.ACTIVE, _P.COMPLETED],
}


class PlanFactory(DjangoModelFactory):
    """An active plan of three sessions a week apart, after a signed consultation that found the patient eligible.

    `sessions` is how many; `interval_days` and `min_gap_days` say how far apart; `requirement` of the test policy is
    passed as `test_policy__requirement`. `own_formula` is what all its sessions are given with instead. Any `status` may
    be asked for: the plan is born proposed and walks there. Whoever made it is who consulted, and whose consents, tests,
    readings and sessions of it are, unless others are named.
    """

    class Meta:
        model = Plan

    patient = factory.SubFactory(PatientFactory, created_by=factory.SelfAttribute("..created_by"))
    consultation = factory.SubFactory(
        ConsultationFactory,
        signed=True,
        patient=factory.SelfAttribute("..patient"),
        indication=factory.SelfAttribute("..indication"),
        signed_by=factory.SelfAttribute("..created_by"),
    )
    indication = factory.SubFactory(IndicationFactory)
    technique = factory.SubFactory(TechniqueFactory)
    formula = factory.SubFactory(FormulaFactory)
    template = factory.SubFactory(PlanTemplateFactory)
    test_policy = factory.SubFactory(PatchTestPolicyFactory)
    status = PlanStatus.ACTIVE
    created_at = factory.LazyFunction(lambda: ago(days=30))
    created_by = factory.SubFactory(UserFactory, practitioner=True)
    sessions = 3
    interval_days = 7
    min_gap_days = 6
    own_formula = None

    @classmethod
    def _generate(cls, strategy: str, params: dict[str, Any]) -> Plan:
        """A given consultation brings its patient and indication."""
        if consultation := params.get("consultation"):
            params.setdefault("patient", consultation.patient)
            if consultation.indication:
                params.setdefault("indication", consultation.indication)
        return super()._generate(strategy, params)

    @classmethod
    def _create(cls, model_class: type[Plan], *args: Any, **kwargs: Any) -> Plan:
        sessions, days, gap = (kwargs.pop(name) for name in ("sessions", "interval_days", "min_gap_days"))
        wanted, own = kwargs.pop("status"), kwargs.pop("own_formula")
        plan = super()._create(model_class, *args, **kwargs)
        PlannedSession.objects.bulk_create(
            PlannedSessionFactory.build(
                plan=plan, ordinal=ordinal, interval=days, min_gap_days=gap, formula=own
            )
            for ordinal in range(1, sessions + 1)
        )
        for status in _WAY[wanted]:
            plan.status = status
            plan.save(update_fields=["status"])
        return plan


class PlannedSessionFactory(DjangoModelFactory):
    """One more session of a plan that is still only proposed."""

    class Meta:
        model = PlannedSession

    plan = factory.SubFactory(PlanFactory, sessions=0, status=PlanStatus.PROPOSED)
    ordinal = 1
    interval = 7
    unit = IntervalUnit.DAYS
    min_gap_days = 6
