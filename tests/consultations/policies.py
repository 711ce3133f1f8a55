"""Other decisions of the clinic about the pathway."""

from datetime import datetime
from typing import Any

from django.utils import timezone

from consultations.enums import RetestTrigger
from consultations.models import PathwayPolicy, RetestRule
from consultations.queries import policy_in_force
from tests.factories import PathwayPolicyFactory, RetestRuleFactory
from tests.factories.clock import ago
from tests.guards import check_deferred, sql


def decided(at: datetime, **numbers: Any) -> PathwayPolicy:
    """A version with these numbers counts from the moment on; what ships is made older than everything in the tests."""
    first = policy_in_force(at)
    (trigger,) = [each for each in PathwayPolicy._meta.triggers if each.name == "pathway_policy_published"]
    switch = f'ALTER TABLE consultations_pathwaypolicy {{}} TRIGGER "{trigger.get_pgid(PathwayPolicy)}"'
    check_deferred()
    sql(switch.format("DISABLE"))()
    PathwayPolicy.objects.filter(pk=first.pk).update(published_at=ago(days=800), retired_at=at)
    sql(switch.format("ENABLE"))()
    return PathwayPolicyFactory(code="default", version=2, published_at=at, **numbers)


def retest_decided(trigger: RetestTrigger, *, question_code: str = "", **rule: Any) -> RetestRule:
    """The clinic's rule about the change from now on, in place of the one that ships."""
    old = RetestRule.objects.current().filter(trigger=trigger, question_code=question_code).first()
    if old is not None:
        RetestRule.objects.filter(pk=old.pk).update(retired_at=timezone.now())
        rule |= {"code": old.code, "version": old.version + 1}
    return RetestRuleFactory(
        trigger=trigger, question_code=question_code, published_at=timezone.now(), **rule
    )
