"""Roles and profiles of 1.2 as their own rows told them, so that a delta of these rows alone finds what it changes."""

from collections.abc import Iterable, Iterator
from itertools import islice

import msgspec
from django.db import connection
from msgspec.structs import replace

from homeroom.oneroster import records as r
from homeroom.oneroster.bulk.parts import TABLES, Part, Parts
from homeroom.sis.records.store import stored

_VALUES: dict[str, type[r.Role] | type[r.UserProfile]] = {"roles": r.Role, "userProfiles": r.UserProfile}
_AT_A_TIME = 2000
_COLUMNS = 'part, sourced_id, "user", said'


def with_stored(told: Parts, whole: set[str], users: Iterable[str]) -> Parts:
    """What a load tells of parts, together with what is stored of the users it concerns: those given and those it tells of.

    `whole` are the tables that the load tells completely. A stored user whose roles came otherwise than by rows of their own
    (from 1.1) has them as if each had been one.
    """
    if whole >= set(TABLES):
        return _all_told(told, users)
    keys = {part.key for parts in told.by_user.values() for part in parts if part.table not in whole}
    before = [
        part for part in _held("sourced_id", {sourced_id for _, sourced_id in keys}) if part.key in keys
    ]
    concerned = {*users, *told.by_user, *(part.user for part in before)}
    stored_parts = [part for part in _held('"user"', concerned) if part.table not in whole]
    stored_parts += [part for part in _unheld(concerned, stored_parts) if part.table not in whole]
    final = Parts()
    for user in concerned:
        final.by_user[user] = []
    for part in stored_parts:
        now = next((one for one in told.by_user.get(part.user, ()) if one.key == part.key), None)
        if now is not None or part.key not in keys:
            final.add(now or part)
    for parts in told.by_user.values():
        for part in parts:
            _forget_unheld(final, part)
            final.add(part)
    return final


def _all_told(told: Parts, users: Iterable[str]) -> Parts:
    for user in users:
        told.by_user.setdefault(user, [])
    return told


def _unheld(users: set[str], rows: list[Part]) -> Iterator[Part]:
    """The parts that users have in their records and in no rows."""
    having = {(part.user, part.table) for part in rows}
    lacking = sorted(user for user in users if any((user, table) not in having for table in TABLES))
    for user in stored("users", lacking) if lacking else ():
        if not isinstance(user, r.User):
            continue
        if (user.sourced_id, "roles") not in having:
            for number, role in enumerate(user.roles, 1):
                yield Part("roles", f"{user.sourced_id}.{number}", user.sourced_id, role)
        if (user.sourced_id, "userProfiles") not in having:
            for profile in user.profiles:
                yield Part("userProfiles", profile.sourced_id, user.sourced_id, profile)


def _forget_unheld(final: Parts, part: Part) -> None:
    """A role that now has a row of its own takes the place of the same role that had none."""
    parts = final.by_user[part.user]
    parts[:] = [other for other in parts if other.key == part.key or not _same_role(other, part)]


def _same_role(unheld: Part, part: Part) -> bool:
    before, now = unheld.value, part.value
    if not isinstance(before, r.Role) or not isinstance(now, r.Role) or before.sourced_id:
        return False
    return (before.role, before.org) == (now.role, now.org)


def _held(column: str, ids: set[str]) -> list[Part]:
    if not ids:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {_COLUMNS} FROM records_part WHERE {column} = ANY(%s) ORDER BY id", [list(ids)]
        )
        return [_part(*row) for row in cursor.fetchall()]


def _part(table: str, sourced_id: str, user: str, said: str) -> Part:
    return Part(table, sourced_id, user, msgspec.json.decode(said, type=_VALUES[table]))


def held(table: str, ids: set[str]) -> set[str]:
    """Which of some sourcedIds are those of stored rows of a table of parts."""
    return {part.sourced_id for part in _held("sourced_id", ids) if part.table == table}


def keep_parts(parts: Parts, whole: set[str], without: Iterable[str]) -> None:
    """Remembers the parts of every user concerned. `without` are users who have theirs in their records, not in rows."""
    with connection.cursor() as cursor:
        cursor.execute(
            'DELETE FROM records_part WHERE part = ANY(%s) OR "user" = ANY(%s)',
            [list(whole), [*parts.by_user, *without]],
        )
        with cursor.copy(f"COPY records_part ({_COLUMNS}) FROM STDIN") as sink:
            for its in parts.by_user.values():
                for part in its:
                    if not part.gone:
                        row = (
                            part.table,
                            part.sourced_id,
                            part.user,
                            msgspec.json.encode(part.value).decode(),
                        )
                        sink.write_row(row)


def with_role_ids(users: Iterable[r.Record]) -> Iterator[r.Record]:
    """Users with the sourcedIds that their roles have as rows, which the JSON of a role does not hold."""
    waiting = iter(users)
    while batch := list(islice(waiting, _AT_A_TIME)):
        parts = Parts()
        for part in _held('"user"', {user.sourced_id for user in batch}):
            parts.add(part)
        for user in batch:
            roles = [part.value for part in parts.by_user.get(user.sourced_id, ()) if part.table == "roles"]
            yield replace(user, roles=tuple(roles)) if roles else user
