"""Students whose contacts somebody should look at: none, none to be reached, a choice that nothing but order decided, six or more."""

from enum import StrEnum
from typing import Any

from homeroom.campus.people.target import query
from homeroom.campus.schools.models import School
from homeroom.sync.guardians import MANY, TIES

COLUMNS = (
    "Student",
    "Number",
    "Grade",
    "To look at",
    "Primary contact",
    "E-mail",
    "Phone",
    "Why primary",
    "Contacts",
)


class Look(StrEnum):
    """Why a student's contacts stand in the list."""

    NONE = "none"
    UNREACHABLE = "unreachable"
    TIE = "tie"
    MANY = "many"


WORDS = {
    Look.NONE: "no contact",
    Look.UNREACHABLE: "no e-mail and no phone",
    Look.TIE: "a tie: nothing but order told the first from the second",
    Look.MANY: f"{MANY} contacts or more",
}
# Those of one school: each active student with how many contacts they have and who is primary, and what there is to look at.
_FOUND = (
    "WITH student AS (SELECT person.id, person.given_name, person.family_name, person.number, m.grade, "
    "(SELECT count(*) FROM people_contactlink link WHERE link.person_id = person.id AND link.ended_at IS NULL) AS contacts, "
    "first.id AS link, first.reason, contact.id AS contact, contact.given_name || ' ' || contact.family_name AS \"primary\", "
    "contact.email, contact.phone FROM people_membership m JOIN people_person person ON person.id = m.person_id "
    'LEFT JOIN people_contactlink first ON first.person_id = person.id AND first."primary" AND first.ended_at IS NULL '
    "LEFT JOIN people_contact contact ON contact.id = first.contact_id "
    "WHERE m.school_id = %(school)s AND m.\"group\" = 'students' AND m.ended_at IS NULL), "
    "looked AS (SELECT *, array_remove(ARRAY[CASE WHEN link IS NULL THEN 'none' END, "
    "CASE WHEN link IS NOT NULL AND email = '' AND phone = '' THEN 'unreachable' END, "
    "CASE WHEN reason = ANY(%(ties)s) THEN 'tie' END, CASE WHEN contacts >= %(many)s THEN 'many' END], NULL) AS looks FROM student) "
)
_WHERE = (
    "WHERE looks <> '{}' AND (%(look)s = '' OR %(look)s = ANY(looks)) AND (%(words)s = '' OR number = %(words)s "
    "OR given_name || ' ' || family_name ILIKE '%%' || %(words)s || '%%')"
)
_LIST = f"{_FOUND} SELECT * FROM looked {_WHERE} ORDER BY family_name, given_name, id LIMIT %(limit)s OFFSET %(offset)s"
_COUNTS = f"{_FOUND} SELECT look, count(*) FROM looked, unnest(looks) AS look GROUP BY 1"
_TOTAL = f"{_FOUND} SELECT count(*) FROM looked {_WHERE}"


class ToLookAt:
    """The list of one school, narrowed to one reason and to words; what a Paginator asks of a list, and no more in memory."""

    def __init__(self, school: School, look: str = "", words: str = "") -> None:
        self.values: dict[str, Any] = {
            "school": school.pk,
            "look": look,
            "words": words.replace("%", r"\%").replace("_", r"\_"),
            "ties": list(TIES),
            "many": MANY,
            "limit": None,
            "offset": 0,
        }

    def __len__(self) -> int:
        return int(query(_TOTAL, self.values)[0][0])

    def __getitem__(self, part: slice) -> list[dict[str, Any]]:
        limit = None if part.stop is None else part.stop - (part.start or 0)
        return [_row(row) for row in query(_LIST, {**self.values, "limit": limit, "offset": part.start or 0})]

    def counts(self) -> dict[str, int]:
        """How many students stand in the list for each reason."""
        return dict(query(_COUNTS, self.values))


def _row(row: tuple[Any, ...]) -> dict[str, Any]:
    id_, given, family, number, grade, contacts, _, reason, contact, primary, email, phone, looks = row
    return {
        "id": id_, "name": f"{given} {family}".strip(), "number": number, "grade": grade, "contacts": contacts,
        "contact": contact, "primary": (primary or "").strip(), "email": email or "", "phone": phone or "", "reason": reason or "",
        "looks": [WORDS[Look(look)] for look in looks],
    }  # fmt: skip


def plain(row: dict[str, Any]) -> list[Any]:
    """A row's values in the order of COLUMNS."""
    names = ("name", "number", "grade", "looks", "primary", "email", "phone", "reason", "contacts")
    return ["; ".join(row[name]) if name == "looks" else row[name] for name in names]
