"""A school's syncs: started, listed, shown, and what a person decides about one."""

from typing import Annotated, Any

import typer

from homeroom.cli import finding, show
from homeroom.cli.arguments import Json, School
from homeroom.cli.boot import boot
from homeroom.cli.trouble import FAILED, HELD, Trouble

run_app = typer.Typer(no_args_is_help=True, help="History, and what a person may decide about a run.")


def add_to(app: typer.Typer) -> None:
    """Hangs these commands into the program."""
    app.command()(sync)
    app.add_typer(run_app, name="run")


def sync(
    school: School,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Plan only; carry nothing out.")] = False,
    json: Json = False,
) -> int:
    """One run now, with a progress bar. It reads once for all schools of the connection."""
    boot("campus")
    from homeroom.campus.runs.lock import AlreadyRunning
    from homeroom.campus.runs.start import make_run, unfinished
    from homeroom.campus.runs.sync import carry_out

    link = finding.link(school)
    run = unfinished(link.connection)
    if run is not None and dry_run and not run.dry_run:
        raise Trouble(
            f"Run {run.pk} was cut off and is to be finished first", f'homeroom sync "{school}" finishes it.'
        )
    made = run is None
    run = run or make_run(link.connection, "dry run" if dry_run else "by hand", None, dry_run=dry_run)
    try:
        with show.progress() as watch:
            run = carry_out(run, watch=watch)
    except AlreadyRunning as busy:
        if made:
            run.delete()
        raise Trouble(str(busy), f'homeroom run list "{school}" shows it.') from busy
    return _shown(run, link.school, json)


def _shown(run: Any, school: Any, json: bool, changes: bool = False) -> int:
    from homeroom.campus.runs.telling.describe import changes as changes_of
    from homeroom.campus.runs.telling.describe import describe

    said = describe(run, school)
    if changes:
        said["changes"] = changes_of(run)
    if json:
        show.document(said)
    else:
        _told(said)
    return {"failed": FAILED, "held": HELD}.get(said["state"], 0)


def _told(said: dict[str, Any]) -> None:
    show.say(f"Run {said['run']}: {said['state']} in {said['seconds']} s")
    show.say(f"  {show.counts(said['counts'])}")
    if said["message"]:
        show.say(f"  {said['message']}\n  → {said['cure']}")
    elif not said["complete"]:
        show.say(f"  The reading was not complete, so nobody was archived: {said['incomplete_because']}")
    for cause in said["causes"]:
        show.say(f"  Looks like: {cause['says']}.\n  → {cause['next']}")
    _told_holds(said)
    for problem in said["problems"][:10]:
        show.say(f"  {problem['code']} {problem['sourced_id']}: {problem['message']}")
    if len(said["problems"]) > 10:
        show.say(f"  … and {len(said['problems']) - 10} more problems: homeroom run show {said['run']}")
    for change in said.get("changes", ())[:200]:
        show.say(
            f"  {change['action']:8} {change['state']:9} {change['name'] or change['sourced_id']}: {change['reason']}"
        )


def _told_holds(said: dict[str, Any]) -> None:
    for hold in said["held"].get("holds", ()):
        show.say(f"  {hold['reason']}")
        for cause in hold["causes"]:
            show.say(f"    Looks like: {cause['says']}.\n    → {cause['next']}")
    for hold in said["was_held"]:
        show.say(f"  Was held: {hold.get('says') or hold['reason']}\n    What became of it: {hold['became']}")
    if said["held"]:
        show.say(f"  → homeroom run show {said['run']}, then run approve or run discard")


@run_app.command("list")
def run_list(school: School, json: Json = False) -> int:
    """The runs of a school, newest first."""
    boot("campus")
    from homeroom.campus.runs.models import Run
    from homeroom.campus.runs.telling.describe import describe

    link = finding.link(school)
    runs = [
        describe(run, link.school)
        for run in Run.objects.filter(connection=link.connection).exclude(kind=Run.PREVIEW)[:100]
    ]
    if json:
        show.document({"runs": runs})
    else:
        show.table(
            ("Run", "Kind", "State", "Counts"),
            [(r["run"], r["kind"], r["state"], show.counts(r["counts"])) for r in runs],
        )
    return 0


@run_app.command("show")
def run_show(run: int, json: Json = False) -> int:
    """One run with its changes."""
    boot("campus")
    _shown(finding.run(run), None, json, changes=True)
    return 0


@run_app.command("approve")
def run_approve(
    run: int,
    but: Annotated[
        list[int] | None,
        typer.Option(
            help="All but this person, by id; may be given again. Left out of a removal, they stay."
        ),
    ] = None,
    only: Annotated[
        list[int] | None,
        typer.Option(help="Only this person, by id; may be given again. The rest goes on waiting."),
    ] = None,
    json: Json = False,
) -> int:
    """Carries out what is held, or a dry run's plan. Where two people must approve, the first approval is kept: status 3."""
    with show.progress() as watch:
        return _decided(run, "approve", json, but=but or (), only=only or (), watch=watch)


@run_app.command("discard")
def run_discard(run: int, json: Json = False) -> int:
    """Lets what is held or planned fall; nobody is touched."""
    return _decided(run, "discard", json)


@run_app.command("undo")
def run_undo(
    run: int,
    person: Annotated[
        list[int] | None, typer.Option(help="Only what was done to this person, by id; may be given again.")
    ] = None,
    json: Json = False,
) -> int:
    """Takes back what a run did: all of it, or what it did to some people. What was changed since is left and said."""
    return _decided(run, "undo", json, people=person or ())


def _decided(number: int, decision: str, json: bool, **more: Any) -> int:
    boot("campus")
    from django.utils import timezone

    from homeroom.campus.runs.by_hand import decide
    from homeroom.campus.runs.by_hand.second import SecondNeeded
    from homeroom.campus.runs.lock import AlreadyRunning

    try:
        run = getattr(decide, decision)(finding.run(number), None, timezone.now, **more)
    except SecondNeeded as first:
        raise Trouble(str(first), "The command line is one of the two.", HELD) from first
    except (decide.CannotDecide, AlreadyRunning) as wrong:
        raise Trouble(str(wrong), "homeroom run show tells more.") from wrong
    return _shown(run, None, json)
