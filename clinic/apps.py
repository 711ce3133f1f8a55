"""The front desk, and the project package."""

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class ClinicConfig(AppConfig):
    """Registers the desk."""

    name = "clinic"
    verbose_name = _("Front desk")

    def ready(self) -> None:
        """Every migrate reinstalls pgtrigger's switch for ignoring triggers; close it again each time."""
        from clinic import deployment, web_role  # noqa: F401  # register checks; models must be loaded first
        from clinic.db import close_trigger_switch  # models must be loaded first

        post_migrate.connect(close_trigger_switch, dispatch_uid="clinic.close_trigger_switch")


class ClinicAdminConfig(AdminConfig):
    """Django's admin with the clinic's own site: roles instead of staff flags."""

    default_site = "clinic.admin_site.ClinicAdminSite"
