"""Checking a OneRoster CSV set, without a database."""

from pathlib import Path

import typer

from homeroom.cli import show
from homeroom.cli.rostering import Json
from homeroom.cli.trouble import FAILED, WRONG_USE, Trouble

app = typer.Typer(no_args_is_help=True, help="OneRoster CSV sets.")


@app.callback()
def _group() -> None:
    """OneRoster CSV sets."""


@app.command("check")
def csv_check(path: Path, json: Json = False) -> int:
    """Reports every breach of the standard, with file, row, field and cure."""
    from homeroom.oneroster.bulk import BulkError, check

    try:
        report = check(path)
    except BulkError as wrong:
        raise Trouble(str(wrong), "", WRONG_USE if not path.exists() else FAILED) from wrong
    if json:
        show.document(
            {
                "ok": report.ok,
                "version": report.version,
                "counts": report.counts,
                "problems": problems(report.problems),
            }
        )
    else:
        for problem in report.problems[:200]:
            where = (
                f"{problem.where}"
                + (f" row {problem.row}" if problem.row else "")
                + (f" {problem.field}" if problem.field else "")
            )
            show.say(f"{where}: {problem.message}\n    → {problem.cure}")
        if len(report.problems) > 200:
            show.say(f"… and {len(report.problems) - 200} more; --json has them all")
        show.say(f"OneRoster {report.version}: {show.counts(report.counts)}; {len(report.problems)} problems")
    return 0 if report.ok else FAILED


def problems(found: tuple[object, ...]) -> list[dict[str, object]]:
    """Problems as JSON."""
    from homeroom.problems import Problem

    return [
        {
            "code": p.code,
            "file": p.where,
            "row": p.row,
            "sourced_id": p.sourced_id or "",
            "field": p.field or "",
            "message": p.message,
            "cure": p.cure,
        }
        for p in found
        if isinstance(p, Problem)
    ]
