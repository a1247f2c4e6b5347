"""Who belongs to whom by the ids of agents: OneRoster names guardians on students, students on guardians, or both."""

from collections.abc import Iterator, Sequence

from homeroom.campus.people.target import query
from homeroom.campus.runs.models import Run

_FEW = 200  # looked up at once
_BEFORE = "SELECT agents FROM connections_sourcerecord WHERE connection_id = %s AND sourced_id = ANY(%s)"
_UNCHANGED_STUDENTS = (
    "SELECT sourced_id, raw FROM connections_sourcerecord record WHERE connection_id = %s AND sourced_id = ANY(%s) "
    "AND person_id IS NOT NULL AND raw IS NOT NULL AND NOT gone "
    "AND NOT EXISTS (SELECT FROM runs_staged other WHERE other.run_id = %s AND other.sourced_id = record.sourced_id)"
)

_LEFT_TO_SPEAK = (
    "SELECT DISTINCT other.sourced_id, other.raw FROM runs_staged staged JOIN connections_sourcerecord mine "
    "ON mine.connection_id = %(source)s AND mine.sourced_id = staged.sourced_id JOIN connections_sourcerecord other "
    "ON other.connection_id = mine.connection_id AND other.person_id = mine.person_id AND other.id <> mine.id "
    "WHERE staged.run_id = %(run)s AND staged.places = '{}' AND mine.places <> '{}' AND other.places <> '{}' "
    "AND other.raw IS NOT NULL AND NOT other.gone "
    "AND NOT EXISTS (SELECT FROM runs_staged seen WHERE seen.run_id = %(run)s AND seen.sourced_id = other.sourced_id)"
)


def unchanged_relatives(run: Run) -> Iterator[tuple[str, bytes]]:
    """The unchanged students of staged guardians, changed or absent: their primary contact may be another now. sourcedId and
    bytes of each."""
    for some in _batched(sorted(_relatives(run))):
        for sourced_id, raw in query(_UNCHANGED_STUDENTS, [run.connection_id, some, run.pk]):
            yield sourced_id, bytes(raw)


def left_to_speak(run: Run) -> list[tuple[str, bytes]]:
    """The unchanged records, with their bytes, of people of whom a staged one stands for nothing any more."""
    return [
        (id_, bytes(raw)) for id_, raw in query(_LEFT_TO_SPEAK, {"run": run.pk, "source": run.connection_id})
    ]


def _relatives(run: Run) -> set[str]:
    """The sourcedIds that staged guardians name, named when they were last read, or are named by."""
    now = query("SELECT sourced_id, agents FROM runs_staged WHERE run_id = %s AND guardian", [run.pk])
    guardians = [id_ for id_, _ in now]
    found = {agent for _, agents in now for agent in agents}
    for some in _batched(guardians):
        found |= {agent for (agents,) in query(_BEFORE, [run.connection_id, some]) for agent in agents}
    return found | {teller for _, teller in who_names(run.connection_id, guardians)}


def who_names(connection_id: int, ids: Sequence[str]) -> list[tuple[str, str]]:
    """Who named whom as agent when last read: (told, teller) for every id told. An index look-up for each, few at a time: with
    `&&` on a list PostgreSQL reads the whole table for every few of them."""
    text = (
        "SELECT told, record.sourced_id FROM unnest(%s::text[]) AS told JOIN connections_sourcerecord record "
        "ON record.agents @> ARRAY[told] WHERE record.connection_id = %s AND NOT record.gone"
    )
    return [row for some in _batched(ids) for row in query(text, [some, connection_id])]


def _batched(ids: Sequence[str]) -> Iterator[list[str]]:
    for start in range(0, len(ids), _FEW):
        yield list(ids[start : start + _FEW])
