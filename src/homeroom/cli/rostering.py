"""Connecting a school to its SIS, its settings, its syncs and their runs."""

from dataclasses import asdict
from typing import Annotated, Any

import typer

from homeroom.cli import finding, show
from homeroom.cli.boot import boot
from homeroom.cli.trouble import FAILED, HELD, WRONG_USE, Trouble

Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]
School = Annotated[str, typer.Argument(metavar="SCHOOL", help="A school's name or id.")]
run_app = typer.Typer(no_args_is_help=True, help="History, and what a person may decide about a run.")


def add_to(app: typer.Typer) -> None:
    """Hangs these commands into the program."""
    for command in (connect, test, policy, sync):
        app.command()(command)
    app.add_typer(run_app, name="run")


def connect(
    school: School,
    url: Annotated[str, typer.Option(help="The OneRoster API URL, as the SIS shows it.")],
    key: Annotated[str, typer.Option(help="The API Key.")],
    school_id: Annotated[str, typer.Option(help="Which school of the SIS: its id, number or name.")],
    secret_file: Annotated[
        str | None, typer.Option(help="A file with the Client Secret; - is standard input.")
    ] = None,
    sis: Annotated[str, typer.Option(help="skyward, infinite_campus, powerschool, ..., other")] = "other",
    token_url: Annotated[str, typer.Option(help="Only where it cannot be found: the token address.")] = "",
    ca_file: Annotated[str | None, typer.Option(help="Certificates of the school's own, PEM.")] = None,
    json: Json = False,
) -> int:
    """Creates or changes a school's connection, then tests it."""
    boot("campus")
    from homeroom.campus.connections.setup import Typed, save

    chosen = finding.school(school)
    typed = Typed(
        url=url,
        key=key,
        secret=finding.secret(secret_file, "Client Secret"),
        school_id=school_id,
        sis=_known_sis(sis),
        token_url=token_url,
        ca_certificates=_certificates(ca_file),
    )
    return _tested(save(chosen, typed), json)


def _known_sis(name: str) -> str:
    from homeroom.campus.connections.models import Sis

    wanted = name.lower().replace(" ", "_").replace("-", "_")
    if wanted not in Sis.values:
        raise Trouble(
            f"There is no SIS “{name}” in the list", f"Choose one of {', '.join(Sis.values)}.", WRONG_USE
        )
    return wanted


def _certificates(file: str | None) -> str:
    from pathlib import Path

    if file is None:
        return ""
    try:
        return Path(file).read_text()
    except (OSError, UnicodeDecodeError) as wrong:
        raise Trouble(
            "The CA file cannot be read", "Name a file with certificates in PEM form.", WRONG_USE
        ) from wrong


def test(school: School, json: Json = False) -> int:
    """Test Connection: the real path, point by point. Changes nothing at the SIS."""
    boot("campus")
    return _tested(finding.link(school), json)


def _tested(link: Any, json: bool) -> int:
    from django.utils import timezone

    from homeroom.campus.connections.source import test_connection

    with show.err.status("Testing the connection …"):
        answer = test_connection(link, timezone.now())
    if json:
        show.document(
            {
                "ok": answer.ok,
                "checks": [asdict(check) for check in answer.checks],
                "profile": answer.profile,
                "schools": [
                    {"sourcedId": s.sourced_id, "identifier": s.identifier, "name": s.name}
                    for s in answer.schools
                ],
                "counts": answer.counts,
            }
        )
    else:
        show.checks(answer.checks)
        show.say(
            "The connection works."
            if answer.ok
            else "The connection does not work yet. What was typed is kept."
        )
    return 0 if answer.ok else FAILED


def policy(
    school: School,
    settings: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME=VALUE]...", help="Such as students=on.")
    ] = None,
    json: Json = False,
) -> int:
    """Shows or changes the sync settings of a school."""
    boot("campus")
    from django.utils import timezone

    from homeroom.campus.connections.policy import SettingError, change_settings, settings_of

    link = finding.link(school)
    try:
        if settings:
            change_settings(link, settings, timezone.now())
    except SettingError as wrong:
        raise Trouble(str(wrong), "Nothing was changed.", WRONG_USE) from wrong
    said = settings_of(link)
    if json:
        show.document(said)
    else:
        words = {True: "on", False: "off"}
        show.table(
            ("Setting", "Value"),
            [(n, words.get(v, v) if isinstance(v, bool) else v) for n, v in said.items()],
        )
    return 0


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
    from homeroom.campus.runs.describe import changes as changes_of
    from homeroom.campus.runs.describe import describe

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
    if said["held"]:
        show.say(
            f"  {said['held']['reason']}\n  → homeroom run show {said['run']}, then run approve or run discard"
        )
    for problem in said["problems"][:10]:
        show.say(f"  {problem['code']} {problem['sourced_id']}: {problem['message']}")
    if len(said["problems"]) > 10:
        show.say(f"  … and {len(said['problems']) - 10} more problems: homeroom run show {said['run']}")
    for change in said.get("changes", ())[:200]:
        show.say(
            f"  {change['action']:8} {change['state']:9} {change['name'] or change['sourced_id']}: {change['reason']}"
        )


@run_app.command("list")
def run_list(school: School, json: Json = False) -> int:
    """The runs of a school, newest first."""
    boot("campus")
    from homeroom.campus.runs.describe import describe
    from homeroom.campus.runs.models import Run

    link = finding.link(school)
    runs = [describe(run, link.school) for run in Run.objects.filter(connection=link.connection)[:100]]
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
def run_approve(run: int, json: Json = False) -> int:
    """Carries out what is held, or a dry run's plan."""
    return _decided(run, "approve", json)


@run_app.command("discard")
def run_discard(run: int, json: Json = False) -> int:
    """Lets what is held or planned fall; nobody is touched."""
    return _decided(run, "discard", json)


@run_app.command("undo")
def run_undo(run: int, json: Json = False) -> int:
    """Takes back what a run did."""
    return _decided(run, "undo", json)


def _decided(number: int, decision: str, json: bool) -> int:
    boot("campus")
    from django.utils import timezone

    from homeroom.campus.runs import decide
    from homeroom.campus.runs.lock import AlreadyRunning

    try:
        run = getattr(decide, decision)(finding.run(number), None, timezone.now)
    except (decide.CannotDecide, AlreadyRunning) as wrong:
        raise Trouble(str(wrong), "homeroom run show tells more.") from wrong
    _shown(run, None, json)
    return 0
