"""What a command says: one JSON document, or words for people, on standard output; progress on standard error."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from homeroom.sync.reading import Check

err = Console(stderr=True, soft_wrap=True, highlight=False)
out = Console(soft_wrap=True, highlight=False)
MARK = {True: "✔", False: "✖", None: "⚠"}
STYLE = {True: "green", False: "red", None: "yellow"}
Move = Callable[[str, int, int], None]


def document(value: Mapping[str, Any]) -> None:
    """The one JSON document of a command."""
    print(json.dumps(value, ensure_ascii=False, indent=2, default=str))


def say(text: str) -> None:
    """A line of the answer. Never read as markup: a name may hold brackets."""
    out.print(Text(text))


def note(text: str) -> None:
    """An aside, on standard error."""
    err.print(Text(text))


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Rows under headings."""
    grid = Table(*columns, box=None, header_style="bold", pad_edge=False)
    for row in rows:
        grid.add_row(*(Text("" if cell is None else str(cell)) for cell in row))
    out.print(grid)


def checks(found: Iterable[Check]) -> None:
    """The points of a test, each failing one with its cure."""
    for check in found:
        mark, style = (MARK[check.ok], STYLE[check.ok]) if check.tried else ("–", "dim")
        line = Text(f"{mark} ", style=style)
        out.print(line.append(f"{check.name}: {check.detail}", style="default"))
        if check.cure and check.ok is not True:
            out.print(Text(f"    → {check.cure}"))


def sign(mark: str, style: str, text: str) -> None:
    """A line with a coloured sign before it."""
    out.print(Text("  ").append(f"{mark} ", style=style).append(text))


def counts(found: Mapping[str, int]) -> str:
    """Counts in a line, those of zero left out."""
    return ", ".join(f"{count:,} {name}" for name, count in found.items() if count)


@contextmanager
def progress() -> Iterator[Move]:
    """A bar on standard error. Yields `move(step, done, total)`; a total of 0 means that nobody knows it yet."""
    columns = (TextColumn("{task.description:12}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, disable=not err.is_terminal) as bar:
        tasks: dict[str, TaskID] = {}

        def move(step: str, done: int, total: int) -> None:
            if step not in tasks:
                tasks[step] = bar.add_task(step, total=None)
            bar.update(tasks[step], completed=done, total=total or None)

        yield move
