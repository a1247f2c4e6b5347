"""How the SISs of the field keep people, as far as there is evidence of it: retellings for the dialects of a rehearsal.

Each says what one system is known to do; which system does what stands in the table of dialects.
"""

from collections.abc import Iterator
from functools import cache
from uuid import UUID

from msgspec.structs import replace

from homeroom.oneroster import records as r
from homeroom.sis.records.changing import (
    Retelling,
    each,
    each_user,
    hashed,
    is_guardian,
    is_one_in,
    people,
    renamed,
    without,
)
from homeroom.sis.records.sharing import GROUPS, KINDS_IN_ORDER, Read

STAFF = (*GROUPS["teachers"], *GROUPS["staff"], *GROUPS["admins"])


def without_guardians(read: Read) -> Read:
    """No guardian and no link to one."""

    def no_role(user: r.User) -> list[r.Record]:
        roles = tuple(role for role in user.roles if role.role not in GROUPS["parents"])
        return [replace(user, roles=roles, agents=())]

    return each_user(no_role)(
        without(read, cache(lambda: {u.sourced_id for u in people(read) if is_guardian(u)}))
    )


def guardians_of_students(read: Read) -> Read:
    """Guardians are there only while a student of theirs is."""

    @cache
    def idle() -> set[str]:
        students = {
            u.sourced_id: u.agents for u in people(read) if not is_guardian(u) and u.status == "active"
        }
        named = {agent for agents in students.values() for agent in agents}
        return {
            user.sourced_id
            for user in people(read)
            if is_guardian(user) and user.sourced_id not in named and students.keys().isdisjoint(user.agents)
        }

    return without(read, idle)


def only_enrolled(read: Read) -> Read:
    """People who are in no class are not there."""

    @cache
    def idle() -> set[str]:
        busy = {one.user for one in read("enrollments") if isinstance(one, r.Enrollment)}
        return {user.sourced_id for user in people(read)} - busy

    return without(read, idle)


def with_username(read: Read) -> Read:
    """People without a username, which is their account in the portal, are not there."""
    return without(read, cache(lambda: {user.sourced_id for user in people(read) if not user.username}))


def some_nameless(user: r.User) -> list[r.Record]:
    """One in fifty has neither given nor family name."""
    return [replace(user, given_name="", family_name="") if is_one_in(50, user.sourced_id) else user]


def some_unnumbered(user: r.User) -> list[r.Record]:
    """One in three of the teachers has no number."""
    teaches = any(role.role == "teacher" for role in user.roles)
    return [replace(user, identifier="", user_ids=()) if teaches and is_one_in(3, user.sourced_id) else user]


def a_record_a_school(read: Read) -> Read:
    """One user for each person and school, but one for each guardian, who is a parent and linked to nobody."""

    @cache
    def orgs() -> dict[str, list[str]]:
        return {user.sourced_id: _orgs(user) for user in people(read) if not is_guardian(user)}

    def told(kind: str) -> Iterator[r.Record]:
        places = orgs()
        for record in read(kind):
            if isinstance(record, r.User):
                yield from _ateach(record, places.get(record.sourced_id, []))
            elif isinstance(record, r.Demographics):
                yield from (
                    replace(record, sourced_id=_at(record.sourced_id, org))
                    for org in places.get(record.sourced_id, [])
                )
            elif isinstance(record, r.Enrollment) and (orgs_of := places.get(record.user)):
                school = record.school if record.school in orgs_of else orgs_of[0]
                yield replace(record, user=_at(record.user, school))
            else:
                yield record

    return told


def _orgs(user: r.User) -> list[str]:
    return list(dict.fromkeys(role.org for role in user.roles))


def _at(user: str, school: str) -> str:
    return f"{user}-{school}"


def _ateach(user: r.User, orgs: list[str]) -> Iterator[r.User]:
    user = replace(user, agents=(), username=user.email, enabled=True)
    if not orgs:
        yield replace(user, roles=tuple(replace(role, role="parent") for role in user.roles))
    for org in orgs:
        roles = tuple(role for role in user.roles if role.org == org)
        yield replace(user, sourced_id=_at(user.sourced_id, org), roles=roles, primary_org=org)


def staff_a_record_a_school(read: Read) -> Read:
    """Staff are there once a school, unless somebody merges them; the first school keeps the id."""

    @cache
    def more() -> dict[str, list[str]]:
        staff = (user for user in people(read) if any(role.role in STAFF for role in user.roles))
        return {user.sourced_id: _orgs(user)[1:] for user in staff if len(_orgs(user)) > 1}

    def told(kind: str) -> Iterator[r.Record]:
        others = more()
        for record in read(kind):
            if isinstance(record, r.User) and record.sourced_id in others:
                yield from _staff_records(record, others[record.sourced_id])
            elif isinstance(record, r.Enrollment) and record.school in others.get(record.user, ()):
                yield replace(record, user=_at(record.user, record.school))
            else:
                yield record

    return told


def _staff_records(user: r.User, others: list[str]) -> Iterator[r.User]:
    for org in _orgs(user):
        sourced_id = _at(user.sourced_id, org) if org in others else user.sourced_id
        roles = tuple(role for role in user.roles if role.org == org)
        yield replace(user, sourced_id=sourced_id, roles=roles, primary_org=org)


