"""OneRoster 1.1: how a user differs there. A user has one `role` word and a list of `orgs`."""

from homeroom.oneroster import records as r
from homeroom.oneroster.endpoints import V1P1
from homeroom.oneroster.shapes import KINDS, WRITERS, Json, boolean, common, refs, said
from homeroom.oneroster.words import WORD_FIELDS, nearest, nearest_role, words

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
    kind = KINDS[type(record)]
    written: Json = WRITERS[type(record)](record)
    field = WORD_FIELDS.get(kind, "")
    if field not in written:
        return written
    word = nearest(written.pop(field), kind, words(V1P1, kind, field))
    return {**written, **said(**{field: word})}


def role_of(user: r.User) -> str:
    """The one word that 1.1 can say of a user: of its primary roles, else of all, the first in our order that 1.1 knows."""
    told = [ROLE_1P1.get(role.role, role.role) for role in user.roles if role.role_type == "primary"]
    told = told or [ROLE_1P1.get(role.role, role.role) for role in user.roles]
    known = [word for word in told if word in _ORDER]
    return min(known, key=_ORDER.index) if known else nearest_role(told[0] if told else "")


def orgs_of(user: r.User) -> list[str]:
    """The orgs of a user: those of all roles, the primary one first."""
    orgs = dict.fromkeys([user.primary_org, *(role.org for role in user.roles)])
    orgs.pop("", None)
    return list(orgs)


def write_user(user: r.User) -> Json:
    """A user as 1.1 JSON."""
    return {
        **common(user),
        "username": user.username,
        **said(userIds=[{**said(type=i.type), "identifier": i.identifier} for i in user.user_ids]),
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
        "orgs": refs(orgs_of(user), "org"),
    }
