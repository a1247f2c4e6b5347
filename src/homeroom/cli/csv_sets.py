"""Checking a OneRoster CSV set, without a database."""

from collections.abc import Iterable
from itertools import groupby
from pathlib import Path

import typer

from homeroom.cli import show
from homeroom.cli.arguments import Json
from homeroom.cli.trouble import FAILED, WRONG_USE, Trouble
from homeroom.problems import ERROR, NOTE, WARNING, Problem

app = typer.Typer(no_args_is_help=True, help="OneRoster CSV sets.")
_SIGN = {ERROR: "✖", WARNING: "⚠", NOTE: "·"}
_STYLE = {ERROR: "red", WARNING: "yellow", NOTE: "dim"}
_SHOWN = 8  # rows named of each group


@app.callback()
def _group() -> None:
    """OneRoster CSV sets."""


@app.command("check")
def csv_check(path: Path, json: Json = False) -> int:
    """Reports every breach of the standard, with file, row, field and cure. Ends with 1 when there is any."""
    from homeroom.oneroster.bulk.check import check
    from homeroom.oneroster.bulk.files import BulkError

    try:
        report = check(path)
    except BulkError as wrong:
        status = FAILED if path.exists() else WRONG_USE
        if json:
            show.document({"ok": False, "version": "", "counts": {}, "problems": [], "error": str(wrong)})
        raise Trouble(str(wrong), "", status) from wrong
    if json:
        said = {"ok": report.ok, "version": report.version, "counts": report.counts}
        show.document({**said, "problems": problems(report.problems)})
    else:
        tell(report.problems, done=False)
        show.say(
            f"OneRoster {report.version}: {show.counts(report.counts) or 'no rows'}; {_totals(report.problems)}"
        )
    return 0 if report.ok else FAILED


def tell(found: Iterable[Problem], *, done: bool) -> None:
    """Problems for people: by file, those alike as one with their number, first rows and cure. `done`: say what was done."""
    by_file = sorted(found, key=lambda p: p.where)
    for where, its in groupby(by_file, key=lambda p: p.where):
        show.say(where)
        alike: dict[tuple[str, str, str], list[Problem]] = {}
        for problem in its:
            alike.setdefault((problem.code, problem.field or "", problem.detail), []).append(problem)
        for group in alike.values():
            _tell(group, done=done)


def _tell(alike: list[Problem], *, done: bool) -> None:
    first = alike[0]
    count = f"{len(alike):,} × " if len(alike) > 1 else ""
    place = f"{first.field}: " if first.field else ""
    said = first.message if done else f"{first.fault}."
    show.sign(_SIGN[first.severity], _STYLE[first.severity], f"{count}{place}{said}")
    rows = [str(problem.row) for problem in alike if problem.row]
    where = f"row{'s' if len(rows) > 1 else ''} {', '.join(rows[:_SHOWN])}"
    more = f" and {len(rows) - _SHOWN:,} more" if len(rows) > _SHOWN else ""
    show.say(f"    {f'{where}{more}  ' if rows else ''}→ {first.cure}.")


def _totals(found: tuple[Problem, ...]) -> str:
    counts = {level: sum(p.severity == level for p in found) for level in (ERROR, WARNING, NOTE)}
    said = ", ".join(f"{n:,} {level}{'s' if n > 1 else ''}" for level, n in counts.items() if n)
    return f"{said}. --json lists each with its row." if said else "no problems."


def problems(found: Iterable[Problem]) -> list[dict[str, object]]:
    """Problems as JSON."""
    return [
        {
            "code": p.code,
            "severity": p.severity,
            "file": p.where,
            "row": p.row,
            "sourced_id": p.sourced_id or "",
            "field": p.field or "",
            "message": p.message,
            "cure": p.cure,
        }
        for p in found
    ]
