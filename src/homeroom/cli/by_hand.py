"""What a person does to people by hand, on the command line: release, exclude, include, archive, restore."""

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from homeroom.cli import finding, show
from homeroom.cli.arguments import Json, School
from homeroom.cli.boot import boot
from homeroom.cli.trouble import Trouble

if TYPE_CHECKING:
    from homeroom.campus.people.models import Person

Id = Annotated[int, typer.Argument(metavar="PERSON", help="A person's id, as people shows it.")]
app = typer.Typer(
    no_args_is_help=True, help="What a person decides about one of the people, whatever the SIS says."
)


@app.command()
def release(person: Id, json: Json = False) -> int:
    """Lets go of the fields edited by hand and of a primary contact chosen by hand: the SIS may set them again."""
    boot("campus")
    from homeroom.campus.runs.by_hand import hand

    return _done(person, lambda one, now: hand.release(one, None, now), json)


@app.command()
def exclude(person: Id, json: Json = False) -> int:
    """Excludes somebody from sync: no sync touches them."""
    boot("campus")
    from homeroom.campus.runs.by_hand import hand

    return _done(person, lambda one, now: hand.exclude(one, None, now, excluded=True), json)


@app.command()
def include(person: Id, json: Json = False) -> int:
    """Includes somebody in sync again."""
    boot("campus")
    from homeroom.campus.runs.by_hand import hand

    return _done(person, lambda one, now: hand.exclude(one, None, now, excluded=False), json)


@app.command()
def archive(person: Id, school: School, json: Json = False) -> int:
    """Ends whatever somebody is at a school; a sync does not open it again."""
    boot("campus")
    from homeroom.campus.runs.by_hand import hand

    place = finding.school(school)
    return _done(person, lambda one, now: hand.archive(one, place, None, now), json)


@app.command()
def restore(person: Id, school: School, json: Json = False) -> int:
    """Opens again what somebody was at a school; where the SIS has them there no more, no sync archives them either."""
    boot("campus")
    from homeroom.campus.runs.by_hand import hand

    place = finding.school(school)
    return _done(person, lambda one, now: hand.restore(one, place, None, now), json)


def _done(person: int, do: Callable[["Person", datetime], None], json: bool) -> int:
    """Does it, and tells by the rows that it left in the person's time line."""
    from django.utils import timezone

    from homeroom.campus.runs.by_hand.hand import TooLate
    from homeroom.campus.runs.models import Change

    one = finding.person(person)
    rows = Change.objects.filter(subject="person", subject_id=one.pk, run=None).order_by("pk")
    last = max(rows.values_list("pk", flat=True), default=0)
    try:
        do(one, timezone.now())
    except TooLate as late:
        raise Trouble(str(late), f"homeroom person {person} tells what happened.") from late
    left = list(rows.filter(pk__gt=last).values("id", "action", "reason"))
    if json:
        show.document({"person": one.pk, "changes": left})
    for row in () if json else left:
        show.say(f"{one}: {row['reason']}")
    if not left and not json:
        show.say(f"{one}: there was nothing to do")
    return 0
