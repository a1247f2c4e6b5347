"""Rostering > Parents: the students whose contacts somebody should look at."""

from typing import Any

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render

from homeroom.campus.people.contacts import COLUMNS, WORDS, Look, ToLookAt, plain
from homeroom.campus.schools.access import ROSTERING, SchoolRequest, at_school
from homeroom.web.spreadsheet import download

PAGE = 50


@at_school(ROSTERING)
def parents(request: SchoolRequest) -> HttpResponse:
    """Query: look (none, unreachable, tie, many), q (name or number), page, format=csv."""
    asked = request.GET
    look = asked.get("look", "") if asked.get("look") in list(Look) else ""
    words = asked.get("q", "").strip()
    found = ToLookAt(request.school, look, words)
    if asked.get("format") == "csv":
        return download("contacts-to-look-at", COLUMNS, map(plain, found[:]))
    pages: Paginator[dict[str, Any]] = Paginator(found, PAGE)  # type: ignore[arg-type] # it asks for a length and a part
    page = pages.get_page(asked.get("page"))
    counts = found.counts()
    query = asked.copy()
    query.pop("page", None)
    shown = {
        "area": "rostering", "tab": "parents", "page": page, "rows": page.object_list, "words": words, "look": look,
        "looks": [(kind.value, WORDS[kind], counts.get(kind.value, 0)) for kind in Look],
        "query": f"{query.urlencode()}&" if query else "",
    }  # fmt: skip
    return render(request, "people/parents.html", shown)
