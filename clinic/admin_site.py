"""Django's admin, opened by the clinic's roles: no staff flag, no second sign-in, no table by accident."""

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

from django.contrib import admin, messages
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import LogoutView, redirect_to_login
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import URLPattern, URLResolver, reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.cache import never_cache

from clinic.actions import catalogue
from clinic.enums import Role
from clinic.errors import DomainError
from clinic.outside import visits_outside
from clinic.views.who_changed import address_of

View = Callable[..., HttpResponse]
Context = dict[str, Any] | None
_COUNTED = 50  # so many visits outside opening time are counted; the page lists all


def is_admin(request: HttpRequest) -> bool:
    """Whether the request comes from a signed-in, active user with the admin role (docs/security.md)."""
    return request.user.is_authenticated and request.user.has_role(Role.ADMIN)


class RolePermissions:
    """What an admin may do with a table; everybody else may do nothing. Works for pages and for inlines."""

    may_add = True
    may_change = True
    may_delete = False

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Shown on the admin's start page."""
        return is_admin(request)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Whether rows may be read."""
        return is_admin(request)

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Whether rows may be added."""
        return self.may_add and is_admin(request)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Whether rows (or this row) may be changed; also decides about a crafted POST."""
        return self.may_change and is_admin(request)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Whether rows (or this row) may be deleted; most are switched off instead."""
        return self.may_delete and is_admin(request)


class ClinicModelAdmin(RolePermissions, admin.ModelAdmin):
    """A page of the admin. A refusal comes back as a sentence, not as an error page."""

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """The stock view; a no at the last moment costs only this save."""
        return self._explained(request, super().changeform_view, *args, **kwargs)

    def history_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        """Who changed this row, on whatever page and beside all pages: not only what was done in the admin."""
        row = self.get_object(request, object_id)
        address = address_of(row) if row is not None and self.has_view_permission(request, row) else ""
        return redirect(address) if address else super().history_view(request, object_id, *args, **kwargs)

    def delete_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """The stock view; a no keeps the row."""
        return self._explained(request, super().delete_view, *args, **kwargs)

    def _explained(self, request: HttpRequest, view: View, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except DomainError as refusal:
            sentence = refusal.message
        except IntegrityError:
            sentence = _("Not saved: it contradicts what is on record, or someone was quicker. Look again.")
        self.message_user(request, sentence, messages.ERROR)
        return HttpResponseRedirect(request.get_full_path())


class ReadOnlyAdmin(ClinicModelAdmin):
    """A table that is looked at here and written elsewhere, or never."""

    may_add = may_change = False


class BookableAdmin(ClinicModelAdmin):
    """What can be booked: saved under the locks of booking; then says which upcoming visits the change leaves outside.

    `of` is the name by which the page of these visits is narrowed to this entry.
    """

    of = ""

    def save_model(self, request: HttpRequest, obj: Model, form: Any, change: bool) -> None:
        """Through the action, which takes the locks."""
        catalogue.keep(entry=obj, by=request.user, at=timezone.now())

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """When everything is written."""
        super().save_related(request, form, formsets, change)
        self.say_what_is_outside(request, form.instance)

    def narrowed_to(self, entry: Any) -> Model:
        """Whose visits are looked at."""
        return entry

    def say_what_is_outside(self, request: HttpRequest, entry: Any) -> None:
        """How many visits stand outside opening time now, and where they are listed. None was deleted."""
        chosen = self.narrowed_to(entry)
        found, has_more = visits_outside(at=timezone.now(), offset=0, limit=_COUNTED, **{self.of: chosen})
        if not found:
            return
        sentence = ngettext(
            "%(count)d upcoming visit stands outside opening time now; nothing was deleted.",
            "%(count)d upcoming visits stand outside opening time now; nothing was deleted.",
            len(found),
        )
        count = _("More than %(count)d") % {"count": len(found)} if has_more else len(found)
        address = f"{reverse('clinic:opening_outside')}?{self.of}={chosen.pk}"
        said = format_html(
            '{} <a href="{}">{}</a>', sentence.replace("%(count)d", str(count)), address, _("Look at them")
        )
        self.message_user(request, said, messages.WARNING)


class ClinicInline(RolePermissions, admin.TabularInline):
    """Rows of a child table on the parent's page."""

    extra = 0


class ClinicAdminSite(admin.AdminSite):
    """The admin for people with the admin role. A table shows only when its admin class knows the roles."""

    site_header = gettext_lazy("Mesoclinic administration")
    site_title = gettext_lazy("Mesoclinic administration")
    index_title = gettext_lazy("Reference data, opening hours and users")
    site_url = "/"
    enable_nav_sidebar = True

    def __init__(self, name: str = "admin") -> None:
        super().__init__(name)
        # Tables that stand together under a title, on the start page and beside every page; each app adds its own.
        self.groups: list[tuple[Any, Sequence[type[Model]]]] = []
        # Rows go one by one, each with its own question; most cannot go at all.
        self.disable_action("delete_selected")

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        """Third-party tables come with Django's permissions, which mean nothing here: they stay out."""
        if admin_class is not None and issubclass(admin_class, RolePermissions):
            super().register(model_or_iterable, admin_class, **options)

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """Grouped by what people look for; what is in no group stands last, under its app, and so does all on an app's page."""
        apps = super().get_app_list(request, app_label)
        if app_label:
            return apps
        rows = {row["model"]: row for app in apps for row in app["models"]}
        found = []
        for number, (title, models) in enumerate(self.groups):
            if mine := [rows.pop(model) for model in models if model in rows]:
                label = f"group-{number}"
                first = f"#{label}-{mine[0]['object_name'].lower()}"  # there is no page of a group
                found.append({"name": title, "app_label": label, "app_url": first, "models": mine})
        for app in apps:
            app["models"] = [row for row in app["models"] if row["model"] in rows]
        return [*found, *(app for app in apps if app["models"])]

    def get_urls(self) -> list[URLPattern | URLResolver]:
        """Without "view on site": nothing here has a page there, and it would look up any row of any table."""
        return [each for each in super().get_urls() if getattr(each, "name", "") != "view_on_site"]

    def has_permission(self, request: HttpRequest) -> bool:
        """The role decides; `is_staff` does not matter."""
        return is_admin(request)

    def admin_view(self, view: View, cacheable: bool = False) -> View:
        """Signed-in people without the role are refused, not sent to a sign-in page they have passed."""
        inner = super().admin_view(view, cacheable)

        @wraps(inner)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if request.user.is_authenticated and not self.has_permission(request):
                raise PermissionDenied(_("These pages are for admins. Ask one to make this change."))
            return inner(request, *args, **kwargs)

        return guarded

    @method_decorator(never_cache)
    @login_not_required
    def login(self, request: HttpRequest, extra_context: Context = None) -> HttpResponse:
        """There is one sign-in, with its rate limits and second factor; this address only points to it."""
        index = reverse("admin:index", current_app=self.name)
        if request.user.is_authenticated:
            return HttpResponseRedirect(index)
        return redirect_to_login(request.GET.get(REDIRECT_FIELD_NAME, index), reverse("account_login"))

    def logout(self, request: HttpRequest, extra_context: Context = None) -> HttpResponse:
        """Sign out and land on the one sign-in page."""
        return LogoutView.as_view(next_page=reverse("account_login"))(request)

    def password_change(self, request: HttpRequest, extra_context: Context = None) -> HttpResponse:
        """Passwords change on the account page, behind its re-authentication."""
        return HttpResponseRedirect(reverse("account_change_password"))
