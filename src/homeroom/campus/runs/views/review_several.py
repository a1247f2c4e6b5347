"""Many questions of Rostering > Review decided in one act: chosen on the list, shown once more by name, then kept."""

import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from homeroom.campus.runs.models import MatchReview
from homeroom.campus.runs.reviews import TOGETHER, decide_all, shared
from homeroom.campus.runs.telling.review_cases import side_by_side
from homeroom.campus.runs.views.review_filter import as_query, narrowed
from homeroom.campus.schools.access import ROSTERING, SchoolRequest, at_school
from homeroom.sync.matching import Verdict

SHOWN = 200  # names on the page that asks once more
WOULD = {
    "same": "Same person: the next sync ties each record to the person beside it.",
    "different": "Different people: the next sync adds somebody new for each record.",
    "ignore": "Ignore: the records are left out, until their number or e-mail changes, or that of somebody they might be.",
}
SEVERAL = "It might be several people: say which, one by one."
UNSEEN = "Whom it might mean is at a school in which you have no part, or not carried out yet."
MOVED = "The questions have changed since you looked: others came, or somebody decided. Look again; nothing was decided."


@dataclass(slots=True)
class Several:
    """What one act would decide: the cases, and those that it leaves for one by one, each with the reason."""

    verdict: Verdict
    cases: list[dict[str, Any]] = field(default_factory=list)
    left: list[tuple[dict[str, Any], str]] = field(default_factory=list)

    @property
    def digest(self) -> str:
        """Names what was shown, so that nothing else is decided."""
        said = [
            f"{case['review'].pk} {case['review'].state} {case['review'].facts.hex()}" for case in self.cases
        ]
        return hashlib.sha256("\n".join(sorted(said)).encode()).hexdigest()


def several(cases: Iterable[dict[str, Any]], verdict: Verdict) -> Several:
    """Parts cases into those that one act may decide and the others."""
    found, chosen = Several(verdict), list(cases)
    twice = shared([case["review"] for case in chosen])
    for case in chosen:
        why = _why_alone(case, twice) if verdict is Verdict.SAME else ""
        if why:
            found.left.append((case, why))
        else:
            found.cases.append(case)
    return found


def _why_alone(case: dict[str, Any], twice: Collection[int]) -> str:
    if len(case["rivals"]) != 1:
        return SEVERAL
    if not case["rivals"][0]["seen"]:
        return UNSEEN
    return TOGETHER if case["review"].pk in twice else ""


@require_POST
@at_school(ROSTERING)
def review_several(request: SchoolRequest) -> HttpResponse:
    """Query: the filter of the list. POST: `verdict`, and `pick` (ids) or `all` (everything that the filter lets through). It
    asks once more; with `digest`, which names what was shown, it decides."""
    verdict = request.POST.get("verdict", "")
    if verdict not in list(Verdict):
        raise Http404("There is no such decision.")
    back = f"{reverse('reviews', args=[request.school.pk])}?{as_query(request.GET.dict())}"
    act = several(side_by_side(_picked(request), request.user), Verdict(verdict))
    if not act.cases and not act.left:
        messages.info(request, "Tick the records that you mean, then choose what they are.")
        return redirect(back)
    if "digest" in request.POST:
        _keep(request, act)
        return redirect(back)
    shown = {
        "area": "rostering", "tab": "review", "act": act, "would": WOULD[verdict], "back": back, "most": SHOWN,
        "picks": request.POST.getlist("pick"), "all": request.POST.get("all"), "query": as_query(request.GET.dict()),
    }  # fmt: skip
    return render(request, "runs/review_several.html", shown)


def _picked(request: SchoolRequest) -> QuerySet[MatchReview]:
    found = narrowed(request.school, {**request.GET.dict(), "decided": ""}).order_by("asked_at", "sourced_id")
    if request.POST.get("all") == "1":
        return found
    return found.filter(pk__in=[int(pick) for pick in request.POST.getlist("pick") if pick.isdecimal()])


def _keep(request: SchoolRequest, act: Several) -> None:
    if request.POST["digest"] != act.digest:
        messages.warning(request, MOVED)
        return
    seen = [case["review"] for case in act.cases]
    refused = decide_all(seen, act.verdict, request.user, timezone.now())
    done = len(seen) - len(refused)
    words = MatchReview.State(act.verdict.value).label.lower()
    messages.success(
        request,
        f"Kept for {done:,} {'record' if done == 1 else 'records'}: {words}. The next sync carries it out; until then each can be "
        "taken back under Decided.",
    )
    for review, why in refused[:5]:
        messages.warning(request, f"{review.sourced_id}: {why}")
