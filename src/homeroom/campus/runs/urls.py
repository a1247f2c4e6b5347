"""Runs of a school's connection, and its people one by one."""

from django.urls import path

from homeroom.campus.runs import person, views

urlpatterns = [
    path("rostering/runs/", views.runs, name="runs"),
    path("rostering/runs/<int:run_id>/", views.run, name="run"),
    path("rostering/runs/<int:run_id>/progress/", views.progress, name="run_progress"),
    path("rostering/runs/<int:run_id>/decide/", views.decide, name="run_decide"),
    path("people/<int:person_id>/", person.person, name="person"),
    path("people/<int:person_id>/change/", person.change, name="person_change"),
]
