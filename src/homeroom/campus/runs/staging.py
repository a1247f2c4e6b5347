"""What is staged of a record to decide on it: its columns, and how they come into the database."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import msgspec

from homeroom.sync.narrow import RulesByOrg, narrow
from homeroom.sync.roster import Place, RoleGroup, SourcePerson, bare
from homeroom.sync.rules import GROUP_OF_ROLE

COLUMNS = (
    "run_id", "sourced_id", "fingerprint", "raw",
    "facts", "number", "email", "name", "student", "member", "guardian", "absent",
    "places", "agents", "verdict", "person_id", "final", "bare", "orgs",
)  # fmt: skip
# The columns from `facts` on, and what would be sought, of a record that could not be understood.
NOT_UNDERSTOOD: tuple[Any, ...] = (
    None, "", "", "", False, False, False, False,
    [], [], "could not be understood", None, False, None, [], [],
)  # fmt: skip
# The same columns, without what would be sought, of a record that the source no longer has.
GONE: tuple[Any, ...] = (
    None, "", "", "", False, False, False, True,
    [], [], "no longer in the SIS", None, True, None, [],
)  # fmt: skip
_facts = msgspec.msgpack.Encoder().encode


def word(place: Place) -> str:
    """A place as the database keeps it."""
    return f"{place.school}:{place.group.value}"


def place_of(text: str) -> Place:
    """The place that `word` wrote."""
    school, _, group = text.partition(":")
    return Place(int(school), RoleGroup(group))


def staged_row(person: SourcePerson, rules: RulesByOrg, today: date) -> tuple[Any, ...]:
    """A record's staged columns, from `facts` on. What narrowing finds is told once, when the record is planned."""
    verdict = narrow(person, rules, today)
    places = [word(place) for place in verdict.entry.places] if verdict.entry else []
    groups = {GROUP_OF_ROLE.get(role.word.lower()) for role in person.roles}
    name = f"{person.given_name}\t{person.family_name}".lower()
    orgs = sorted({role.org for role in person.roles if role.org in rules})
    return (
        *(_facts(person), person.number, person.email.lower(), name),
        *(RoleGroup.STUDENTS in groups, any(groups), verdict.guardian, False),
        *(places, list(person.agents), verdict.why[:300], None, True),
        *(_facts(bare(person)) if orgs else None, orgs),
    )


def copy(cursor: Any, table: str, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    """Rows into a table by COPY."""
    if not rows:
        return
    names = ", ".join(f'"{name}"' for name in columns)
    with cursor.copy(f"COPY {table} ({names}) FROM STDIN") as sink:
        for row in rows:
            sink.write_row(row)
