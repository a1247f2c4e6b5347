"""Rostering > Review: records that might mean somebody, beside those they might mean, and a person's decision on each."""

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from homeroom.campus.people.models import Membership, RoleGroup
from homeroom.campus.runs.models import MatchReview
from homeroom.campus.runs.reviews import CannotReview, decide, take_back
from homeroom.campus.runs.telling.review_cases import SIGNS, side_by_side
from homeroom.campus.runs.views.review_filter import as_query, narrowed, of_school, waiting, whys
from homeroom.campus.schools.access import ROSTERING, SchoolRequest, Visitor, at_school, schools_of
from homeroom.sync.matching import Verdict
from homeroom.web.spreadsheet import download

PAGE = 20
FEW = 5  # questions that are shown side by side at once
TAKE_BACK = "take back"
COLUMNS = ("sourced_id", "why", "state", "decided_by", "decided_at", "might_be")
SAID = {
    "same": "Kept: the same person. The next sync links them.",
    "different": "Kept: different people. The next sync adds somebody new.",
    "ignore": "Kept: the record is left out, until its number or e-mail changes, or that of somebody it might be.",
    TAKE_BACK: "Taken back: it waits for a decision again.",
}


@at_school(ROSTERING)
def reviews(request: SchoolRequest) -> HttpResponse:
    """The list. Query: what `narrowed` takes, wide=1 (all side by side), page, format=csv."""
    asked = request.GET.dict()
    decided = asked.get("decided") == "1"
    found = narrowed(request.school, asked).select_related("decided_by")
    found = found.order_by("-decided_at" if decided else "asked_at", "sourced_id")
    if asked.get("format") == "csv":
        return download("review", COLUMNS, map(_line, side_by_side(found, request.user)))
    page = Paginator(found, PAGE).get_page(asked.get("page"))
    shown = {
        "area": "rostering", "tab": "review", "page": page, "decided": decided, "asked": asked,
        "cases": side_by_side(page.object_list, request.user), "waiting": waiting(request.school),
        "whys": whys(request.school, asked), "signs": [(sign.value, word) for sign, word in SIGNS.items()],
        "groups": RoleGroup.choices, "query": as_query(asked), "filtered": bool(as_query(asked, "decided")),
        "several": not decided and page.paginator.count > 1,
        "wide": asked.get("wide") == "1" or len(page.object_list) <= FEW,
    }  # fmt: skip
    return render(request, "runs/reviews.html", shown)


def _line(case: dict[str, Any]) -> list[Any]:
    review = case["review"]
    rivals = ", ".join(f"{rival['name']} ({rival['signs']})" for rival in case["rivals"])
    return [
        review.sourced_id,
        review.why,
        review.state,
        review.decided_by or "",
        review.decided_at or "",
        rivals,
    ]


@require_POST
@at_school(ROSTERING)
def review_decide(request: SchoolRequest, review_id: int) -> HttpResponse:
    """A decision. POST: `verdict` (same, different, ignore, take back) and for `same` the `person`'s id, `facts` as they were
    shown."""
    review = of_school(request.school).filter(pk=review_id).first()
    verdict = request.POST.get("verdict", "")
    if review is None or verdict not in SAID:
        raise Http404("There is no such question at this school.")
    review.facts = _facts(request) or review.facts
    try:
        _decide(request, review, verdict)
        messages.success(request, SAID[verdict])
    except CannotReview as wrong:
        messages.warning(request, str(wrong))
    return redirect("reviews", school_id=request.school.pk)


def _decide(request: SchoolRequest, review: MatchReview, verdict: str) -> None:
    if verdict == TAKE_BACK:
        for _, why in take_back([review], request.user, timezone.now()):
            raise CannotReview(why)
        return
    person = request.POST.get("person", "")
    chosen = int(person) if person.isdecimal() and len(person) < 19 else None
    _refuse_unseen(review, Verdict(verdict), chosen, request.user)
    decide(review, Verdict(verdict), request.user, timezone.now(), chosen)


def _facts(request: SchoolRequest) -> bytes:
    try:
        return bytes.fromhex(request.POST.get("facts", ""))
    except ValueError:
        return b""


def _refuse_unseen(review: MatchReview, verdict: Verdict, person: int | None, account: Visitor) -> None:
    """Nobody is tied to a person of a school in which one has no part."""
    if verdict is not Verdict.SAME:
        return
    rivals = [rival["person"] for rival in review.rivals]
    meant = person if person is not None else rivals[0] if len(rivals) == 1 else None
    there = Membership.objects.filter(person=meant, school__in=schools_of(account, ROSTERING))
    if meant in rivals and not there.exists():
        raise CannotReview(
            "That person is at a school in which you have no part, or not carried out yet. "
            "Ask a District Manager, or an Owner of that school; nothing was decided."
        )
