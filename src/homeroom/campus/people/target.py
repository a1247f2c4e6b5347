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


def by_number(district: int, numbers: Collection[str]) -> dict[str, list[int]]:
    """Ids of people by number."""
    return _ids_by("number", "number", district, numbers)


def by_email(district: int, emails: Collection[str]) -> dict[str, list[int]]:
    """Ids of people by lower-case e-mail."""
    return _ids_by("lower(email)", "email", district, emails)


def _ids_by(expression: str, column: str, district: int, values: Collection[str]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = defaultdict(list)
    if values:
        text = (
            f"SELECT {expression}, id FROM people_person WHERE district_id = %s AND {column} <> '' "
            f"AND {expression} = ANY(%s) ORDER BY id"
        )
        for value, id_ in query(text, [district, list(values)]):
            found[value].append(id_)
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


def _places(ids: list[int]) -> dict[int, dict[Place, Membership]]:
    found: dict[int, dict[Place, Membership]] = defaultdict(dict)
    text = (
        'SELECT person_id, school_id, "group", grade, ended_at IS NULL, managed_by IS NOT NULL, ended_by_hand '
        "FROM people_membership WHERE person_id = ANY(%s)"
    )
    for person, school, group, grade, active, managed, by_hand in query(text, [ids]):
        found[person][Place(school, RoleGroup(group))] = Membership(grade, active, managed, by_hand)
    return found


def _guardians(ids: list[int], source: int) -> dict[int, list[Guardian]]:
    found: dict[int, list[Guardian]] = defaultdict(list)
    text = (
        "SELECT link.person_id, min(record.sourced_id), link.primary, link.reason FROM people_contactlink link "
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
