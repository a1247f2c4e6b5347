"""The addresses of the site."""

from django.urls import include, path

from homeroom.web.health import health

urlpatterns = [
    path("health", health, name="health"),
    path("sign-in/", include("allauth.urls")),
]
