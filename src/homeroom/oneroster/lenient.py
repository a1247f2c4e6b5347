"""Reading records as servers really send them: orgs and users of either version, in any state of repair.

Null, missing, empty, wrong type, one object for a list, a list for one object, a boolean or "true", numbers for texts,
padded ids, references without ids: each is met, and what costs something is named as a Problem. Nothing here raises for
bad data: one bad row never costs the good ones.
"""

from typing import Any

import msgspec

from homeroom.oneroster import records as r
from homeroom.oneroster.grades import one_form
from homeroom.problems import Problem

Problems = list[Problem]


def read_user(raw: bytes) -> tuple[r.User | None, tuple[Problem, ...]]:
    """A user from the JSON bytes of one object, and what was odd about it; None when it has no usable sourcedId."""
    said, problems = _object("users", raw)
    if said is None:
        return None, tuple(problems)
    sourced_id = text(said.get("sourcedId"))
    user = r.User(
        sourced_id=sourced_id,
        status=_status(said),
        modified=text(said.get("dateLastModified")),
        metadata=_dict(said.get("metadata")),
        given_name=text(said.get("givenName")),
        family_name=text(said.get("familyName")),
        middle_name=text(said.get("middleName")),
        username=text(said.get("username")),
        user_ids=_user_ids(said.get("userIds")),
        enabled=truth(said.get("enabledUser"), default=True),
        identifier=text(said.get("identifier")),
        email=text(said.get("email")),
        sms=text(said.get("sms")),
        phone=text(said.get("phone")),
        agents=tuple(_ids(said.get("agents"), "agents", sourced_id, problems)),
        grades=_grades(said, sourced_id, problems),
        roles=tuple(_roles(said, sourced_id, problems)),
        primary_org=_id(said.get("primaryOrg")),
    )
    if not user.roles:
        problems.append(Problem("no_role", "users", sourced_id, "roles"))
    return user, tuple(problems)


def read_org(raw: bytes) -> tuple[r.Org | None, tuple[Problem, ...]]:
    """An org from the JSON bytes of one object; None when it has no usable sourcedId."""
    said, problems = _object("orgs", raw)
    if said is None:
        return None, tuple(problems)
    org = r.Org(
        sourced_id=text(said.get("sourcedId")),
        status=_status(said),
        modified=text(said.get("dateLastModified")),
        metadata=_dict(said.get("metadata")),
        name=text(said.get("name")),
        type=text(said.get("type")).lower(),
        identifier=text(said.get("identifier")),
        parent=_id(said.get("parent")),
        children=tuple(_ids(said.get("children"), "children", "", [])),
    )
    return org, tuple(problems)


def _object(where: str, raw: bytes) -> tuple[dict[str, Any] | None, Problems]:
    try:
        said = msgspec.json.decode(raw)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return None, [Problem("not_json", where)]
    if isinstance(said, list) and len(said) == 1:
        said = said[0]
    if not isinstance(said, dict):
        return None, [Problem("not_an_object", where)]
    if not text(said.get("sourcedId")):
        return None, [Problem("missing_id", where, field="sourcedId")]
    return said, []


def text(value: Any) -> str:
    """A text, trimmed: numbers are spelled out, null and objects say nothing. NULs are no text anywhere."""
    if isinstance(value, str):
        return value.replace("\0", "").strip()
    if isinstance(value, bool) or not isinstance(value, int | float):
        return ""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def truth(value: Any, *, default: bool) -> bool:
    """A boolean, also when it comes as a word."""
    if isinstance(value, bool):
        return value
    word = text(value).lower()
    return word in ("true", "1", "yes") if word else default


def _status(said: dict[str, Any]) -> str:
    # 1.0 had `inactive`, which 1.1 reads as tobedeleted. Empty and unknown words mean active: feeds made from
    # CSV leave it blank, and absence of a word is no evidence that somebody left.
    return "tobedeleted" if text(said.get("status")).lower() in ("tobedeleted", "inactive") else "active"


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    if isinstance(value, list):
        return value
    return [] if value is None or value == "" else [value]


def _id(value: Any) -> str:
    if isinstance(value, list):
        value = value[0] if value else None
    return text(value.get("sourcedId")) if isinstance(value, dict) else text(value)


def _ids(value: Any, field: str, sourced_id: str, problems: Problems) -> list[str]:
    ids = []
    for item in _list(value):
        found = _id(item)
        if found:
            ids.append(found)
        else:
            problems.append(Problem("reference_without_id", "users", sourced_id, field))
    return list(dict.fromkeys(ids))


def _user_ids(value: Any) -> tuple[r.UserId, ...]:
    pairs = [item for item in _list(value) if isinstance(item, dict) and text(item.get("identifier"))]
    return tuple(
        r.UserId(type=text(pair.get("type")), identifier=text(pair.get("identifier"))) for pair in pairs
    )


def _grades(said: dict[str, Any], sourced_id: str, problems: Problems) -> tuple[str, ...]:
    given = said.get("grades") or _dict(said.get("metadata")).get("grade")
    words = [word for item in _list(given) for word in text(item).split(",") if word.strip()]
    grades = []
    for word in words:
        grade, known = one_form(word)
        grades.append(grade)
        if not known:
            problems.append(Problem("unknown_grade", "users", sourced_id, "grades"))
    return tuple(dict.fromkeys(grades))


def _roles(said: dict[str, Any], sourced_id: str, problems: Problems) -> list[r.Role]:
    roles = [_role(item, sourced_id, problems) for item in _list(said.get("roles")) if isinstance(item, dict)]
    roles += [
        r.Role(role=text(said.get("role")), org=org)
        for org in _ids(said.get("orgs"), "orgs", sourced_id, problems) or ([""] if said.get("role") else [])
        if text(said.get("role"))
    ]
    return [role for role in roles if role is not None and role.role]


def _role(item: dict[str, Any], sourced_id: str, problems: Problems) -> r.Role | None:
    org = _id(item.get("org"))
    if not org:
        problems.append(Problem("reference_without_id", "users", sourced_id, "roles.org"))
    return r.Role(
        role=text(item.get("role")),
        org=org,
        role_type=text(item.get("roleType")) or "primary",
        begin_date=text(item.get("beginDate")),
        end_date=text(item.get("endDate")),
    )
