"""Matches that only a person can tell, on the command line."""

import sys
from typing import Annotated, Any

import typer

from homeroom.cli import finding, show
from homeroom.cli.boot import boot
from homeroom.cli.trouble import FAILED, WRONG_USE, Trouble

Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]
Reviews = Annotated[
    list[int], typer.Argument(metavar="REVIEW...", help="The numbers that review list shows.")
]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask once more, where there are several.")]
app = typer.Typer(
    no_args_is_help=True,
    help="Records that might be somebody who is here already: what only a person can tell.",
)


@app.command("list")
def review_list(
    school: Annotated[str, typer.Argument(metavar="SCHOOL", help="A school's name or id.")],
    decided: Annotated[
        bool, typer.Option("--decided", help="What was decided, in place of what waits.")
    ] = False,
    why: Annotated[str, typer.Option(help="Only what is asked for this reason, as the list says it.")] = "",
    sign: Annotated[str, typer.Option(help="Only what was recognised by this sign: number or email.")] = "",
    role: Annotated[str, typer.Option(help="Only students, teachers, staff or admins.")] = "",
    json: Json = False,
) -> int:
    """The records of a school that wait for a decision, with those they might mean."""
    boot("campus")
    from homeroom.campus.runs.views.review_filter import narrowed

    _refuse_unknown(sign, role)
    asked = {"decided": "1" if decided else "", "why": why, "sign": sign, "role": role}
    said = [_said(review) for review in narrowed(finding.school(school), asked).order_by("pk")]
    if json:
        show.document({"reviews": said})
    else:
        show.table(
            ("Review", "sourcedId", "State", "Why", "Might be"),
            [(r["review"], r["sourced_id"], r["state"], r["why"], _names(r["might_be"])) for r in said],
        )
    return 0


def _refuse_unknown(sign: str, role: str) -> None:
    from homeroom.campus.people.models import RoleGroup
    from homeroom.sync.matching import Rule

    if sign and sign not in list(Rule):
        raise Trouble(f"There is no sign {sign}", f"Choose one of {', '.join(Rule)}.", WRONG_USE)
    if role and role not in RoleGroup.values:
        raise Trouble(f"There is no role {role}", f"Choose one of {', '.join(RoleGroup.values)}.", WRONG_USE)


def _names(people: list[dict[str, Any]]) -> str:
    return ", ".join(f"{one['person']} {one['name']} ({' and '.join(one['signs'])})" for one in people)


def _said(review: Any) -> dict[str, Any]:
    from homeroom.campus.people.models import Person

    people = Person.objects.in_bulk([rival["person"] for rival in review.rivals])
    might_be = [
        {
            "person": rival["person"],
            "name": str(people.get(rival["person"], "only planned yet")),
            "signs": rival["signs"],
            "chosen": bool(review.chosen) and review.chosen == rival["key"],
        }
        for rival in review.rivals
    ]
    return {
        "review": review.pk,
        "sourced_id": review.sourced_id,
        "state": review.state,
        "why": review.why,
        "record": review.said,
        "might_be": might_be,
    }


@app.command("same")
def review_same(
    review: Reviews,
    person: Annotated[int | None, typer.Option(help="Whom it means, by id, where there are several.")] = None,
    yes: Yes = False,
    json: Json = False,
) -> int:
    """It is the same person: the next sync links the record. Of several records each must have one whom it might be."""
    if person is not None and len(review) > 1:
        raise Trouble("--person is about one record", "Name one REVIEW, or leave --person away.", WRONG_USE)
    return _decide(review, "same", json, yes, person)


@app.command("different")
def review_different(review: Reviews, yes: Yes = False, json: Json = False) -> int:
    """They are different people: the next sync adds somebody new."""
    return _decide(review, "different", json, yes)


@app.command("ignore")
def review_ignore(review: Reviews, yes: Yes = False, json: Json = False) -> int:
    """Leave the record out, until its facts change."""
    return _decide(review, "ignore", json, yes)


@app.command("undo")
def review_undo(review: Reviews, yes: Yes = False, json: Json = False) -> int:
    """Takes a decision back that no sync has carried out yet: it waits again."""
    return _decide(review, "undo", json, yes)


WORDS = {
    "same": "the same person",
    "different": "different people",
    "ignore": "left out",
    "undo": "asked again, as before the decision",
}


def _decide(numbers: list[int], verdict: str, json: bool, yes: bool, person: int | None = None) -> int:
    boot("campus")
    from django.utils import timezone

    from homeroom.campus.runs.reviews import decide_all, take_back
    from homeroom.sync.matching import Verdict

    reviews = _found(numbers)
    if len(reviews) > 1 and not yes:
        _ask_once_more(reviews, verdict)
    if verdict == "undo":
        refused = take_back(reviews, None, timezone.now())
    else:
        refused = decide_all(reviews, Verdict(verdict), None, timezone.now(), person)
    return _told(reviews, refused, json)


def _found(numbers: list[int]) -> list[Any]:
    from homeroom.campus.runs.models import MatchReview

    found = MatchReview.objects.in_bulk(numbers)
    for number in numbers:
        if number not in found:
            raise Trouble(
                f"There is no review {number}", "homeroom review list SCHOOL shows them.", WRONG_USE
            )
    return [found[number] for number in dict.fromkeys(numbers)]


def _ask_once_more(reviews: list[Any], verdict: str) -> None:
    """Says how many and who. Where nobody can be asked, it wants --yes."""
    show.note(f"{len(reviews)} records: {WORDS[verdict]}.")
    for review in reviews:
        said = _said(review)
        show.note(f"  {_name(review)} ({review.sourced_id}); might be {_names(said['might_be'])}")
    if not sys.stdin.isatty():
        raise Trouble(
            "Nothing was decided", "Look at the list above, then say it again with --yes.", WRONG_USE
        )
    typer.confirm("Decide so?", abort=True, err=True)


def _name(review: Any) -> str:
    parts = (review.said.get("given_name"), review.said.get("family_name"))
    return " ".join(part for part in parts if part) or "no name"


def _told(reviews: list[Any], refused: list[tuple[Any, str]], json: bool) -> int:
    """What became of each. One alone is told as it always was."""
    for review in reviews:
        review.refresh_from_db()
    if len(reviews) == 1 and refused:
        raise Trouble(refused[0][1], "Nothing was decided. homeroom review list SCHOOL shows what waits.")
    failed = {review.pk: why for review, why in refused}
    if json:
        done = [_said(review) for review in reviews if review.pk not in failed]
        several = {"reviews": done, "refused": [{"review": pk, "why": why} for pk, why in failed.items()]}
        show.document(done[0] if len(reviews) == 1 else several)
    for review in () if json else reviews:
        show.say(f"Review {review.pk}: {failed.get(review.pk) or _kept(review)}")
    return FAILED if failed else 0


def _kept(review: Any) -> str:
    return f"{review.get_state_display().lower()}." + (
        "" if review.state == "open" else " The next sync carries it out."
    )
