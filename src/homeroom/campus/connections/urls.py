"""People > Rostering: set-up and sync settings of a school."""

from django.urls import path

from homeroom.campus.connections import views

urlpatterns = [
    path("rostering/", views.set_up, name="rostering"),
    path("rostering/help/", views.sis_help, name="rostering_help"),
    path("rostering/settings/", views.sync_settings, name="sync_settings"),
]
