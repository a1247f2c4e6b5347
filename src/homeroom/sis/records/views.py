"""Data: what is served, in numbers, and the history of loads with their problems."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from homeroom.sis.records.models import Load
from homeroom.sis.records.status import schools
from homeroom.sis.records.store import counts
from homeroom.web.spreadsheet import download

COLUMNS = ("School", "Number", "sourcedId", "Students", "Teachers", "Others")


@login_required
def data(request: HttpRequest) -> HttpResponse:
    """Counts by kind, by school and role; loads, newest first. Query: q (words of a school), format=csv."""
    known, words = counts(), request.GET.get("q", "").strip().casefold()
    rows = [_row(school, known["schools"].get(school["sourcedId"], {})) for school in schools()]
    rows = [row for row in rows if words in str(row["name"]).casefold() or words == row["identifier"]]
    if request.GET.get("format") == "csv":
        return download("data", COLUMNS, ([*row.values()] for row in rows))
    loads = Load.objects.all()[:20]
    shown = {
        "area": "data",
        "kinds": known["kinds"],
        "rows": rows,
        "loads": loads,
        "words": request.GET.get("q", ""),
    }
    return render(request, "records/data.html", shown)


def _row(school: dict[str, str], roles: dict[str, int]) -> dict[str, str | int]:
    students, teachers = roles.get("student", 0), roles.get("teacher", 0)
    return {
        "name": school["name"],
        "identifier": school["identifier"],
        "sourced_id": school["sourcedId"],
        "students": students,
        "teachers": teachers,
        "others": sum(roles.values()) - students - teachers,
    }
