"""From the standard's records to the engine's nouns: what Homeroom takes from a user and an org, and nothing else."""

from homeroom.oneroster.records import Org, User
from homeroom.sync.roster import SourceOrg, SourcePerson, SourceRole

_MARKS = ("primary", "primarycontact", "primaryguardian", "isprimary", "contactpriority", "isprimarycontact")
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


def person_of(user: User) -> SourcePerson:
    """The engine's person of a user record."""
    return SourcePerson(
        sourced_id=user.sourced_id,
        leaving=user.status == "tobedeleted",
        given_name=user.given_name[:200],
        family_name=user.family_name[:200],
        middle_name=user.middle_name[:200],
        email=user.email[:320],
        number=_number(user)[:255],
        username=user.username[:255],
        phone=(user.phone or user.sms)[:64],
        grade=user.grades[0][:16] if user.grades else "",
        roles=tuple(
            SourceRole(role.role, role.org, role.role_type != "secondary", role.begin_date, role.end_date)
            for role in user.roles
        ),
        agents=user.agents,
        primary_mark=_is_marked(user),
    )


def _number(user: User) -> str:
    if user.identifier:
        return user.identifier
    by_type = {pair.type.lower().replace("_", "").replace(" ", ""): pair.identifier for pair in user.user_ids}
    return next((by_type[name] for name in _NUMBER_TYPES if name in by_type), "")


def _is_marked(user: User) -> bool:
    """Whether an ext: role or a metadata key says in so many words that this guardian is the primary contact."""
    if any(role.role.lower().startswith("ext:primary") for role in user.roles):
        return True
    said = {name.lower().replace("_", "").rsplit(".", 1)[-1]: value for name, value in user.metadata.items()}
    return any(str(said.get(name, "")).lower() in ("true", "1", "yes", "primary") for name in _MARKS)


def org_of(org: Org) -> SourceOrg:
    """The engine's org."""
    return SourceOrg(org.sourced_id, org.name or org.sourced_id, org.identifier, org.type, org.parent)
