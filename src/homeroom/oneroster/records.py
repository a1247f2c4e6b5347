"""The records of the standard, free of any version's JSON: what both ends of the wire and CSV talk about.

Names follow the standard in Python's spelling (`sourcedId` is `sourced_id`). A version's own shape is made and read
in `v1p1` and `v1p2`; CSV in `bulk/rows`. Dates are ISO text as they came, so that one odd date never costs a record.
Source: 1EdTech OneRoster 1.2 Rostering information model, tables 4.1 to 4.8 of the OpenAPI; 1.1 where it differs.
"""

from typing import Any

import msgspec

Metadata = dict[str, Any]
LONGEST_ID = 255  # characters of a sourcedId


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """What every object has. `status` is "active" or "tobedeleted"; `modified` an ISO 8601 UTC time or ""."""

    sourced_id: str
    status: str = "active"
    modified: str = ""
    metadata: Metadata = msgspec.field(default_factory=dict)


class Org(Record, frozen=True, kw_only=True):
    name: str
    type: str  # department, district, local, national, school, state
    identifier: str = ""
    parent: str = ""
    children: tuple[str, ...] = ()


class Role(msgspec.Struct, frozen=True, kw_only=True):
    """One role of a user at one org. A 1.1 user with two orgs reads as two of these.

    `sourced_id` is that of its row of CSV, `user_profile` that of the profile; over the wire a role has no id.
    """

    role: str
    org: str
    role_type: str = "primary"
    begin_date: str = ""
    end_date: str = ""
    user_profile: str = ""
    sourced_id: str = ""


class UserProfile(msgspec.Struct, frozen=True, kw_only=True):
    """A system in which the user has an account, and the name there. Its password is nobody's business: it is never read."""

    sourced_id: str
    profile_type: str = ""
    vendor_id: str = ""
    application_id: str = ""
    description: str = ""
    credential_type: str = ""
    username: str = ""


class UserId(msgspec.Struct, frozen=True, kw_only=True):
    type: str
    identifier: str


class User(Record, frozen=True, kw_only=True):
    given_name: str = ""
    family_name: str = ""
    middle_name: str = ""
    preferred_given_name: str = ""
    preferred_middle_name: str = ""
    preferred_family_name: str = ""
    pronouns: str = ""
    username: str = ""
    user_ids: tuple[UserId, ...] = ()
    enabled: bool = True
    identifier: str = ""
    email: str = ""
    sms: str = ""
    phone: str = ""
    agents: tuple[str, ...] = ()
    grades: tuple[str, ...] = ()
    roles: tuple[Role, ...] = ()
    primary_org: str = ""
    user_master_identifier: str = ""
    profiles: tuple[UserProfile, ...] = ()


class AcademicSession(Record, frozen=True, kw_only=True):
    title: str
    type: str  # gradingPeriod, semester, schoolYear, term
    start_date: str
    end_date: str  # exclusive
    school_year: str  # the year in which the school year ends
    parent: str = ""
    children: tuple[str, ...] = ()


class Course(Record, frozen=True, kw_only=True):
    title: str
    course_code: str = ""
    school_year: str = ""  # sourcedId of the session of type schoolYear
    org: str = ""
    grades: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()
    subject_codes: tuple[str, ...] = ()


class Class(Record, frozen=True, kw_only=True):
    title: str
    course: str
    school: str
    class_code: str = ""
    class_type: str = "scheduled"
    location: str = ""
    grades: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()
    subject_codes: tuple[str, ...] = ()
    terms: tuple[str, ...] = ()
    periods: tuple[str, ...] = ()


class Enrollment(Record, frozen=True, kw_only=True):
    user: str
    class_: str
    school: str
    role: str
    primary: bool | None = None
    begin_date: str = ""
    end_date: str = ""


class Demographics(Record, frozen=True, kw_only=True):
    """`sourced_id` is the user's. `flags` holds the seven true/false race and ethnicity fields by their JSON names."""

    birth_date: str = ""
    sex: str = ""
    flags: dict[str, bool] = msgspec.field(default_factory=dict)
    country_of_birth_code: str = ""
    state_of_birth_abbreviation: str = ""
    city_of_birth: str = ""
    public_school_residence_status: str = ""
