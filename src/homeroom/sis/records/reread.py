"""Our own stored 1.2 JSON as the record it was made from."""

from typing import Any

from homeroom.oneroster import records as r
from homeroom.oneroster.tables import FLAGS
from homeroom.oneroster.v1p2 import sourced_id_of

Json = dict[str, Any]


def record_of(kind: str, said: Json) -> r.Record:
    """The record that our own 1.2 JSON says."""
    common = {
        "sourced_id": said["sourcedId"],
        "status": said["status"],
        "modified": said["dateLastModified"],
        "metadata": said.get("metadata", {}),
    }
    made: r.Record = READERS[kind](said, common)
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
        profiles=tuple(_profile(profile) for profile in said.get("userProfiles", ())),
    )


def _profile(said: Json) -> r.UserProfile:
    (credential,) = said.get("credentials") or ({},)
    return r.UserProfile(
        sourced_id=sourced_id_of(said["profileId"]),
        **_texts(
            said,
            profile_type="profileType",
            vendor_id="vendorId",
            application_id="applicationId",
            description="description",
        ),
        **_texts(credential, credential_type="type", username="username"),
    )


def _role(said: Json) -> r.Role:
    return r.Role(
        role=said["role"],
        org=_id(said, "org"),
        role_type=said["roleType"],
        begin_date=said.get("beginDate", ""),
        end_date=said.get("endDate", ""),
        user_profile=sourced_id_of(said.get("userProfile", "")),
    )


def _org(said: Json, common: Json) -> r.Org:
    return r.Org(
        **common,
        **_texts(said, name="name", type="type", identifier="identifier"),
        parent=_id(said, "parent"),
        children=_ids(said, "children"),
    )


def _session(said: Json, common: Json) -> r.AcademicSession:
    texts = _texts(
        said, title="title", type="type", start_date="startDate", end_date="endDate", school_year="schoolYear"
    )
    return r.AcademicSession(**common, **texts, parent=_id(said, "parent"), children=_ids(said, "children"))


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


READERS: dict[str, Any] = {
    "orgs": _org,
    "academicSessions": _session,
    "courses": _course,
    "classes": _class,
    "users": _user,
    "enrollments": _enrollment,
    "demographics": _demographics,
}
