"""One CSV row <-> one record, and what may be wrong with a row or between rows."""

import re
from collections.abc import Iterator
from typing import Any

from homeroom.oneroster import records as r
from homeroom.oneroster.endpoints import V1P1
from homeroom.oneroster.tables import ENUMS, FLAGS, REQUIRED, ROLES_1P1, ROLES_1P2
from homeroom.oneroster.v1p1 import role_of
from homeroom.oneroster.v1p2 import ROLE_1P2
from homeroom.problems import Problem

Row = dict[str, str]
_ID = re.compile(r"[0-9A-Za-z.\-_/@]{1,255}")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_USER_ID = re.compile(r"\{([^:{}]*):([^{}]*)\}")
_DATE_COLUMNS = ("startDate", "endDate", "beginDate", "birthDate")
_BOOLEANS = ("enabledUser", "primary", *FLAGS)


def clean(cell: str) -> str:
    """A cell's text, trimmed, without NULs, which no database keeps."""
    return cell.replace("\0", "").strip()


def checked(
    table: str, row: Row, version: str, file: str, number: int, *, delta: bool
) -> tuple[Row | None, tuple[Problem, ...]]:
    """The row if it can be used at all, and what is wrong with its cells."""
    sourced_id = row.get("sourcedId", "")
    if not sourced_id and table != "roles":
        return None, (Problem("missing_id", file, field="sourcedId", row=number),)
    found = _breaches(table, row, version, delta=delta)
    return row, tuple(Problem(code, file, sourced_id, name, number, detail) for code, name, detail in found)


def _breaches(table: str, row: Row, version: str, *, delta: bool) -> Iterator[tuple[str, str | None, str]]:
    if row.get("sourcedId") and not _ID.fullmatch(row["sourcedId"]):
        yield "bad_id", "sourcedId", ""
    filled = bool(row.get("status") or row.get("dateLastModified"))
    if filled and not delta:
        yield "bulk_dates", "status", ""
    if delta and not (row.get("status") and row.get("dateLastModified")):
        yield "delta_dates", "status", ""
    for name in REQUIRED[version][table]:
        if not row.get(name):
            yield "missing_value", name, ""
    for name in _DATE_COLUMNS:
        if row.get(name) and not _DATE.fullmatch(row[name]):
            yield "bad_value", name, "a date is YYYY-MM-DD"
    for name in _BOOLEANS:
        if row.get(name, "true") not in ("true", "false", ""):
            yield "bad_value", name, "true or false, in lower case"
    yield from _enum_breaches(table, row, version)


def _enum_breaches(table: str, row: Row, version: str) -> Iterator[tuple[str, str | None, str]]:
    role_words = ROLES_1P1 if version == V1P1 else ROLES_1P2
    allowed = {name: words for (its, name), words in ENUMS.items() if its == table}
    allowed |= {"role": role_words} if table in ("users", "roles") else {}
    for name, words in allowed.items():
        value = row.get(name, "")
        if value and value not in words and not (version != V1P1 and value.startswith("ext:")):
            yield "bad_value", name, f"one of {', '.join(words)}"
    if row.get("status", "") not in ("", "active", "tobedeleted"):
        yield "bad_value", "status", "active or tobedeleted"


def record(
    table: str, row: Row, roles: dict[str, list[r.Role]], file: str, number: int
) -> tuple[r.Record, tuple[Problem, ...]]:
    """The record that a checked row says."""
    common: dict[str, Any] = {
        "sourced_id": row["sourcedId"],
        "status": "tobedeleted" if row.get("status") in ("tobedeleted", "inactive") else "active",
        "modified": row.get("dateLastModified", ""),
        "metadata": {
            name[9:]: value for name, value in row.items() if name.startswith("metadata.") and value
        },
    }
    if table == "users":
        return _user(row, common, roles, file, number)
    made: r.Record = _READERS[table](row, common)
    return made, ()


def _user(
    row: Row, common: dict[str, Any], roles: dict[str, list[r.Role]], file: str, number: int
) -> tuple[r.User, tuple[Problem, ...]]:
    user_ids, well_formed = _user_ids(row.get("userIds", ""))
    user = r.User(
        **common,
        given_name=row.get("givenName", ""),
        family_name=row.get("familyName", ""),
        middle_name=row.get("middleName", ""),
        preferred_given_name=row.get("preferredGivenName", ""),
        preferred_middle_name=row.get("preferredMiddleName", ""),
        preferred_family_name=row.get("preferredFamilyName", ""),
        pronouns=row.get("pronouns", ""),
        username=row.get("username", ""),
        user_ids=user_ids,
        enabled=row.get("enabledUser", "").lower() != "false",
        identifier=row.get("identifier", ""),
        email=row.get("email", ""),
        sms=row.get("sms", ""),
        phone=row.get("phone", ""),
        agents=_list(row, "agentSourcedIds"),
        grades=_list(row, "grades"),
        roles=tuple(roles.get(row["sourcedId"], ())) or _roles_1p1(row),
        primary_org=row.get("primaryOrgSourcedId", ""),
        user_master_identifier=row.get("userMasterIdentifier", ""),
    )
    odd = () if well_formed else (Problem("user_id_form", file, user.sourced_id, "userIds", number),)
    return user, odd


