"""Data: what is served, in numbers, and the history of loads with their problems."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from homeroom.sis.records.models import Load
from homeroom.sis.records.status import schools
from homeroom.sis.records.store import counts
from homeroom.web.spreadsheet import download, moment, searched

SCHOOLS = ("School", "Number", "sourcedId", "Students", "Teachers", "Others")
LOADS = ("When (UTC)", "Source", "Seconds", "Records", "Problems")
PROBLEMS = ("Code", "Where", "Field", "How many", "First in row", "What", "Cure")
ON_A_PAGE = 50


@login_required
def data(request: HttpRequest) -> HttpResponse:
    """Counts by kind, by school and role, and the last loads. Query: q (words of a school), format=csv."""
    words = request.GET.get("q", "").strip()
    known = counts()
    rows = [_row(school, known["schools"].get(school["sourcedId"], {})) for school in schools()]
    rows = [row for row in rows if _has(words, row["name"], row["identifier"], row["sourced_id"])]
    if request.GET.get("format") == "csv":
        return download("schools", SCHOOLS, ([*row.values()] for row in rows))
    shown = {"area": "data", "kinds": known["kinds"], "rows": rows, "words": words, "query": searched(words)}
    return render(request, "records/data.html", shown | {"loads": _loads("")[:5]})


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


def _has(words: str, *texts: object) -> bool:
    """Whether one of some texts has the words."""
    return any(words.casefold() in str(text).casefold() for text in texts)


@login_required
def loads(request: HttpRequest) -> HttpResponse:
    """Every load, newest first. Query: q (words of the source), page, format=csv."""
    words = request.GET.get("q", "").strip()
    found = _loads(words)
    if request.GET.get("format") == "csv":
        rows = (
            (moment(one.at), one.source, one.seconds, sum(one.counts.values()), _number(one)) for one in found
        )
        return download("loads", LOADS, rows)
    page = Paginator(found, ON_A_PAGE).get_page(request.GET.get("page"))
    shown = {"area": "data", "page": page, "words": words, "query": searched(words)}
    return render(request, "records/loads.html", shown)


def _loads(words: str) -> Any:
    return Load.objects.filter(source__icontains=words) if words else Load.objects.all()


def _number(load: Load) -> int:
    return sum(problem["count"] for problem in load.problems)


@login_required
def load(request: HttpRequest, load_id: int) -> HttpResponse:
    """One load: what came, and its problems by code, each with its cure. Query: q (words of a problem), format=csv."""
    one = get_object_or_404(Load, pk=load_id)
    words = request.GET.get("q", "").strip()
    problems = [
        problem
        for problem in sorted(one.problems, key=lambda problem: -problem["count"])
        if _has(words, problem["code"], problem["where"], problem["field"], problem["message"])
    ]
    if request.GET.get("format") == "csv":
        names = ("code", "where", "field", "count", "first_row", "message", "cure")
        return download("problems", PROBLEMS, ([problem[name] for name in names] for problem in problems))
    shown = {"area": "data", "load": one, "problems": problems, "number": _number(one), "words": words}
    return render(request, "records/load.html", shown | {"query": searched(words)})
