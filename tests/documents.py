"""The pages of docs/ that are made from the code, so that they cannot lie: `make docs` writes them, a test compares them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from typer.main import get_command

from homeroom.cli.main import app
from homeroom.problems import KINDS

DOCS = Path(__file__).parents[1] / "docs"
COMMANDS_HEAD = """# Commands

One program, `homeroom`; after `make setup` it is `.venv/bin/homeroom`. Every command that reports takes `--json` and then prints one
JSON document on standard output and nothing else there; progress and messages go to standard error. Exit status: 0 done; 1 it ran
and found trouble; 2 wrong use; 3 held, a person must decide. Secrets come from a prompt, from `HOMEROOM_SECRET` or from
`--secret-file FILE` (`-` is standard input), never only from an argument. SCHOOL is a school's name or id.

This page is made from the program by `make docs`.
"""
PROBLEMS_HEAD = """# Problems

A bad row never costs the good ones: it is left out or met halfway, and named as a problem. Each has a code that stays the same,
what Homeroom did about it, and who can cure it how. Reports and mails group them by code.

This page is made from `src/homeroom/problems.py` by `make docs`.

| Code | What is wrong | What Homeroom did | Who cures it, and how |
|---|---|---|---|
"""


def commands(
    group: Any = None, path: tuple[str, ...] = ("homeroom",)
) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command with its path, in order."""
    group = group or get_command(app)
    for name, command in sorted(group.commands.items()):
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


def commands_page() -> str:
    """docs/commands.md."""
    return COMMANDS_HEAD + "".join(_command(path, command) for path, command in commands())


def _command(path: tuple[str, ...], command: Any) -> str:
    arguments = " ".join(_argument(param) for param in command.params if param.param_type_name == "argument")
    options = [
        param for param in command.params if param.param_type_name == "option" and param.name != "help"
    ]
    lines = [
        f"\n## `{' '.join(path)}{' ' + arguments if arguments else ''}`\n",
        f"{' '.join((command.help or '').split())}\n",
    ]
    if options:
        lines += ["| Option | Means |", "|---|---|", *(_option(option) for option in options)]
    return "\n".join(lines) + ("\n" if options else "")


def _argument(param: Any) -> str:
    name = str(param.metavar or param.name.upper())
    return name if param.required or name.startswith("[") else f"[{name}]"


def _option(option: Any) -> str:
    known = option.default not in (None, "", False) and not callable(option.default)
    said = " ".join(
        part for part in (option.help or "", f"Default: {option.default}." if known else "") if part
    )
    return f"| `{option.opts[-1]}`{' (needed)' if option.required else ''} | {said} |"


def problems_page() -> str:
    """docs/problems.md."""
    rows = (
        f"| `{code}` | {kind.meaning} | {kind.effect} | {kind.cure} |\n"
        for code, kind in sorted(KINDS.items())
    )
    return PROBLEMS_HEAD + "".join(rows)


PAGES = {"commands.md": commands_page, "problems.md": problems_page}

if __name__ == "__main__":
    for name, page in PAGES.items():
        (DOCS / name).write_text(page())