def _roles_1p1(row: Row) -> tuple[r.Role, ...]:
    word = row.get("role", "")
    orgs = _list(row, "orgSourcedIds")
    return tuple(r.Role(role=ROLE_1P2.get(word, word), org=org) for org in orgs if word)


def role(row: Row) -> r.Role:
    """One row of roles.csv."""
    return r.Role(
        role=row.get("role", ""),
        org=row.get("orgSourcedId", ""),
        role_type=row.get("roleType", "") or "primary",
        begin_date=row.get("beginDate", ""),
        end_date=row.get("endDate", ""),
        user_profile=row.get("userProfileSourcedId", ""),
    )


def _user_ids(cell: str) -> tuple[tuple[r.UserId, ...], bool]:
    found = _USER_ID.findall(cell)
    if cell and not found:
        return (r.UserId(type="", identifier=cell),), False
    return tuple(r.UserId(type=kind.strip(), identifier=value.strip()) for kind, value in found), True


def _list(row: Row, name: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(item.strip() for item in row.get(name, "").split(",") if item.strip()))


def _org(row: Row, common: dict[str, Any]) -> r.Org:
    return r.Org(
        **common,
        name=row.get("name", ""),
        type=row.get("type", ""),
        identifier=row.get("identifier", ""),
        parent=row.get("parentSourcedId", ""),
    )


def _session(row: Row, common: dict[str, Any]) -> r.AcademicSession:
    return r.AcademicSession(
        **common,
        title=row.get("title", ""),
        type=row.get("type", ""),
        start_date=row.get("startDate", ""),
        end_date=row.get("endDate", ""),
        school_year=row.get("schoolYear", ""),
        parent=row.get("parentSourcedId", ""),
    )


def _course(row: Row, common: dict[str, Any]) -> r.Course:
    return r.Course(
        **common,
        title=row.get("title", ""),
        course_code=row.get("courseCode", ""),
        school_year=row.get("schoolYearSourcedId", ""),
        org=row.get("orgSourcedId", ""),
        grades=_list(row, "grades"),
        subjects=_list(row, "subjects"),
        subject_codes=_list(row, "subjectCodes"),
    )


def _class(row: Row, common: dict[str, Any]) -> r.Class:
    return r.Class(
        **common,
        title=row.get("title", ""),
        course=row.get("courseSourcedId", ""),
        school=row.get("schoolSourcedId", ""),
        class_code=row.get("classCode", ""),
        class_type=row.get("classType", ""),
        location=row.get("location", ""),
        grades=_list(row, "grades"),
        subjects=_list(row, "subjects"),
        subject_codes=_list(row, "subjectCodes"),
        terms=_list(row, "termSourcedIds"),
        periods=_list(row, "periods"),
    )


def _enrollment(row: Row, common: dict[str, Any]) -> r.Enrollment:
    primary = row.get("primary", "").lower()
    return r.Enrollment(
        **common,
        user=row.get("userSourcedId", ""),
        class_=row.get("classSourcedId", ""),
        school=row.get("schoolSourcedId", ""),
        role=row.get("role", ""),
        primary=None if not primary else primary == "true",
        begin_date=row.get("beginDate", ""),
        end_date=row.get("endDate", ""),
    )


def _demographics(row: Row, common: dict[str, Any]) -> r.Demographics:
    return r.Demographics(
        **common,
        birth_date=row.get("birthDate", ""),
        sex=row.get("sex", ""),
        flags={name: row[name].lower() == "true" for name in FLAGS if row.get(name)},
        country_of_birth_code=row.get("countryOfBirthCode", ""),
        state_of_birth_abbreviation=row.get("stateOfBirthAbbreviation", ""),
        city_of_birth=row.get("cityOfBirth", ""),
        public_school_residence_status=row.get("publicSchoolResidenceStatus", ""),
    )


_READERS: dict[str, Any] = {
    "orgs": _org,
    "academicSessions": _session,
    "courses": _course,
    "classes": _class,
    "enrollments": _enrollment,
    "demographics": _demographics,
}


