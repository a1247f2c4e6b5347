"""The fields of changes in words a front-office clerk can read out: a family is told by its names, not by its ids."""

from collections.abc import Iterable
from typing import Any

from homeroom.campus.people.target import query
from homeroom.campus.runs.models import Change

_INNER = ("managed", "moved", "restricted")  # what carries a change out and says nothing to a person
_WORDS = {"email": "e-mail"}
_NOT_KNOWN = "a guardian whose name is no longer known"
_CONTACTS = (
    "SELECT run.id, record.sourced_id, contact.given_name, contact.family_name FROM runs_run run "
    "JOIN connections_sourcerecord record ON record.connection_id = run.connection_id "
    "JOIN people_contact contact ON contact.id = record.contact_id "
    "WHERE run.id = ANY(%(runs)s) AND record.sourced_id = ANY(%(ids)s)"
)
_COMING = (
    "SELECT run_id, sourced_id, fields->'given_name'->>1, fields->'family_name'->>1 FROM runs_change "
    "WHERE run_id = ANY(%(runs)s) AND sourced_id = ANY(%(ids)s) AND subject = 'contact' AND action = 'add' "
    "AND state IN ('planned', 'held', 'previewed')"
)
_Names = dict[tuple[int, str], str]


class Telling:
    """Tells the fields of some changes; the names of all their guardians are looked up at once."""

    def __init__(self, rows: Iterable[Change]) -> None:
        wanted = {
            (row.run_id, item["sourced_id"])
            for row in rows
            if row.run_id
            for side in row.fields.get("guardians", ())
            for item in side or ()
        }
        self._names = _names(_CONTACTS, wanted)
        # A plan is searched for contacts still to come only where some are: it may be long.
        self._names |= _names(_COMING, wanted - self._names.keys())

    def said(self, row: Change) -> list[dict[str, str]]:
        """The fields of one change, each with name, before and after; "–" where there was nothing."""
        inner = (
            {*_INNER, "guardians"} if "primary contact" in row.fields else _INNER
        )  # the same ones, another first
        return [
            {"name": _WORDS.get(name, name.replace("_", " "))}
            | {
                when: self._side(row, name, side) or "–"
                for when, side in zip(("before", "after"), sides, strict=True)
            }
            for name, sides in row.fields.items()
            if name not in inner
        ]

    def _side(self, row: Change, name: str, side: Any) -> Any:
        if name != "guardians" or not side:
            return side
        named = (
            (self._names.get((row.run_id or 0, item["sourced_id"])) or _NOT_KNOWN, item) for item in side
        )
        return ", ".join(f"{name} (primary)" if item.get("primary") else name for name, item in named)


def _names(text: str, wanted: set[tuple[int, str]]) -> _Names:
    if not wanted:
        return {}
    values = {"runs": sorted({run for run, _ in wanted}), "ids": sorted({id_ for _, id_ in wanted})}
    return {(run, id_): " ".join(filter(None, name)) for run, id_, *name in query(text, values)}
