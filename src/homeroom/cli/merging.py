"""Merging and splitting people by hand, on the command line."""

from typing import Annotated, Any

import typer

from homeroom.cli import finding, show
from homeroom.cli.boot import boot
from homeroom.cli.trouble import WRONG_USE, Trouble

Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]
Id = Annotated[int, typer.Argument(metavar="PERSON", help="A person's id, as people shows it.")]
app = typer.Typer(no_args_is_help=True, help="Two people who are one, or one who is two.")


@app.command("people")
def merge_people(
    keep: Annotated[int, typer.Argument(metavar="KEEP", help="The id of the person who is kept.")],
    other: Annotated[int, typer.Argument(metavar="OTHER", help="The id of the one who is the same person.")],
    json: Json = False,
) -> int:
    """Makes one person of two: links, memberships and contacts follow. It can be taken back."""
    boot("campus")
    from homeroom.campus.runs.by_hand import merging

    one, two = finding.person(keep), finding.person(other)
    return _done(lambda by, now: merging.merge(one, two, by, now), json)


@app.command("split")
def merge_split(
    person: Id,
    record: Annotated[
        list[str], typer.Argument(metavar="SOURCEDID...", help="The records that are somebody else's.")
    ],
    json: Json = False,
) -> int:
    """Makes two people of one: the named records of the SIS are those of somebody new."""
    boot("campus")
    from homeroom.campus.runs.by_hand import merging
    from homeroom.campus.runs.reparse import said_by

    one = finding.person(person)
    chosen = list(one.source_records.filter(sourced_id__in=record).order_by("sourced_id"))
    if len(chosen) < len(set(record)):
        raise Trouble(
            f"Not all of these are records of {person}",
            f"homeroom merge list {person} shows them.",
            WRONG_USE,
        )
    said = said_by(chosen[0])
    return _done(lambda by, now: merging.split(one, [r.pk for r in chosen], said, by, now), json)


@app.command("list")
def merge_list(person: Id, json: Json = False) -> int:
    """A person's records of the SIS, and the merges and splits that can be taken back."""
    boot("campus")
    one = finding.person(person)
    records = list(one.source_records.order_by("sourced_id").values_list("sourced_id", flat=True))
    done = [{"change": row.pk, "reason": row.reason, "at": row.decided_at} for row in _undoable(one)]
    if json:
        show.document({"person": one.pk, "merged_into": one.merged_into_id, "records": records, "done": done})
    else:
        show.say(f"{one}: {', '.join(records) or 'no record of the SIS'}")
        show.table(("Change", "What", "When"), [(row["change"], row["reason"], row["at"]) for row in done])
    return 0


@app.command("undo")
def merge_undo(
    change: Annotated[int, typer.Argument(metavar="CHANGE", help="The number that merge list shows.")],
    json: Json = False,
) -> int:
    """Takes a merge or a split back: what it moved, and nobody has moved since, goes back."""
    boot("campus")
    from homeroom.campus.runs.by_hand import merging
    from homeroom.campus.runs.models import Change

    row = Change.objects.filter(pk=change, run=None).first()
    if row is None:
        raise Trouble(
            f"There is no merge or split {change}", "homeroom merge list PERSON shows them.", WRONG_USE
        )
    return _done(lambda by, now: merging.undo(row, by, now), json)


def _undoable(person: Any) -> Any:
    from homeroom.campus.runs.models import Change

    rows = Change.objects.filter(subject="person", subject_id=person.pk, run=None, state="applied")
    return rows.filter(fields__has_key="moved").order_by("-pk")


def _done(do: Any, json: bool) -> int:
    from django.utils import timezone

    from homeroom.campus.runs.by_hand.merging import CannotMerge

    try:
        change = do(None, timezone.now())
    except CannotMerge as wrong:
        raise Trouble(str(wrong), "homeroom merge list PERSON shows records and what was merged.") from wrong
    if json:
        show.document(
            {
                "change": change.pk,
                "person": change.subject_id,
                "action": change.action,
                "reason": change.reason,
            }
        )
    else:
        show.say(
            f"{change.reason[:1].upper()}{change.reason[1:]}. To take it back: homeroom merge undo {change.pk}"
        )
    return 0
