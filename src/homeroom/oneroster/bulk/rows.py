"""One CSV row <-> one record: what its cells say, in either version."""

import re
from typing import Any

from homeroom.oneroster import records as r
from homeroom.oneroster.bulk.cells import Row, is_moment
from homeroom.oneroster.bulk.parts import Part
from homeroom.oneroster.tables import FLAGS, TABLES, VOCABULARIES
from homeroom.oneroster.v1p2 import ROLE_1P2

_USER_ID = re.compile(r"\{([^:{}]*):([^{}]*)\}")
LONGEST_WORD = 255  # a longer one is a text that slipped into its column
_GONE = ("tobedeleted", "inactive")  # 1.0 had `inactive`, which 1.1 reads as tobedeleted


def clean(cell: str) -> str:
    """A cell's text, trimmed, without NULs, which no database keeps."""
    return cell.replace("\0", "").strip()


def without_long_ids(table: str, version: str, row: Row) -> Row:
    """The row without references that are longer than any sourcedId: nobody can be meant, and no index takes them."""
    if max(map(len, row.values())) <= r.LONGEST_ID:
        return row
    named = {column.name for column in TABLES[version][table] if column.is_reference} & row.keys()
    return row | {
        name: ",".join(item for item in row[name].split(",") if len(item) <= r.LONGEST_ID) for name in named
    }


def said(table: str, row: Row) -> tuple[r.Record | None, Part | None]:
    """The record, or the part of a user, that a row says; neither for a table that is not served."""
    gone = row.get("status", "").lower() in _GONE
    if table == "roles":
        return None, Part(table, row["sourcedId"], row.get("userSourcedId", ""), _role(row), gone)
    if table == "userProfiles":
        return None, Part(table, row["sourcedId"], row.get("userSourcedId", ""), _profile(row), gone)
    if table not in _READERS:
        return None, None
    modified = row.get("dateLastModified", "")
    common: dict[str, Any] = {
        "sourced_id": row["sourcedId"],
        "status": "tobedeleted" if gone else "active",
        "modified": modified if is_moment(modified) else "",
        "metadata": {
            name[9:]: value for name, value in row.items() if name.startswith("metadata.") and value
        },
    }
    made: r.Record = _READERS[table](row, common)
    return made, None


def _user(row: Row, common: dict[str, Any]) -> r.User:
    return r.User(
        **common,
        given_name=row.get("givenName", ""),
        family_name=row.get("familyName", ""),
        middle_name=row.get("middleName", ""),
        preferred_given_name=row.get("preferredGivenName", ""),
        preferred_middle_name=row.get("preferredMiddleName", ""),
        preferred_family_name=row.get("preferredFamilyName", ""),
        pronouns=row.get("pronouns", ""),
        username=row.get("username", ""),
        user_ids=_user_ids(row.get("userIds", "")),
        enabled=row.get("enabledUser", "").lower() not in ("false", "0", "no", "n"),
        identifier=row.get("identifier", ""),
        email=row.get("email", ""),
        sms=row.get("sms", ""),
        phone=row.get("phone", ""),
        agents=_list(row, "agentSourcedIds"),
        grades=_list(row, "grades"),
        roles=_roles_1p1(row),
        primary_org=row.get("primaryOrgSourcedId", ""),
        user_master_identifier=row.get("userMasterIdentifier", ""),
    )


def _roles_1p1(row: Row) -> tuple[r.Role, ...]:
    word = _word(row, "role", "role")
    orgs = _list(row, "orgSourcedIds")
    return tuple(r.Role(role=ROLE_1P2.get(word, word), org=org) for org in orgs if word)


def _role(row: Row) -> r.Role:
    return r.Role(
        sourced_id=row["sourcedId"],
        role=_word(row, "role", "role"),
        org=row.get("orgSourcedId", ""),
        role_type=_word(row, "roleType", "roleType") or "primary",
        begin_date=row.get("beginDate", ""),
        end_date=row.get("endDate", ""),
        user_profile=row.get("userProfileSourcedId", ""),
    )


