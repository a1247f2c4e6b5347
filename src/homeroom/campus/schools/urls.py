"""The first page."""

from django.urls import path

from homeroom.campus.schools.views import schools

urlpatterns = [path("", schools, name="schools")]
