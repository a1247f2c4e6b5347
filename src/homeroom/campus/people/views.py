"""The people of a school: a list to search, to narrow and to take away as CSV."""

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render

from homeroom.campus.people.listing import COLUMNS, plain, rows
from homeroom.campus.people.listing import people as people_of
from homeroom.campus.people.models import RoleGroup
from homeroom.campus.schools.access import PEOPLE, SchoolRequest, at_school
from homeroom.web.spreadsheet import download

PAGE = 50


@at_school(PEOPLE)
def people(request: SchoolRequest) -> HttpResponse:
    """Query: q (words), role, archived, page, format=csv."""
    asked = request.GET
    role = asked.get("role", "") if asked.get("role") in RoleGroup.values else ""
    words, archived = asked.get("q", "").strip(), asked.get("archived") == "1"
    found = people_of(request.school, role=role, archived=archived, search=words)
    if asked.get("format") == "csv":
        return download("people", COLUMNS, (plain(row) for row in rows(found, request.school)))
    query = asked.copy()
    query.pop("page", None)
    page = Paginator(found, PAGE).get_page(asked.get("page"))
    return render(
        request,
        "people/people.html",
        {
            "area": "people",
            "page": page,
            "rows": rows(list(page.object_list), request.school),
            "groups": RoleGroup.choices,
            "role": role,
            "words": words,
            "archived": archived,
            "query": f"{query.urlencode()}&" if query else "",
        },
    )