def padded(user: r.User) -> list[r.Record]:
    """The id of a user with a blank behind it; references to it have none."""
    return [replace(user, sourced_id=user.sourced_id + " ")]


def prefixed_staff(read: Read) -> Read:
    """Ids of staff begin with TCH_."""

    @cache
    def staff() -> set[str]:
        return {u.sourced_id for u in people(read) if any(role.role in STAFF for role in u.roles)}

    def named(kind: str, sourced_id: str) -> str:
        return f"TCH_{sourced_id}" if kind == "users" and sourced_id in staff() else sourced_id

    return each(lambda record: [renamed(record, named)])(read)


def codes_as_ids(read: Read) -> Read:
    """The id of a school is its number, and that of the district 0."""

    @cache
    def codes() -> dict[str, str]:
        found: dict[str, str] = {}
        for org in read("orgs"):
            code = "0" if isinstance(org, r.Org) and org.type == "district" else ""
            code = code or (org.identifier.lstrip("0") if isinstance(org, r.Org) else "")
            found[org.sourced_id] = code if code and code not in found.values() else org.sourced_id
        return found

    def named(kind: str, sourced_id: str) -> str:
        return codes().get(sourced_id, sourced_id) if kind == "orgs" else sourced_id

    return each(lambda record: [renamed(record, named)])(read)


def mixed_ids(record: r.Record) -> list[r.Record]:
    """Orgs and users have GUIDs, enrollments an id that begins with s, and all others what they had."""

    def named(kind: str, sourced_id: str) -> str:
        if kind == "enrollments":
            return f"s{sourced_id}"
        return str(UUID(hashed(sourced_id))) if kind in ("orgs", "users") else sourced_id

    return [renamed(record, named)]


def legacy_ids(user: r.User) -> list[r.Record]:
    """Users carry the id that the older version gave them in their metadata."""
    old = _by_role(user.roles[0].role, user.sourced_id) if user.roles else ""
    return [replace(user, metadata={**user.metadata, "ic": {"legacysourceId": old}})]


def a_record_a_role(read: Read) -> Read:
    """One user for each role of a person, its id with the role's letter before it; staff who do not teach are administrators."""

    @cache
    def words() -> dict[str, list[str]]:
        return {user.sourced_id: _words(user) for user in people(read)}

    def told(kind: str) -> Iterator[r.Record]:
        known = words()
        for record in read(kind):
            if isinstance(record, r.User):
                yield from _of_each_role(record)
            elif isinstance(record, r.Demographics):
                names = known.get(record.sourced_id, [])
                yield from (replace(record, sourced_id=_by_role(word, record.sourced_id)) for word in names)
            elif isinstance(record, r.Enrollment) and (held := known.get(record.user)):
                word = _word(record.role) if _word(record.role) in held else held[0]
                yield replace(record, user=_by_role(word, record.user))
            else:
                yield record

    return told


def _words(user: r.User) -> list[str]:
    return list(dict.fromkeys(_word(role.role) for role in user.roles))


def _of_each_role(user: r.User) -> Iterator[r.User]:
    for word in _words(user):
        roles = tuple(replace(role, role=word) for role in user.roles if _word(role.role) == word)
        own = _by_role(word, user.sourced_id)
        yield replace(user, sourced_id=own, roles=roles, primary_org=roles[0].org, agents=())


def _word(role: str) -> str:
    return "administrator" if role in (*GROUPS["staff"], *GROUPS["admins"]) else role


def _by_role(role: str, sourced_id: str) -> str:
    return f"{_word(role)[0]}{sourced_id}"


def nothing_tobedeleted(read: Read) -> Read:
    """Nothing is ever tobedeleted: what goes is gone, with what is about it."""
    left = cache(lambda: {user.sourced_id for user in people(read) if user.status != "active"})
    return each(lambda record: [record] if record.status == "active" else [])(without(read, left))


def only_users_tobedeleted(record: r.Record) -> list[r.Record]:
    """Users who go are tobedeleted, all else that goes is gone."""
    return [record] if record.status == "active" or isinstance(record, r.User) else []


WAYS: dict[str, Retelling] = {
    "without_guardians": without_guardians,
    "guardians_of_students": guardians_of_students,
    "only_enrolled": only_enrolled,
    "with_username": with_username,
    "some_nameless": each_user(some_nameless),
    "some_unnumbered": each_user(some_unnumbered),
    "a_record_a_school": a_record_a_school,
    "staff_a_record_a_school": staff_a_record_a_school,
    "padded": each_user(padded),
    "prefixed_staff": prefixed_staff,
    "codes_as_ids": codes_as_ids,
    "mixed_ids": each(mixed_ids),
    "legacy_ids": each_user(legacy_ids),
    "a_record_a_role": a_record_a_role,
    "nothing_tobedeleted": nothing_tobedeleted,
    "only_users_tobedeleted": each(only_users_tobedeleted),
}
VANISHING = {
    "nothing_tobedeleted": KINDS_IN_ORDER,
    "only_users_tobedeleted": tuple(kind for kind in KINDS_IN_ORDER if kind != "users"),
}
