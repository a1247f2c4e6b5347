"""The district's data as a OneRoster CSV zip."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from homeroom.oneroster import records as r
from homeroom.oneroster.bulk import write_set
from homeroom.oneroster.tables import FLAGS
from homeroom.sis.records.store import stored

Json = dict[str, Any]


def export(path: Path, version: str) -> dict[str, int]:
    """Writes all active records as a bulk set of a version; returns rows by file."""
    return write_set(path, version, {kind: _records(kind) for kind in _READERS})


def _records(kind: str) -> Iterator[r.Record]:
    for said in stored(kind):
        yield record_of(kind, said)


def record_of(kind: str, said: Json) -> r.Record:
    """The record that our own 1.2 JSON says."""
    made: r.Record = _READERS[kind](
        said, {"sourced_id": said["sourcedId"], "modified": said["dateLastModified"]}
    )
    return made


def _id(said: Json, name: str) -> str:
    return str(said[name]["sourcedId"]) if name in said else ""


def _ids(said: Json, name: str) -> tuple[str, ...]:
    return tuple(item["sourcedId"] for item in said.get(name, ()))


def _texts(said: Json, **names: str) -> dict[str, Any]:
    return {ours: said.get(theirs, "") for ours, theirs in names.items()}


def _user(said: Json, common: Json) -> r.User:
    return r.User(
        **common,
        **_texts(
            said,
            given_name="givenName",
            family_name="familyName",
            middle_name="middleName",
            preferred_given_name="preferredFirstName",
            preferred_middle_name="preferredMiddleName",
            preferred_family_name="preferredLastName",
            pronouns="pronouns",
            username="username",
            identifier="identifier",
            email="email",
            sms="sms",
            phone="phone",
            user_master_identifier="userMasterIdentifier",
        ),
        user_ids=tuple(r.UserId(type=i["type"], identifier=i["identifier"]) for i in said.get("userIds", ())),
        enabled=said.get("enabledUser") != "false",
        agents=_ids(said, "agents"),
        grades=tuple(said.get("grades", ())),
        roles=tuple(_role(role) for role in said["roles"]),
        primary_org=_id(said, "primaryOrg"),
    )


def _role(said: Json) -> r.Role:
    return r.Role(
        role=said["role"],
        org=_id(said, "org"),
        role_type=said["roleType"],
        begin_date=said.get("beginDate", ""),
        end_date=said.get("endDate", ""),
    )


def _org(said: Json, common: Json) -> r.Org:
    return r.Org(
        **common,
        **_texts(said, name="name", type="type", identifier="identifier"),
        parent=_id(said, "parent"),
    )


def _session(said: Json, common: Json) -> r.AcademicSession:
    texts = _texts(
        said, title="title", type="type", start_date="startDate", end_date="endDate", school_year="schoolYear"
    )
    return r.AcademicSession(**common, **texts, parent=_id(said, "parent"))


def _course(said: Json, common: Json) -> r.Course:
    return r.Course(
        **common,
        **_texts(said, title="title", course_code="courseCode"),
        school_year=_id(said, "schoolYear"),
        org=_id(said, "org"),
        **_lists(said),
    )


def _lists(said: Json) -> dict[str, Any]:
    names = {"grades": "grades", "subjects": "subjects", "subject_codes": "subjectCodes"}
    return {ours: tuple(said.get(theirs, ())) for ours, theirs in names.items()}


def _class(said: Json, common: Json) -> r.Class:
    return r.Class(
        **common,
        **_texts(said, title="title", class_code="classCode", class_type="classType", location="location"),
        course=_id(said, "course"),
        school=_id(said, "school"),
        terms=_ids(said, "terms"),
        periods=tuple(said.get("periods", ())),
        **_lists(said),
    )


def _enrollment(said: Json, common: Json) -> r.Enrollment:
    return r.Enrollment(
        **common,
        **_texts(said, role="role", begin_date="beginDate", end_date="endDate"),
        user=_id(said, "user"),
        class_=_id(said, "class"),
        school=_id(said, "school"),
        primary=said["primary"] == "true" if "primary" in said else None,
    )


def _demographics(said: Json, common: Json) -> r.Demographics:
    return r.Demographics(
        **common,
        **_texts(
            said,
            birth_date="birthDate",
            sex="sex",
            country_of_birth_code="countryOfBirthCode",
            state_of_birth_abbreviation="stateOfBirthAbbreviation",
            city_of_birth="cityOfBirth",
            public_school_residence_status="publicSchoolResidenceStatus",
        ),
        flags={name: said[name] == "true" for name in FLAGS if name in said},
    )


_READERS: dict[str, Any] = {
    "orgs": _org,
    "academicSessions": _session,
    "courses": _course,
    "classes": _class,
    "users": _user,
    "enrollments": _enrollment,
    "demographics": _demographics,
}