def write(record: r.Record, version: str) -> Row:
    """The cells of a record's bulk row, by column name. Bulk rows leave status and date empty."""
    row = {"sourcedId": record.sourced_id, **_plain(record)}
    if isinstance(record, r.User):
        row |= _user_cells(record, version)
    return {name: _line(value) for name, value in row.items()}


def _line(value: str) -> str:
    return " ".join(value.splitlines()) if "\n" in value or "\r" in value else value


_COLUMN_OF = {
    r.Org: {"parent": "parentSourcedId"},
    r.AcademicSession: {"parent": "parentSourcedId"},
    r.Course: {"school_year": "schoolYearSourcedId", "org": "orgSourcedId"},
    r.Class: {"course": "courseSourcedId", "school": "schoolSourcedId", "terms": "termSourcedIds"},
    r.Enrollment: {"user": "userSourcedId", "class_": "classSourcedId", "school": "schoolSourcedId"},
    r.User: {"agents": "agentSourcedIds", "enabled": "enabledUser", "primary_org": "primaryOrgSourcedId"},
}
_SKIPPED = ("sourced_id", "status", "modified", "metadata", "children", "flags", "roles", "user_ids")


def _plain(record: r.Record) -> Row:
    names = _COLUMN_OF.get(type(record), {})
    cells = {
        names.get(name, _camel(name)): _cell(getattr(record, name))
        for name in record.__struct_fields__
        if name not in _SKIPPED
    }
    if isinstance(record, r.Demographics):
        cells |= {name: _cell(flag) for name, flag in record.flags.items()}
    return cells


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return ",".join(value)
    return "" if value is None else str(value)


def _user_cells(user: r.User, version: str) -> Row:
    cells = {"userIds": ",".join(f"{{{i.type}:{i.identifier}}}" for i in user.user_ids)}
    if version == V1P1:
        cells |= {
            "role": role_of(user),
            "orgSourcedIds": ",".join(dict.fromkeys(role.org for role in user.roles)),
        }
    return cells


def write_roles(record: r.Record) -> list[list[str]]:
    """A user's rows of roles.csv."""
    if not isinstance(record, r.User):
        return []
    return [
        [
            *(f"{record.sourced_id}.{number}"[:255], "", "", record.sourced_id, role.role_type),
            *(
                ROLE_1P2.get(role.role, role.role),
                role.begin_date,
                role.end_date,
                role.org,
                role.user_profile,
            ),
        ]
        for number, role in enumerate(record.roles, 1)
    ]


class References:
    """Which ids were seen and which were named, by table: duplicates at once, dangling names at the end."""

    def __init__(self) -> None:
        self.seen: dict[str, set[str]] = {}
        self.named: dict[str, dict[str, tuple[str, str, int]]] = {}

    def add(self, table: str, made: r.Record, file: str, number: int) -> list[Problem]:
        """Notes a record; a problem if its id was there already."""
        ids = self.seen.setdefault(table, set())
        repeated = made.sourced_id in ids
        ids.add(made.sourced_id)
        for target, field, sourced_id in named_by(made):
            self.named.setdefault(target, {}).setdefault(sourced_id, (file, field, number))
        return [Problem("duplicate_id", file, made.sourced_id, "sourcedId", number)] if repeated else []

    def dangling(self) -> list[Problem]:
        """One problem for each id that was named and never came, at the first place that names it."""
        return [
            Problem("dangling_reference", file, sourced_id, field, number)
            for target, names in self.named.items()
            for sourced_id, (file, field, number) in names.items()
            if sourced_id not in self.seen.get(target, ())
        ]


def named_by(made: r.Record) -> Iterator[tuple[str, str, str]]:
    """What a record refers to: (table, column, sourcedId)."""
    match made:
        case r.User():
            yield from (("users", "agentSourcedIds", agent) for agent in made.agents)
            yield from (("orgs", "orgSourcedIds", role.org) for role in made.roles if role.org)
        case r.Org() if made.parent:
            yield "orgs", "parentSourcedId", made.parent
        case r.Class():
            yield "courses", "courseSourcedId", made.course
            yield "orgs", "schoolSourcedId", made.school
            yield from (("academicSessions", "termSourcedIds", term) for term in made.terms)
        case r.Enrollment():
            yield "users", "userSourcedId", made.user
            yield "classes", "classSourcedId", made.class_
            yield "orgs", "schoolSourcedId", made.school
        case r.Course() if made.org:
            yield "orgs", "orgSourcedId", made.org
        case r.Demographics():
            yield "users", "sourcedId", made.sourced_id
        case _:
            return
