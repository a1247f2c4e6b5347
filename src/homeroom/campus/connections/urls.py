"""People > Rostering: set-up and sync settings of a school."""

from django.urls import path

from homeroom.campus.connections import answer, csv_views, leaving, views

urlpatterns = [
    path("rostering/", views.set_up, name="rostering"),
    path("rostering/method/", views.method, name="rostering_method"),
    path("rostering/csv/", csv_views.set_up, name="rostering_csv"),
    path("rostering/csv/forget/", csv_views.forget, name="rostering_csv_forget"),
    path("rostering/help/", views.sis_help, name="rostering_help"),
    path("rostering/test/", answer.test_answer, name="test_answer"),
    path("rostering/test/people/", answer.test_sample, name="test_sample"),
    path("people/leaving/", leaving.leaving_soon, name="leaving"),
]
