"""A school's settings: shown, changed, previewed, their history, rolled back."""

from typing import Annotated, Any

import typer

from homeroom.cli import finding, show
from homeroom.cli.arguments import Json, School
from homeroom.cli.boot import boot
from homeroom.cli.trouble import WRONG_USE, Trouble


def add_to(app: typer.Typer) -> None:
    """Hangs this command into the program."""
    app.command()(policy)


def policy(
    school: School,
    settings: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME=VALUE]...", help="Such as students=on.")
    ] = None,
    history: Annotated[bool, typer.Option("--history", help="Who changed what, newest first.")] = False,
    preview: Annotated[
        bool,
        typer.Option("--preview", help="What the next sync would do under these settings; saves nothing."),
    ] = False,
    roll_back: Annotated[int | None, typer.Option(help="Brings the settings of this version back.")] = None,
    json: Json = False,
) -> int:
    """Shows or changes the sync settings of a school, or shows what they were."""
    boot("campus")
    from django.utils import timezone

    from homeroom.campus.connections.policy import change_settings, settings_of, words_of
    from homeroom.campus.connections.policy_kinds import SettingError
    from homeroom.campus.connections.policy_names import GROUPS

    link = finding.link(school)
    if history:
        return _history(link, json)
    try:
        if preview:
            return _preview(link, settings or [], json)
        if roll_back is not None:
            _roll_back(link, roll_back)
        if settings:
            change_settings(link, settings, timezone.now())
    except SettingError as wrong:
        raise Trouble(str(wrong), "Nothing was changed.", WRONG_USE) from wrong
    said = settings_of(link)
    if json:
        show.document(said)
    else:
        set_ones = [(n, w) for n, w in words_of(link).items() if w != "none" or n.split(".")[0] not in GROUPS]
        show.table(("Setting", "Value"), set_ones)
    return 0


def _preview(link: Any, words: list[str], json: bool) -> int:
    from django.utils import timezone

    from homeroom.campus.connections.policy import policy_of, read_words
    from homeroom.campus.runs import previewing
    from homeroom.campus.runs.telling.describe import changes

    policy, _ = read_words(policy_of(link), words)
    with show.progress() as watch:
        run = previewing.preview(link, policy, None, timezone.now(), watch=watch)
    if run is None:
        raise Trouble(
            "Nothing has been read from the SIS yet, so nothing can be counted",
            "homeroom sync SCHOOL --dry-run shows everybody.",
        )
    counts, waits, note = previewing.grid(run), previewing.waits(run), run.incomplete_because
    if json:
        show.document({"preview": counts, "waits": waits, "note": note, "changes": changes(run, link.school)})
    else:
        show.table(
            ("Role", "If you save now"), [(group, show.counts(found)) for group, found in counts.items()]
        )
        for line in [*(f"Would wait for a person: {reason}" for reason in waits), *([note] if note else ())]:
            show.say(f"  {line}")
        for change in changes(run, link.school, 200):
            show.say(f"  {change['action']:8} {change['name'] or change['sourced_id']}: {change['reason']}")
    return 0


def _history(link: Any, json: bool) -> int:
    from homeroom.campus.connections.policy_history import history

    versions = history(link)
    if json:
        show.document({"versions": versions})
    else:
        rows = [
            (one["version"], f"{one['at']:%Y-%m-%d %H:%M}", one["by"], f"{name}: {before} → {after}")
            for one in versions
            for name, (before, after) in one["changed"].items()
        ]
        show.table(("Version", "When (UTC)", "Who", "What"), rows)
    return 0


def _roll_back(link: Any, number: int) -> None:
    from django.utils import timezone

    from homeroom.campus.connections.policy import change_settings
    from homeroom.campus.connections.policy_history import words_back

    words = words_back(link, number)
    if words is None:
        raise Trouble(
            f"There is no version {number}", "homeroom policy SCHOOL --history lists them.", WRONG_USE
        )
    change_settings(link, words, timezone.now(), note=f"rolled back to version {number}")
