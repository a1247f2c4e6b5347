"""The addresses of the school app."""

from django.urls import include, path

from homeroom.web.health import health

urlpatterns = [
    path("health", health, name="health"),
    path("sign-in/", include("allauth.urls")),
    path("", include("homeroom.campus.schools.urls")),
    path("schools/<int:school_id>/", include("homeroom.campus.people.urls")),
    path("schools/<int:school_id>/", include("homeroom.campus.connections.urls")),
    path("schools/<int:school_id>/", include("homeroom.campus.runs.urls")),
]
