"""The addresses of the SIS side; the OneRoster API itself is served beside Django, see wsgi.py."""

from django.urls import include, path
from django.views.generic import RedirectView

from homeroom.sis.explorer.views import explorer
from homeroom.sis.records.views import data, load, loads
from homeroom.sis.rehearsal.views import rehearsal
from homeroom.sis.secured_users.configuration import api_configuration
from homeroom.sis.sharing.views import fetch_log, sharing
from homeroom.web.health import health

urlpatterns = [
    path("health", health, name="health"),
    path("sign-in/", include("allauth.urls")),
    path("", RedirectView.as_view(pattern_name="secured_users"), name="first"),
    path("secured-users/<int:user_id>/sharing/", sharing, name="secured_user_sharing"),
    path("secured-users/<int:user_id>/log/", fetch_log, name="secured_user_log"),
    path("secured-users/<int:user_id>/rehearsal/", rehearsal, name="secured_user_rehearsal"),
    path("secured-users/", include("homeroom.sis.secured_users.urls")),
    path("api-configuration/", api_configuration, name="api_configuration"),
    path("api-explorer/", explorer, name="api_explorer"),
    path("data/", data, name="data"),
    path("data/loads/", loads, name="loads"),
    path("data/loads/<int:load_id>/", load, name="load"),
]
