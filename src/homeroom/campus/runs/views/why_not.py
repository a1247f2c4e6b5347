"""Why is somebody not here? A question and its answers."""

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone

from homeroom.campus.runs.telling.why_not import why_not
from homeroom.campus.schools.access import PEOPLE, SchoolRequest, at_school


@at_school(PEOPLE)
def why(request: SchoolRequest) -> HttpResponse:
    """Query by POST, so that no name stands in an address or a log: q (name, number, e-mail or sourcedId)."""
    words = request.POST.get("q", "").strip()[:300]
    shown = {"area": "people", "words": words, "answers": why_not(request.school, words, timezone.now())}
    return render(request, "runs/why_not.html", shown)
