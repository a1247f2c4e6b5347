"""Who a preview lets through, and for any person why or why not: the verdict of the rules on each stored record of a school."""

from typing import Any

import msgspec
from django.core.paginator import Paginator
from django.db.models import Count, Q, QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import render

from homeroom.campus.people.models import Person
from homeroom.campus.runs.models import Run, Staged
from homeroom.campus.runs.views.runs import run_of
from homeroom.campus.schools.access import ROSTERING, SchoolRequest, at_school
from homeroom.sync.roster import SourcePerson
from homeroom.web.spreadsheet import download

PAGE = 50
MOST = 50
COLUMNS = ("Name", "sourcedId", "Role words", "Title", "Grade", "Why")
_facts = msgspec.msgpack.Decoder(SourcePerson).decode


def verdicts(run: Run) -> list[dict[str, Any]]:
    """How many records each verdict is about, those let through first."""
    found = (
        Staged.objects.filter(run=run)
        .values("verdict")
        .annotate(count=Count("id"))
        .order_by("-count", "verdict")
    )
    rows: list[dict[str, Any]] = [{**one} for one in found[:MOST]]
    return sorted(rows, key=lambda one: not one["verdict"].startswith("let through"))


@at_school(ROSTERING)
def why(request: SchoolRequest, run_id: int) -> HttpResponse:
    """Query: verdict, q (a name, number, e-mail or sourcedId), page, format=csv."""
    run = run_of(request, run_id)
    if run.kind != Run.PREVIEW:
        raise Http404("Only a preview has this page.")
    found = _narrowed(Staged.objects.filter(run=run), request)
    if request.GET.get("format") == "csv":
        return download("why", COLUMNS, (list(row.values()) for row in _rows(found.iterator(1000))))
    page = Paginator(found, PAGE).get_page(request.GET.get("page"))
    query = request.GET.copy()
    query.pop("page", None)
    shown = {"run": run, "page": page, "rows": _rows(page.object_list), "verdicts": verdicts(run)}
    return render(
        request,
        "runs/why.html",
        {**shown, "tab": "settings", "area": "rostering", "query": f"{query.urlencode()}&" if query else ""},
    )


def _narrowed(found: QuerySet[Staged], request: SchoolRequest) -> QuerySet[Staged]:
    if request.GET.get("verdict"):
        found = found.filter(verdict=request.GET["verdict"])
    said = request.GET.get("q", "").strip()
    if said:
        people = Person.objects.filter(district=request.school.district)
        for word in said.split():
            people = people.filter(Q(given_name__icontains=word) | Q(family_name__icontains=word))
        by_name = Q(person_id__in=people.values("pk"))
        found = found.filter(Q(sourced_id=said) | Q(number=said) | Q(email=said.lower()) | by_name)
    return found.order_by("sourced_id")


def _rows(found: Any) -> list[dict[str, str]]:
    chosen = list(found)
    names = {p.pk: str(p) for p in Person.objects.filter(pk__in={one.person_id for one in chosen})}
    return [_row(one, names) for one in chosen]


def _row(one: Staged, names: dict[int, str]) -> dict[str, str]:
    said = _facts(bytes(one.facts)) if one.facts is not None else SourcePerson(one.sourced_id)
    return {
        "name": names.get(one.person_id or 0) or f"{said.given_name} {said.family_name}".strip(),
        "sourced_id": one.sourced_id,
        "words": ", ".join(dict.fromkeys(role.word for role in said.roles)),
        "title": said.title,
        "grade": said.grade,
        "why": one.verdict,
    }
