"""The directory of a school."""

from django.urls import path

from homeroom.campus.people.views import people

urlpatterns = [path("people/", people, name="people")]
