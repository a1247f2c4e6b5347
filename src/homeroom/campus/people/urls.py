"""The directory of a school."""

from django.urls import path

from homeroom.campus.people.contact_pages import parents
from homeroom.campus.people.views import people

urlpatterns = [
    path("people/", people, name="people"),
    path("rostering/parents/", parents, name="parents"),
]
