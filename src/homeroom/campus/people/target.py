"""The directory as the engine sees it: people with their places and guardians, loaded by the batch."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Any

from django.db import connection

from homeroom.sync.roster import PERSON_FIELDS, Guardian, Membership, Person, Place, RoleGroup

Rows = list[tuple[Any, ...]]


def people(ids: Collection[int], source: int) -> dict[int, Person]:
    """People by id, with the guardians as the connection `source` names them."""
    if not ids:
        return {}
    wanted = list(ids)
    places = _places(wanted)
    guardians = _guardians(wanted, source)
    protected = _protected(wanted)
    columns = ", ".join(PERSON_FIELDS)
    found = query(
        f"SELECT id, kept_fields, excluded, {columns} FROM people_person WHERE id = ANY(%s)", [wanted]
    )
    return {
        id_: Person(
            id=id_,
            fields=dict(zip(PERSON_FIELDS, values, strict=True)),
            places=places.get(id_, {}),
            guardians=tuple(guardians.get(id_, ())),
            kept=frozenset(kept),
            excluded=excluded,
            protected=id_ in protected,
        )
        for id_, kept, excluded, *values in found
    }


# Who has a sign, by person: whether only somebody has it who was merged into them.
Bearers = dict[str, dict[int, bool]]


def by_number(district: int, numbers: Collection[str]) -> Bearers:
    """People by number. That of somebody merged is one of the person who was kept."""
    return _bearers("number", "number", district, numbers)


def by_email(district: int, emails: Collection[str]) -> Bearers:
    """People by lower-case e-mail, likewise."""
    return _bearers("lower(email)", "email", district, emails)


def _bearers(expression: str, column: str, district: int, values: Collection[str]) -> Bearers:
    found: Bearers = defaultdict(dict)
    if values:
        text = (
            f"WITH RECURSIVE meant AS (SELECT {expression} AS sign, id, merged_into_id AS kept, false AS merged FROM people_person "
            f"WHERE district_id = %s AND {column} <> '' AND {expression} = ANY(%s) UNION SELECT sign, person.id, person.merged_into_id, "
            "true FROM meant JOIN people_person person ON person.id = meant.kept WHERE meant.kept IS NOT NULL) "
            "SELECT sign, id, bool_and(merged) FROM meant WHERE kept IS NULL GROUP BY 1, 2 ORDER BY id"
        )
        for sign, id_, merged in query(text, [district, list(values)]):
            found[sign][id_] = merged
    return found


def new_ids(table: str, count: int) -> list[int]:
    """Ids for rows still to come, taken from the table's own sequence."""
    if not count:
        return []
    found = query(
        "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)", [table, count]
    )
    return [id_ for (id_,) in found]


def contacts(ids: Collection[int]) -> dict[int, tuple[dict[str, str], frozenset[str]]]:
    """Contacts' fields and which of them are kept by hand, by id."""
    text = (
        "SELECT id, kept_fields, given_name, family_name, email, phone FROM people_contact WHERE id = ANY(%s)"
    )
    names = ("given_name", "family_name", "email", "phone")
    rows = query(text, [list(ids)]) if ids else []
    return {id_: (dict(zip(names, values, strict=True)), frozenset(kept)) for id_, kept, *values in rows}


def same_contacts(district: int, emails: Collection[str]) -> dict[tuple[str, str], int]:
    """Contacts by lower-case e-mail and name: somebody whom an SIS has once for each child is one contact."""
    text = (
        "SELECT lower(email), lower(given_name) || E'\\t' || lower(family_name), min(id) FROM people_contact "
        "WHERE district_id = %s AND email <> '' AND lower(email) = ANY(%s) GROUP BY 1, 2"
    )
    rows = query(text, [district, list(emails)]) if emails else []
    return {(email, name): id_ for email, name, id_ in rows}


# The one of a contact's records that speaks for it: the lowest that is live.
_SPEAKS = "(array_agg(record.sourced_id ORDER BY record.gone, record.sourced_id))[1]"


def speaking(source: int, contacts: Collection[int]) -> dict[int, str]:
    """The sourcedId of the record that speaks for each contact of a connection."""
    text = (
        f"SELECT record.contact_id, {_SPEAKS} FROM connections_sourcerecord record "
        "WHERE record.connection_id = %s AND record.contact_id = ANY(%s) GROUP BY 1"
    )
    return dict(query(text, [source, list(contacts)])) if contacts else {}


def _places(ids: list[int]) -> dict[int, dict[Place, Membership]]:
    found: dict[int, dict[Place, Membership]] = defaultdict(dict)
    text = (
        'SELECT person_id, school_id, "group", grade, ended_at IS NULL, managed_by IS NOT NULL, ended_by_hand, missing_runs, '
        "missing_since FROM people_membership WHERE person_id = ANY(%s)"
    )
    for person, school, group, *standing in query(text, [ids]):
        found[person][Place(school, RoleGroup(group))] = Membership(*standing)
    return found


def _guardians(ids: list[int], source: int) -> dict[int, list[Guardian]]:
    found: dict[int, list[Guardian]] = defaultdict(list)
    text = (
        f"SELECT link.person_id, {_SPEAKS}, link.primary, link.reason FROM people_contactlink link "
        "JOIN connections_sourcerecord record ON record.contact_id = link.contact_id AND record.connection_id = %s "
        "WHERE link.person_id = ANY(%s) AND link.ended_at IS NULL GROUP BY link.id ORDER BY link.position"
    )
    for person, sourced_id, primary, reason in query(text, [source, ids]):
        found[person].append(Guardian(sourced_id, primary, reason))
    return found


def _protected(ids: list[int]) -> set[int]:
    """Owners and District Managers, known by the e-mail with which they sign in."""
    text = (
        "SELECT person.id FROM people_person person JOIN accounts_account account ON account.email = lower(person.email) "
        "JOIN schools_grant held ON held.account_id = account.id AND held.district_id = person.district_id "
        "WHERE person.id = ANY(%s) AND held.role IN ('owner', 'district_manager')"
    )
    return {id_ for (id_,) in query(text, [ids])}


def active_counts(source: int, schools: Iterable[int]) -> dict[Place, int]:
    """How many active members of each place a connection manages."""
    text = (
        'SELECT school_id, "group", count(*) FROM people_membership WHERE managed_by = %s AND ended_at IS NULL '
        "AND school_id = ANY(%s) GROUP BY 1, 2"
    )
    return {
        Place(school, RoleGroup(group)): count
        for school, group, count in query(text, [source, list(schools)])
    }


def count_anew(*tables: str) -> None:
    """Has PostgreSQL count tables that a run has just filled: with yesterday's numbers it joins them the slow way."""
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {', '.join(tables)}")


def query(text: str, values: list[Any] | dict[str, Any]) -> Rows:
    """All rows of a query."""
    with connection.cursor() as cursor:
        cursor.execute(text, values)
        rows: Rows = cursor.fetchall()
    return rows
