"""A lifelike invented district, the same for the same seed, and its days moving on.

One district, its schools by grade span, families of which siblings share guardians, teachers of whom some work at two
schools, aides, counselors, principals, and what they do all day: sessions, courses, classes, enrollments. With the
roughness of life: students without a guardian, a family's one e-mail address.
"""

import random
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from django.db import transaction
from msgspec.structs import replace

from homeroom.oneroster import records as r
from homeroom.oneroster.bulk.parts import TABLES
from homeroom.sis.records.intake import Intake, take_in, take_in_complete
from homeroom.sis.records.links import own_agents
from homeroom.sis.records.load import KIND_OF_CLASS, remember
from homeroom.sis.records.models import Record
from homeroom.sis.records.names import FAMILY, GIVEN, SCHOOLS, SUBJECTS
from homeroom.sis.records.store import Mode, Progress, iso, stored

DISTRICT = "district-1"
SPANS = (("High", range(9, 13)), ("Middle", range(6, 9)), ("Elementary", range(6)), ("Elementary", range(6)))
KINDS = ("orgs", "academicSessions", "courses", "classes", "users", "enrollments", "demographics")
YEAR = 2027  # the school year that ends in June 2027


@dataclass(frozen=True, slots=True)
class School:
    """One school to come: its org and the grades it has."""

    org: r.Org
    grades: tuple[str, ...]
    domain: str


def generate_district(
    students: int, schools: int, seed: int, now: datetime, progress: Progress | None = None
) -> dict[str, int]:
    """Makes and stores a district in place of what was there; returns how many records of each kind."""
    started = time.monotonic()
    counts: Counter[str] = Counter()

    def counted() -> Iterator[r.Record]:
        for record in district(students, schools, seed):
            counts[KIND_OF_CLASS[type(record).__name__]] += 1
            yield record

    with transaction.atomic():
        intake = Intake(dict.fromkeys(KINDS, Mode.REPLACE), whole=set(TABLES))
        take_in_complete(intake, counted(), now, progress)
        remember(f"sample district, seed {seed}", dict(counts), (), time.monotonic() - started, now)
    return dict(counts)


