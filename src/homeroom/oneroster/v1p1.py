"""OneRoster 1.1: how a user differs there. A user has one `role` word and a list of `orgs`."""

from homeroom.oneroster import records as r
from homeroom.oneroster.shapes import WRITERS, Json, boolean, common, refs, said

# 1.2's words for administrators have one word in 1.1, and its counselor none: an aide is the nearest.
ROLE_1P1 = {
    "principal": "administrator",
    "siteAdministrator": "administrator",
    "districtAdministrator": "administrator",
    "systemAdministrator": "administrator",
    "counselor": "aide",
}
_ORDER = ("student", "teacher", "administrator", "aide", "proctor", "guardian", "parent", "relative")


def write(record: r.Record) -> Json:
    """A record as 1.1 JSON, hrefs still relative."""
    if isinstance(record, r.User):
        return write_user(record)
    written: Json = WRITERS[type(record)](record)
    return written


def role_of(user: r.User) -> str:
    """The one word that 1.1 can say of a user: that of the first primary role, else of the first."""
    words = [ROLE_1P1.get(role.role, role.role) for role in user.roles if role.role_type == "primary"]
    words = words or [ROLE_1P1.get(role.role, role.role) for role in user.roles]
    known = [word for word in words if word in _ORDER]
    return min(known, key=_ORDER.index) if known else (words[0] if words else "")


def write_user(user: r.User) -> Json:
    """A user as 1.1 JSON. Orgs are those of all roles, the primary one first."""
    orgs = dict.fromkeys([user.primary_org, *(role.org for role in user.roles)])
    orgs.pop("", None)
    return {
        **common(user),
        "username": user.username,
        **said(userIds=[{"type": i.type, "identifier": i.identifier} for i in user.user_ids]),
        "enabledUser": boolean(user.enabled),
        "givenName": user.given_name,
        "familyName": user.family_name,
        "role": role_of(user),
        **said(
            middleName=user.middle_name,
            identifier=user.identifier,
            email=user.email,
            sms=user.sms,
            phone=user.phone,
            agents=refs(user.agents, "user"),
            grades=list(user.grades),
        ),
        "orgs": refs(orgs, "org"),
    }
