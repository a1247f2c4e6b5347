"""From the standard's records to the engine's nouns: what Homeroom takes from a user and an org, and nothing else."""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from homeroom.oneroster.records import LONGEST_ID, Org, User
from homeroom.problems import Problem
from homeroom.sync.roster import SourceOrg, SourcePerson, SourceRole

# How many characters of each text the directory keeps.
LONGEST = {
    "given_name": 200,
    "family_name": 200,
    "middle_name": 200,
    "email": 320,
    "identifier": 255,
    "username": 255,
    "phone": 64,
}
MOST_AGENTS = 1000
_RENAMED = ("identifier", "phone")
_MARKS = ("primary", "primarycontact", "primaryguardian", "isprimary", "contactpriority", "isprimarycontact")
_RESTRICTING_ROLES = ("ext:restrict", "ext:nocontact", "ext:donotcontact")
_RESTRICTIONS = frozenset(
    "restricted isrestricted restriction contactrestricted contactrestriction restrictedcontact legalrestriction custodyrestriction "
    "nocontact donotcontact nocontactorder restrainingorder courtorder protectionorder".split()
)
_PERMISSIONS = frozenset("contactallowed allowcontact maycontact cancontact".split())
_DENIED = frozenset(("false", "0", "no", "n"))
_NO = _DENIED | {"", "none", "null", "n/a"}
LONGEST_TITLE = 200
_TITLES = ("title", "jobtitle", "stafftitle", "positiontitle", "position", "jobdescription")
_NUMBER_TYPES = (
    "studentnumber",
    "studentid",
    "staffnumber",
    "staffid",
    "employeeid",
    "employeenumber",
    "localid",
    "local",
)


def person_of(user: User, problems: Collection[Problem] = ()) -> SourcePerson:
    """The engine's person of a user record, of which these problems were found."""
    kept = {name: getattr(user, name)[:most] for name, most in LONGEST.items() if name not in _RENAMED}
    return SourcePerson(
        sourced_id=user.sourced_id,
        leaving=user.status == "tobedeleted",
        **kept,
        number=_number(user)[: LONGEST["identifier"]],
        phone=(user.phone or user.sms)[: LONGEST["phone"]],
        grade=user.grades[0][:16] if user.grades else "",
        roles=tuple(
            SourceRole(role.role, role.org, role.role_type != "secondary", role.begin_date, role.end_date)
            for role in user.roles
        ),
        agents=tuple(agent for agent in user.agents if len(agent) <= LONGEST_ID)[:MOST_AGENTS],
        primary_mark=_is_marked(user),
        restricted=_is_restricted(user),
        title=_title(user)[:LONGEST_TITLE],
        unsaid=any(problem.code == "unsaid_role" for problem in problems),
    )


def cut_short(user: User) -> list[Problem]:
    """What of a record is longer than the directory keeps."""
    long = [name for name, most in LONGEST.items() if len(getattr(user, name)) > most]
    if len(user.agents) > MOST_AGENTS or any(len(agent) > LONGEST_ID for agent in user.agents):
        long.append("agents")
    return [Problem("long_value", "users", user.sourced_id, name) for name in long]


def _number(user: User) -> str:
    if user.identifier:
        return user.identifier
    by_type = {pair.type.lower().replace("_", "").replace(" ", ""): pair.identifier for pair in user.user_ids}
    return next((by_type[name] for name in _NUMBER_TYPES if name in by_type), "")


def _is_marked(user: User) -> bool:
    """Whether an ext: role or a metadata key says in so many words that this guardian is the primary contact."""
    if any(role.role.lower().startswith("ext:primary") for role in user.roles):
        return True
    said = dict(_said(user.metadata))
    return any(said.get(name, "") in ("true", "1", "yes", "primary") for name in _MARKS)


def _is_restricted(user: User) -> bool:
    """Whether an ext: role or a metadata key says that this contact must not be used, as after a court's order. What such a key
    says is a clerk's text as often as a switch, so whatever does not say no says yes."""
    words = [role.role.lower().replace("-", "").replace("_", "") for role in user.roles]
    if any(word.startswith(_RESTRICTING_ROLES) for word in words):
        return True
    return any(
        (name in _RESTRICTIONS and value not in _NO) or (name in _PERMISSIONS and value in _DENIED)
        for name, value in _said(user.metadata)
    )


def _said(metadata: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What metadata says, at any depth, by the last part of each name, in small letters without marks between words."""
    for name, value in metadata.items():
        if isinstance(value, dict):
            yield from _said(value)
        else:
            plain = re.sub(r"[\s_-]", "", name.lower()).rsplit(".", 1)[-1]
            yield plain, str("" if value is None else value).strip().lower()


def _title(user: User) -> str:
    """What a member of staff is called: the standard has no field for it, so servers say it in metadata."""
    said = {name.lower().replace("_", "").rsplit(".", 1)[-1]: value for name, value in user.metadata.items()}
    return next((str(said[name]).strip() for name in _TITLES if isinstance(said.get(name), str)), "")


def org_of(org: Org) -> SourceOrg:
    """The engine's org."""
    return SourceOrg(org.sourced_id, org.name or org.sourced_id, org.identifier, org.type, org.parent)
