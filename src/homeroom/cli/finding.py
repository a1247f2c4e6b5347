"""Finding what a command names: a school, a run, a person, a secured user; and reading secrets without showing them."""

import getpass
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from homeroom.cli.trouble import WRONG_USE, Trouble

if TYPE_CHECKING:
    from homeroom.campus.connections.models import RosterLink
    from homeroom.campus.people.models import Person
    from homeroom.campus.runs.models import Run
    from homeroom.campus.schools.models import School


def school(named: str) -> "School":
    """The school of a name or id. Raises `Trouble` when there is none, or several of the name."""
    from homeroom.campus.schools.models import School

    found = list(School.objects.filter(name__iexact=named).select_related("district"))
    if not found and named.isdigit():
        found = list(School.objects.filter(pk=int(named[:18])).select_related("district"))
    if len(found) == 1:
        return found[0]
    if found:
        ids = ", ".join(f"{one.pk} ({one.district})" for one in found)
        raise Trouble(f"There are several schools named {named}", f"Name one by its id: {ids}", WRONG_USE)
    raise Trouble(
        f"There is no school {named}",
        "homeroom school list shows them; homeroom school add makes one.",
        WRONG_USE,
    )


def link(named: str) -> "RosterLink":
    """The roster link of a school. Raises `Trouble` when it is not connected."""
    from homeroom.campus.connections.models import RosterLink

    found = RosterLink.objects.select_related("connection", "school").filter(school=school(named)).first()
    if found is None:
        raise Trouble(
            f"{named} is not connected to an SIS",
            f'Connect it first: homeroom connect "{named}" --url …',
            WRONG_USE,
        )
    return found


def person(number: int) -> "Person":
    """A person by id. Raises `Trouble`."""
    from homeroom.campus.people.models import Person

    found = Person.objects.filter(pk=number).first()
    if found is None:
        raise Trouble(f"There is no person {number}", "homeroom people SCHOOL shows ids.", WRONG_USE)
    return found


def run(number: int) -> "Run":
    """A run by its number. Raises `Trouble`."""
    from homeroom.campus.runs.models import Run

    found = Run.objects.select_related("connection").filter(pk=number).first()
    if found is None:
        raise Trouble(f"There is no run {number}", "homeroom run list SCHOOL shows them.", WRONG_USE)
    return found


def secret(file: str | None, prompt: str) -> str:
    """A secret from --secret-file (- is standard input), from HOMEROOM_SECRET, or typed unseen."""
    if file == "-":
        return sys.stdin.readline().strip()
    if file:
        try:
            return Path(file).read_text().strip()
        except OSError as wrong:
            raise Trouble(
                f"The secret file cannot be read: {wrong.strerror}", "Check --secret-file.", WRONG_USE
            ) from wrong
    if os.environ.get("HOMEROOM_SECRET"):
        return os.environ["HOMEROOM_SECRET"].strip()
    if sys.stdin.isatty():
        return getpass.getpass(f"{prompt}: ", sys.stderr).strip()
    raise Trouble(
        "No Client Secret was given",
        "Set HOMEROOM_SECRET, or name a file: --secret-file FILE (- is standard input).",
        WRONG_USE,
    )
