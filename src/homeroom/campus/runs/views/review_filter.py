"""Which questions of Rostering > Review: those of a school, narrowed by what they wait for, why they are asked and by which sign."""

from collections.abc import Mapping
from urllib.parse import urlencode

from django.db.models import Count, Q, QuerySet

from homeroom.campus.runs.models import MatchReview
from homeroom.campus.schools.models import School
from homeroom.sync.matching import Rule

State = MatchReview.State
NAMES = ("decided", "why", "sign", "role", "q")
MOST = 50  # reasons to choose from


def of_school(school: School) -> QuerySet[MatchReview]:
    """The questions about records that would stand at a school."""
    return MatchReview.objects.filter(district=school.district_id, schools__contains=[school.pk])


def waiting(school: School) -> int:
    """How many wait for a decision there."""
    return of_school(school).filter(state=State.OPEN).count()


def narrowed(school: School, asked: Mapping[str, str]) -> QuerySet[MatchReview]:
    """The questions that wait, or with decided=1 those that were decided; why (the reason, whole), sign (number, email), role
    (students, ...), q (id, number, e-mail, or words of the name)."""
    found = _of_state(school, asked)
    if asked.get("why"):
        found = found.filter(why=asked["why"])
    if asked.get("sign") in list(Rule):
        found = found.filter(rivals__contains=[{"signs": [asked["sign"]]}])
    if asked.get("role"):
        found = found.filter(said__roles__contains=asked["role"])
    words = asked.get("q", "").strip()
    return found.filter(_sought(words)) if words else found


def _of_state(school: School, asked: Mapping[str, str]) -> QuerySet[MatchReview]:
    if asked.get("decided") == "1":
        return of_school(school).exclude(state__in=(State.OPEN, State.MOOT))
    return of_school(school).filter(state=State.OPEN)


def _sought(words: str) -> Q:
    named = Q()
    for word in words.split():
        named &= Q(said__given_name__icontains=word) | Q(said__family_name__icontains=word)
    return Q(sourced_id=words) | Q(said__number=words) | Q(said__email__iexact=words) | named


def whys(school: School, asked: Mapping[str, str]) -> list[tuple[str, int]]:
    """The reasons for which the records of a state are asked about, the most frequent first, with how many."""
    rows = _of_state(school, asked).order_by().values_list("why").annotate(count=Count("id"))
    return [(why, count) for why, count in rows.order_by("-count", "why")[:MOST]]


def as_query(asked: Mapping[str, str], *without: str) -> str:
    """The filter as a part of an address, to go on with."""
    kept = {name: asked[name] for name in NAMES if asked.get(name) and name not in without}
    return f"{urlencode(kept)}&" if kept else ""
