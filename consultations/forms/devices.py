"""The device of a session: what is out of use can be seen and not chosen, with the reason."""

from datetime import date, datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from clinic.models import Device
from clinic.models.device_care import with_use
from consultations.dates import in_words


class DeviceSelect(forms.Select):
    """A device that is out of use stands in the list, greyed out."""

    may_all = False

    def create_option(self, name: str, value: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """The option, disabled where its device cannot be used."""
        option = super().create_option(name, value, *args, **kwargs)
        device = getattr(value, "instance", None)
        if device is not None and device.out_of_use_because is not None and not self.may_all:
            option["attrs"]["disabled"] = True
        return option


class DeviceField(forms.ModelChoiceField):
    """Devices of one kind as they stand at the session. `fit` says which."""

    widget = DeviceSelect

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(queryset=Device.objects.none(), **kwargs)

    def fit(self, *, kind: str, since: datetime, until: datetime, may_all: bool, today: date) -> None:
        """`since` the session began, `until` now; a deviation may name any device (`may_all`), because it was used."""
        self.may_all, self.today = may_all, today
        self.widget.may_all = may_all
        self.queryset = with_use(Device.objects.active().filter(kind=kind), since, until)

    def label_from_instance(self, obj: Any) -> str:
        """The name, and what speaks against it."""
        if obj.out_of_use_because is not None:
            return str(_("%(device)s: out of use, %(why)s") % {"device": obj, "why": obj.out_of_use_because})
        if obj.service_due_on and obj.service_due_on < self.today:
            since = in_words(obj.service_due_on)
            return str(_("%(device)s: service due since %(day)s") % {"device": obj, "day": since})
        return str(obj)

    def to_python(self, value: Any) -> Any:
        """The device, unless it is out of use."""
        device = super().to_python(value)
        if device is not None and device.out_of_use_because is not None and not self.may_all:
            words = _("%(device)s is out of use: %(why)s. Choose the device you used.")
            said = {"device": device, "why": device.out_of_use_because}
            raise ValidationError(words % said, code="device_out_of_use")
        return device
