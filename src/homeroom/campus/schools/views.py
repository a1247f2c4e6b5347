"""The first page: the schools in which one has a part."""

from django.contrib.auth.decorators import login_required
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from homeroom.campus.schools.access import schools_of


@login_required
def schools(request: HttpRequest) -> HttpResponse:
    """The list, or straight to the people of the only one."""
    active = Q(memberships__ended_at=None)
    mine = schools_of(request.user)
    found = list(mine.select_related("district")[:2])
    if len(found) == 1:
        return redirect("people", school_id=found[0].pk)
    people = Count("memberships__person", filter=active, distinct=True)
    return render(request, "schools/schools.html", {"schools": mine.annotate(people=people).order_by("name")})