def district(students: int, schools: int, seed: int) -> Iterator[r.Record]:
    """Every record of the district, what is referred to first."""
    chance = random.Random(seed)  # noqa: S311 # invented people need no secrecy, but the same ones again
    places = _schools(schools)
    yield r.Org(
        sourced_id=DISTRICT,
        name="Riverside Unified School District",
        type="district",
        identifier="0",
        children=tuple(place.org.sourced_id for place in places),
    )
    yield from (place.org for place in places)
    yield from _sessions()
    staff = {place.org.sourced_id: list(_staff(place, students // schools, chance)) for place in places}
    _share_teachers(list(staff.values()), chance)
    for people in staff.values():
        yield from people
    rosters: dict[str, list[r.User]] = {place.org.sourced_id: [] for place in places}
    for person in _families(places, students, chance):
        if person.roles and person.roles[0].role == "student":
            rosters[person.roles[0].org].append(person)
            yield _demographics(person, chance)
        yield person
    for place in places:
        teachers = [p for p in staff[place.org.sourced_id] if p.roles[0].role == "teacher"]
        yield from _teaching(place, teachers, rosters[place.org.sourced_id])


def _id(chance: random.Random) -> str:
    return f"{chance.getrandbits(128):032x}"


def _schools(count: int) -> list[School]:
    made = []
    for number in range(count):
        kind, span = SPANS[number % len(SPANS)]
        name = SCHOOLS[number % len(SCHOOLS)].replace("\u00a0", " ") + (
            f" {number}" if number >= len(SCHOOLS) else ""
        )
        org = r.Org(
            sourced_id=f"school-{number + 1:03d}",
            name=f"{name} {kind}",
            type="school",
            identifier=f"{number + 4:03d}",
            parent=DISTRICT,
        )
        grades = tuple("KG" if grade == 0 else f"{grade:02d}" for grade in span)
        made.append(School(org, grades, f"{name.split()[0].lower()}{number or ''}.example"))
    return made


def _sessions() -> Iterator[r.AcademicSession]:
    year = f"year-{YEAR}"
    terms = (("fall", f"{YEAR - 1}-08-17", f"{YEAR}-01-16"), ("spring", f"{YEAR}-01-16", f"{YEAR}-06-12"))
    yield r.AcademicSession(
        sourced_id=year,
        title=f"{YEAR - 1}-{YEAR}",
        type="schoolYear",
        start_date=terms[0][1],
        end_date=terms[1][2],
        school_year=str(YEAR),
        children=tuple(f"term-{name}" for name, _, _ in terms),
    )
    for name, start, end in terms:
        common: dict[str, Any] = {"start_date": start, "end_date": end, "school_year": str(YEAR)}
        yield r.AcademicSession(
            sourced_id=f"term-{name}",
            title=name.capitalize(),
            type="term",
            parent=year,
            children=(f"period-{name}",),
            **common,
        )
        yield r.AcademicSession(
            sourced_id=f"period-{name}",
            title=f"{name.capitalize()} grading period",
            type="gradingPeriod",
            parent=f"term-{name}",
            **common,
        )


def _adult(chance: random.Random, role: str, place: School, **more: str) -> r.User:
    given, family = chance.choice(GIVEN), chance.choice(FAMILY).replace("\u00a0", " ")
    number = f"T{chance.randrange(10**5, 10**6)}"
    return r.User(
        sourced_id=_id(chance),
        given_name=given,
        family_name=family,
        username=f"staff{number}",
        identifier=number,
        email=f"{number.lower()}@{place.domain}",
        phone=f"555-01{chance.randrange(100):02d}",
        roles=(r.Role(role=role, org=place.org.sourced_id),),
        primary_org=place.org.sourced_id,
        metadata=dict(more),
    )


def _staff(place: School, size: int, chance: random.Random) -> Iterator[r.User]:
    posts = {
        "principal": 1,
        "siteAdministrator": 1,
        "counselor": 1 + size // 300,
        "aide": 1 + size // 120,
        "proctor": 1,
    }
    for role, count in posts.items():
        for _ in range(count):
            yield _adult(chance, role, place, title=role)
    for _ in range(max(3, size // 18)):
        yield _adult(chance, "teacher", place, title="Teacher")


def _share_teachers(staffs: list[list[r.User]], chance: random.Random) -> None:
    """One teacher in thirty works at the next school too: one record, two roles."""
    for here, there in pairwise(staffs):
        second = r.Role(role="teacher", org=there[0].primary_org, role_type="primary")
        for index, person in enumerate(here):
            if person.roles[0].role == "teacher" and chance.random() < 1 / 30:
                here[index] = replace(person, roles=(*person.roles, second))


def _families(places: list[School], students: int, chance: random.Random) -> Iterator[r.User]:
    made = 0
    while made < students:
        size = min(chance.choices((1, 2, 3, 4), (50, 34, 12, 4))[0], students - made)
        yield from _family(places, size, made, chance)
        made += size


def _family(places: list[School], size: int, made: int, chance: random.Random) -> Iterator[r.User]:
    surname = chance.choice(FAMILY).replace("\u00a0", " ")
    guardians = chance.choices((0, 1, 2, 3), (2, 28, 64, 6))[0]
    guardian_ids = [_id(chance) for _ in range(guardians)]
    shared = f"family{made}@home.example" if chance.random() < 0.04 else ""
    children = [_student(places, surname, guardian_ids, made + child + 1, chance) for child in range(size)]
    yield from children
    orgs = tuple(dict.fromkeys(child.roles[0].org for child in children))
    for position, sourced_id in enumerate(guardian_ids):
        role = ("guardian", "parent", "relative")[position if chance.random() < 0.1 else min(position, 1)]
        yield r.User(
            sourced_id=sourced_id,
            given_name=chance.choice(GIVEN),
            family_name=surname if chance.random() < 0.75 else chance.choice(FAMILY).replace("\u00a0", " "),
            username=f"family{made}.{position}",
            email=shared or f"guardian{made}.{position}@home.example",
            phone=f"555-02{chance.randrange(100):02d}",
            agents=tuple(child.sourced_id for child in children),
            roles=tuple(r.Role(role=role, org=org) for org in orgs),
            primary_org=orgs[0],
        )


def _student(
    places: list[School], surname: str, guardians: list[str], serial: int, chance: random.Random
) -> r.User:
    place = chance.choice(places)
    number = f"{100000 + serial:06d}"
    return r.User(
        sourced_id=_id(chance),
        given_name=chance.choice(GIVEN),
        family_name=surname,
        middle_name=chance.choice(GIVEN) if chance.random() < 0.3 else "",
        username=f"s{number}",
        user_ids=(r.UserId(type="studentNumber", identifier=number),),
        identifier=number,
        email=f"s{number}@{place.domain}",
        agents=tuple(guardians),
        grades=(chance.choice(place.grades),),
        roles=(r.Role(role="student", org=place.org.sourced_id),),
        primary_org=place.org.sourced_id,
    )


def _demographics(student: r.User, chance: random.Random) -> r.Demographics:
    grade = student.grades[0]
    age = 5 if grade == "KG" else 5 + int(grade)
    born = datetime(YEAR - 1 - age, 1, 1) + timedelta(days=chance.randrange(365))  # a birthday
    sex = chance.choice(("male", "female", "unspecified"))
    return r.Demographics(sourced_id=student.sourced_id, birth_date=born.date().isoformat(), sex=sex)


def _teaching(place: School, teachers: list[r.User], students: list[r.User]) -> Iterator[r.Record]:
    school = place.org.sourced_id
    for index, (grade, (subject, code)) in enumerate((g, s) for g in place.grades for s in SUBJECTS[:4]):
        members = [student for student in students if student.grades[0] == grade]
        course = f"course-{school}-{index}"
        yield r.Course(
            sourced_id=course,
            title=f"{subject} {grade}",
            course_code=f"{code}{grade}",
            school_year=f"year-{YEAR}",
            org=school,
            grades=(grade,),
            subjects=(subject,),
            subject_codes=(code,),
        )
        for section, start in enumerate(range(0, len(members), 26)):
            teacher = teachers[(index + section) % len(teachers)]
            yield from _section(
                course, f"{subject} {grade}", section, school, grade, teacher, members[start : start + 26]
            )


def _section(
    course: str, title: str, section: int, school: str, grade: str, teacher: r.User, members: list[r.User]
) -> Iterator[r.Record]:
    class_id = f"class-{course[7:]}-{section}"
    yield r.Class(
        sourced_id=class_id,
        title=f"{title}, section {section + 1}",
        course=course,
        school=school,
        class_code=f"{course[-2:]}.{section + 1}",
        location=f"Room {100 + section}",
        grades=(grade,),
        terms=("term-fall", "term-spring"),
        periods=(str(section % 7 + 1),),
    )
    for number, user in enumerate((teacher, *members)):
        yield r.Enrollment(
            sourced_id=f"enrollment-{class_id[6:]}-{number}",
            user=user.sourced_id,
            class_=class_id,
            school=school,
            role="student" if number else "teacher",
            primary=None if number else True,
        )


def evolve(days: int, seed: int, now: datetime) -> dict[str, int]:
    """Moves the stored district on by days: arrivals, leavers, moves, new names, numbers of e-mail and grade changes."""
    chance = random.Random(f"{seed} {days} {Record.objects.filter(share=0, kind='users').count()}")  # noqa: S311
    users = [user for user in stored("users") if isinstance(user, r.User)]
    schools = [org.sourced_id for org in stored("orgs") if isinstance(org, r.Org) and org.type == "school"]
    counts: Counter[str] = Counter()
    changed: list[r.Record] = []
    for user in users:
        moved = _a_few_days_later(user, days, schools, chance, counts)
        if moved is not None:
            changed.append(replace(moved, modified=iso(now)))
    changed += _arrivals(users, days, chance, counts, iso(now))
    intake = Intake({"users": Mode.DELTA})
    own = own_agents(record.sourced_id for record in changed)
    changed = [replace(record, agents=own.get(record.sourced_id, ())) for record in changed]
    for record in changed:
        intake.add(record)
    with transaction.atomic():
        take_in(intake, changed, now)
        remember(f"sample district, {days} days later", dict(counts), (), 0.0, now)
    return dict(counts)


def _a_few_days_later(
    user: r.User, days: int, schools: list[str], chance: random.Random, counts: Counter[str]
) -> r.User | None:
    fate = chance.random() / days
    student = user.roles[0].role == "student"
    if fate < 0.0006 and student:
        counts["left"] += 1
        return replace(user, status="tobedeleted")
    if fate < 0.0010 and student and len(schools) > 1:
        counts["moved school"] += 1
        role = r.Role(role="student", org=chance.choice(schools))
        return replace(user, roles=(role,), primary_org=role.org)
    if fate < 0.0014:
        counts["new family name"] += 1
        return replace(user, family_name=chance.choice(FAMILY).replace("\u00a0", " "))
    if fate < 0.0024 and user.email:
        counts["new e-mail"] += 1
        return replace(user, email=f"new{chance.randrange(10**6)}.{user.email}"[-80:])
    return None


def _arrivals(
    users: list[r.User], days: int, chance: random.Random, counts: Counter[str], stamp: str
) -> list[r.Record]:
    students = [user for user in users if user.roles[0].role == "student"]
    arrived: list[r.Record] = []
    for like in chance.sample(students, min(len(students), max(1, len(students) * days // 1500))):
        counts["arrived"] += 1
        number = f"{chance.randrange(700000, 999999)}"
        arrived.append(
            replace(
                like,
                sourced_id=_id(chance),
                modified=stamp,
                given_name=chance.choice(GIVEN),
                family_name=chance.choice(FAMILY).replace("\u00a0", " "),
                identifier=number,
                username=f"s{number}",
                user_ids=(r.UserId(type="studentNumber", identifier=number),),
                email=f"s{number}@{like.email.split('@')[-1]}",
                agents=(),
            )
        )
    return arrived
