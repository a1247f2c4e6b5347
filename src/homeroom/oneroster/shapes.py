"""Records as JSON, as far as both versions agree: what `v1p1` and `v1p2` share.

Texts that are empty are left out. References are {href, sourcedId, type}; an href is written as `~/users/ID`, which a
server makes absolute by replacing `"href":"~/` in the bytes of a page.
"""

from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from homeroom.oneroster import records as r

Json = dict[str, Any]

# Where a reference of some type is found.
_PATHS = {
    "org": "orgs",
    "user": "users",
    "academicSession": "academicSessions",
    "course": "courses",
    "class": "classes",
    "student": "users",
}
KINDS: dict[type[r.Record], str] = {
    r.Org: "orgs",
    r.User: "users",
    r.AcademicSession: "academicSessions",
    r.Course: "courses",
    r.Class: "classes",
    r.Enrollment: "enrollments",
    r.Demographics: "demographics",
}
IN_PATHS = "-._~@:"  # what may stand in a part of a path as it is (RFC 3986, 3.3), as far as ids have it
UTC_EPOCH = "1970-01-01T00:00:00.000Z"


def ref(sourced_id: str, type_: str) -> Json:
    """A reference to another object."""
    href = f"~/{_PATHS[type_]}/{quote(sourced_id, safe=IN_PATHS)}"
    return {"href": href, "sourcedId": sourced_id, "type": type_}


def refs(ids: Iterable[str], type_: str) -> list[Json]:
    """References to several objects of one type."""
    return [ref(sourced_id, type_) for sourced_id in ids]


def common(record: r.Record) -> Json:
    """What every object begins with."""
    start: Json = {
        "sourcedId": record.sourced_id,
        "status": record.status,
        "dateLastModified": record.modified or UTC_EPOCH,
    }
    if record.metadata:
        start["metadata"] = record.metadata
    return start


def said(**values: Any) -> Json:
    """The values that say something: no empty texts, lists, objects or None."""
    return {name: value for name, value in values.items() if value not in ("", [], {}, None)}


def boolean(value: bool | None) -> str | None:
    """true and false as the standard writes them: lower-case strings."""
    return None if value is None else ("true" if value else "false")


def write_org(org: r.Org) -> Json:
    """An org, the same in both versions."""
    return {
        **common(org),
        "name": org.name,
        "type": org.type,
        "identifier": org.identifier or org.sourced_id,  # required in REST, optional in CSV
        **said(parent=ref(org.parent, "org") if org.parent else None, children=refs(org.children, "org")),
    }


def write_session(session: r.AcademicSession) -> Json:
    """An academic session, the same in both versions."""
    return {
        **common(session),
        "title": session.title,
        "startDate": session.start_date,
        "endDate": session.end_date,
        "type": session.type,
        "schoolYear": session.school_year,
        **said(
            parent=ref(session.parent, "academicSession") if session.parent else None,
            children=refs(session.children, "academicSession"),
        ),
    }


def write_course(course: r.Course) -> Json:
    """A course, the same in both versions."""
    return {
        **common(course),
        "title": course.title,
        "courseCode": course.course_code or course.sourced_id,
        **said(
            schoolYear=ref(course.school_year, "academicSession") if course.school_year else None,
            grades=list(course.grades),
            subjects=list(course.subjects),
            subjectCodes=list(course.subject_codes),
            org=ref(course.org, "org") if course.org else None,
        ),
    }


def write_class(class_: r.Class) -> Json:
    """A class, the same in both versions."""
    return {
        **common(class_),
        "title": class_.title,
        **said(
            classCode=class_.class_code,
            classType=class_.class_type,
            location=class_.location,
            grades=list(class_.grades),
            subjects=list(class_.subjects),
            subjectCodes=list(class_.subject_codes),
            periods=list(class_.periods),
        ),
        **said(
            course=ref(class_.course, "course") if class_.course else None,
            school=ref(class_.school, "org") if class_.school else None,
        ),
        "terms": refs(class_.terms, "academicSession"),
    }


def write_enrollment(enrollment: r.Enrollment) -> Json:
    """An enrollment, the same in both versions."""
    return {
        **common(enrollment),
        "role": enrollment.role,
        **said(
            primary=boolean(enrollment.primary), beginDate=enrollment.begin_date, endDate=enrollment.end_date
        ),
        "user": ref(enrollment.user, "user"),
        "class": ref(enrollment.class_, "class"),
        "school": ref(enrollment.school, "org"),
    }


def write_demographics(demographics: r.Demographics) -> Json:
    """Demographics, the same in both versions."""
    return {
        **common(demographics),
        **said(birthDate=demographics.birth_date, sex=demographics.sex),
        **{name: boolean(flag) for name, flag in demographics.flags.items()},
        **said(
            countryOfBirthCode=demographics.country_of_birth_code,
            stateOfBirthAbbreviation=demographics.state_of_birth_abbreviation,
            cityOfBirth=demographics.city_of_birth,
            publicSchoolResidenceStatus=demographics.public_school_residence_status,
        ),
    }


WRITERS: dict[type[r.Record], Any] = {
    r.Org: write_org,
    r.AcademicSession: write_session,
    r.Course: write_course,
    r.Class: write_class,
    r.Enrollment: write_enrollment,
    r.Demographics: write_demographics,
}
