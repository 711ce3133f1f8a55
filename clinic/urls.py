"""Every address of the product."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView

from clinic.views import second_factor

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("clinic.desk_urls")),
    path("", include("consultations.urls")),
    # In front of allauth's own, of which they make more.
    # Addresses are kept by the admins: a new password goes to them.
    path(
        "accounts/email/", RedirectView.as_view(pattern_name="account_change_password"), name="account_email"
    ),
    path("accounts/2fa/", second_factor.index, name="mfa_index"),
    path("accounts/2fa/totp/activate/", second_factor.activate_totp, name="mfa_activate_totp"),
    path("accounts/2fa/totp/deactivate/", second_factor.deactivate_totp, name="mfa_deactivate_totp"),
    path(
        "accounts/2fa/recovery-codes/generate/",
        second_factor.new_recovery_codes,
        name="mfa_generate_recovery_codes",
    ),
    path("accounts/2fa/webauthn/add/", second_factor.add_passkey, name="mfa_add_webauthn"),
    path(
        "accounts/2fa/webauthn/keys/<int:pk>/remove/",
        second_factor.remove_passkey,
        name="mfa_remove_webauthn",
    ),
    path("accounts/", include("allauth.urls")),
    path("admin/", admin.site.urls),
]

handler400 = "clinic.views.errors.bad_request"
handler500 = "clinic.views.errors.server_error"
