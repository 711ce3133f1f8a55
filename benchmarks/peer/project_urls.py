"""The peer's addresses, where its documentation puts them."""

from django.urls import include, path

urlpatterns = [path("", include("appointment.urls"))]
