"""Leaving soon: who is missing from the SIS and will be archived when the grace has passed, unless they come back."""

from datetime import timedelta
from typing import Any

from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import render

from homeroom.campus.connections.models import RosterLink
from homeroom.campus.connections.policy import policy_of
from homeroom.campus.people.models import Membership
from homeroom.campus.schools.access import PEOPLE, SchoolRequest, at_school
from homeroom.campus.schools.models import School
from homeroom.sync.rules import Grace
from homeroom.web.spreadsheet import download

PAGE = 50
COLUMNS = (
    "Name",
    "Role",
    "Grade",
    "Number",
    "Missing since",
    "Complete syncs without them",
    "Of",
    "Archived at the earliest",
)


def leaving(school: School, search: str = "") -> QuerySet[Membership]:
    """The open memberships of a school whose people the SIS no longer has, the longest missing first."""
    found = Membership.objects.filter(school=school, ended_at=None, missing_runs__gt=0)
    for word in search.split():
        named = Q(person__given_name__icontains=word) | Q(person__family_name__icontains=word)
        found = found.filter(named | Q(person__number=word))
    return found.select_related("person").order_by("missing_since", "-missing_runs", "id")


def plain(one: Membership, grace: Grace) -> dict[str, Any]:
    """A membership as plain values, with the syncs it takes and the first day on which it may end."""
    return {
        "id": one.person_id,
        "name": str(one.person),
        "role": one.group,
        "grade": one.grade,
        "number": one.person.number,
        "since": one.missing_since,
        "runs": one.missing_runs,
        "of": grace.runs,
        "earliest": one.missing_since + timedelta(days=grace.days) if one.missing_since else None,
    }


def grace_of(school: School) -> Grace:
    """How long a school waits before Archive."""
    link = RosterLink.objects.filter(school=school).first()
    return policy_of(link).grace if link else Grace()


@at_school(PEOPLE)
def leaving_soon(request: SchoolRequest) -> HttpResponse:
    """Query: q (words), page, format=csv."""
    words = request.GET.get("q", "").strip()
    found, grace = leaving(request.school, words), grace_of(request.school)
    if request.GET.get("format") == "csv":
        return download("leaving-soon", COLUMNS, (list(plain(one, grace).values())[1:] for one in found))
    page = Paginator(found, PAGE).get_page(request.GET.get("page"))
    query = request.GET.copy()
    query.pop("page", None)
    rows = [plain(one, grace) for one in page.object_list]
    shown = {"area": "people", "page": page, "rows": rows, "words": words}
    return render(
        request, "connections/leaving.html", {**shown, "query": f"{query.urlencode()}&" if query else ""}
    )
