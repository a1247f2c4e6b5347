"""The pages of docs/ that are made from the code, so that they cannot lie: `make docs` writes them, a test compares them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from typer.main import get_command

from homeroom.cli.main import app
from homeroom.problems import KINDS
from tests.sync.sources import cuts
from tests.wire import faults, rehearsed

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
RELIABILITY_HEAD = """# What the reader survives

A server that answers badly costs at most what it does not send. It never costs people: nobody is archived unless the reading is
proven complete, and what that takes is in [one-sync.md](one-sync.md#when-is-a-reading-complete).

Each row below is a server in the tests, on a real port, with 25 students, read in pages of ten: at most three attempts, five tries a
request. `tests/wire/test_misbehaving.py` tries what is read, `tests/campus/runs/test_misbehaving.py` a full sync of each through the
school app with Archive on. After them all, one student who really left is archived. Hypothesis sends whatever bytes it likes as
a page too: none stops the reader, and none makes a reading complete that has not everybody.

This page is made from `tests/wire/faults.py`, `tests/wire/rehearsed.py` and `tests/sync/sources/cuts.py` by `make docs`.

| What the server does wrong | What is read | Complete? | Archived |
|---|---|---|---|
"""
RELIABILITY_REHEARSED = """
## The rehearsals of the SIS side

`homeroom sis rehearse` makes the SIS side answer like another SIS, or as on a bad day. Every dialect ({dialects}) is found from the
address and token URL that it is known by, read to its proven end, and read again the next night without a change. The faults, each
a full sync through the school app in pages of 40, by position (`tests/campus/runs/test_rehearsals.py`):

| Fault | Complete? | Archived |
|---|---|---|
"""
RELIABILITY_CSV = """
## CSV sets that are not whole

A set of 35 people, 1.2, after a night on which it was whole; each a full sync with Archive on (`tests/campus/runs/test_csv_sets.py`).
Beside these, users.csv and roles.csv are cut at every single byte, and Hypothesis edits every file of a set, and the bytes of a zip, as it
likes (`tests/sync/sources/test_csv_bytes.py`). One suite holds every source to the same people, problems and proof: servers and CSV,
1.1 and 1.2, folder, zip and SFTP (`tests/sync/sources/test_contract.py`).

| What is wrong with the set | Complete? | Archived |
|---|---|---|
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


def _cut(cut: cuts.Cut) -> str:
    return f"| {cut.does} | no{', nothing could be read' if cut.failed else ''}: “{cut.why}” | nobody |\n"


def reliability_page() -> str:
    """docs/reliability.md."""
    servers = (f"| {fault.does} | {_came(fault)} | {_proof(fault)} | nobody |\n" for fault in faults.FAULTS)
    days = (f"| `{name}` | {_rehearsal(outcome)} | nobody |\n" for name, outcome in rehearsed.FAULTS.items())
    spoken = ", ".join(f"`{name}`" for name in rehearsed.DIALECTS)
    head, between = RELIABILITY_HEAD, RELIABILITY_REHEARSED.format(dialects=spoken)
    sets = f"{RELIABILITY_CSV}{''.join(map(_cut, cuts.CUTS))}"
    return f"{head}{''.join(servers)}{between}{''.join(days)}{sets}"


def _came(fault: faults.Fault) -> str:
    if fault.read > len(faults.PEOPLE):
        return f"{fault.read} made-up people, then the bound"
    return "everybody" if fault.read == len(faults.PEOPLE) else f"{fault.read} of {len(faults.PEOPLE)}"


def _proof(fault: faults.Fault) -> str:
    if fault.rekeys:
        return "yes; the sync waits for a word whether these are the same people"
    return "yes" if fault.complete else f"no: “{fault.why}”"


def _rehearsal(outcome: rehearsed.Outcome) -> str:
    if outcome.complete:
        return "yes"
    more = (
        ", nothing could be read"
        if outcome.failed
        else ", and one decision waits for a person"
        if outcome.held
        else ""
    )
    return f"no{more}: “{outcome.why}”"


PAGES = {"commands.md": commands_page, "problems.md": problems_page, "reliability.md": reliability_page}

if __name__ == "__main__":
    for name, page in PAGES.items():
        (DOCS / name).write_text(page())
