"""Another decision of the clinic about the pathway as a whole, at a moment of the tests' own time."""

from datetime import datetime
from typing import Any

from consultations.models import PathwayPolicy
from consultations.queries import policy_in_force
from tests.factories import PathwayPolicyFactory
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