def _profile(row: Row) -> r.UserProfile:
    return r.UserProfile(
        sourced_id=row["sourcedId"],
        profile_type=row.get("profileType", ""),
        vendor_id=row.get("vendorId", ""),
        application_id=row.get("applicationId", ""),
        description=row.get("description", ""),
        credential_type=row.get("credentialType", ""),
        username=row.get("username", ""),
    )


def _user_ids(cell: str) -> tuple[r.UserId, ...]:
    """Ids of the form {type:id}; what has another form is one id without a type."""
    found = _USER_ID.findall(cell)
    if cell and not found:
        return (r.UserId(type="", identifier=cell),)
    return tuple(r.UserId(type=kind.strip(), identifier=value.strip()) for kind, value in found)


def _items(row: Row, name: str) -> tuple[str, ...]:
    return tuple(item.strip() for item in row.get(name, "").split(",") if item.strip())


def _list(row: Row, name: str) -> tuple[str, ...]:
    """The items of a list in which none counts twice; subjects and their codes go in pairs, and may."""
    return tuple(dict.fromkeys(_items(row, name)))


def _word(row: Row, name: str, vocabulary: str) -> str:
    """A word as the standard writes it, however it is written here."""
    value = row.get(name, "")
    if len(value) > LONGEST_WORD:
        return ""
    first, second, _ = VOCABULARIES[vocabulary]
    if not value or value in first or value in second:
        return value
    return next((word for word in (*first, *second) if word.lower() == value.lower()), value)


def _true(row: Row, name: str) -> bool:
    return row.get(name, "").lower() in ("true", "1", "yes", "y")


def _org(row: Row, common: dict[str, Any]) -> r.Org:
    return r.Org(
        **common,
        name=row.get("name", ""),
        type=_word(row, "type", "org"),
        identifier=row.get("identifier", ""),
        parent=row.get("parentSourcedId", ""),
    )


def _session(row: Row, common: dict[str, Any]) -> r.AcademicSession:
    return r.AcademicSession(
        **common,
        title=row.get("title", ""),
        type=_word(row, "type", "session"),
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
        subjects=_items(row, "subjects"),
        subject_codes=_items(row, "subjectCodes"),
    )


def _class(row: Row, common: dict[str, Any]) -> r.Class:
    return r.Class(
        **common,
        title=row.get("title", ""),
        course=row.get("courseSourcedId", ""),
        school=row.get("schoolSourcedId", ""),
        class_code=row.get("classCode", ""),
        class_type=_word(row, "classType", "class"),
        location=row.get("location", ""),
        grades=_list(row, "grades"),
        subjects=_items(row, "subjects"),
        subject_codes=_items(row, "subjectCodes"),
        terms=_list(row, "termSourcedIds"),
        periods=_list(row, "periods"),
    )


def _enrollment(row: Row, common: dict[str, Any]) -> r.Enrollment:
    return r.Enrollment(
        **common,
        user=row.get("userSourcedId", ""),
        class_=row.get("classSourcedId", ""),
        school=row.get("schoolSourcedId", ""),
        role=_word(row, "role", "enrollment"),
        primary=_true(row, "primary") if row.get("primary") else None,
        begin_date=row.get("beginDate", ""),
        end_date=row.get("endDate", ""),
    )


def _demographics(row: Row, common: dict[str, Any]) -> r.Demographics:
    return r.Demographics(
        **common,
        birth_date=row.get("birthDate", ""),
        sex=_word(row, "sex", "sex"),
        flags={name: _true(row, name) for name in FLAGS if row.get(name)},
        country_of_birth_code=row.get("countryOfBirthCode", ""),
        state_of_birth_abbreviation=row.get("stateOfBirthAbbreviation", ""),
        city_of_birth=row.get("cityOfBirth", ""),
        public_school_residence_status=row.get("publicSchoolResidenceStatus", ""),
    )


_READERS: dict[str, Any] = {
    "users": _user,
    "orgs": _org,
    "academicSessions": _session,
    "courses": _course,
    "classes": _class,
    "enrollments": _enrollment,
    "demographics": _demographics,
}
