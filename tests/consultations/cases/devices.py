"""The device of a session."""

from consultations.models import Session
from tests.factories import DeviceCareFactory, DeviceFactory, SessionFactory
from tests.guards import Cases

triggers = Cases()


@triggers.refused_by("session_device_in_use")
def _a_session_signed_with_a_device_that_is_out_of_use() -> None:
    device = DeviceFactory()
    DeviceCareFactory(device=device, out=True)
    SessionFactory(device=device, signed=True)
    assert Session.objects.filter(device=device, signed_at__isnull=False).exists()
