"""The points about people: how many of each role the school has, what is known of them, and a sample, masked."""

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from urllib.parse import quote

from homeroom.oneroster.bounds import Bounds
from homeroom.oneroster.client import Session, split
from homeroom.oneroster.failing import ExchangeFailed
from homeroom.oneroster.flight import pages
from homeroom.oneroster.lenient import read_user
from homeroom.oneroster.walk import Walk
from homeroom.sync.narrow import is_guardian_word
from homeroom.sync.reading import Check
from homeroom.sync.roster import RoleGroup, SourcePerson
from homeroom.sync.rules import GROUP_OF_ROLE
from homeroom.sync.sources.people import person_of
from homeroom.sync.sources.points.switches import switch_for
from homeroom.sync.sources.points.trial import Look, Seen, fine, mind

MOST_PAGES, PAGE = 5, 1000
ENOUGH = 0.95  # of a group that has what is asked about
SAMPLE = 5
_LISTS = (("student", "students"), ("teacher", "teachers"))


def seen(trial: Look) -> Seen:
    """The people looked at, once for all points."""
    if trial.seen is None:
        trial.seen = trial.looks()
    return trial.seen


def look(session: Session, school: str, most_pages: int = MOST_PAGES) -> Seen:
    """Looks at the people of a server: up to 5,000 users, and a page of the school's own lists where it has them."""
    found = Seen()
    bounds = Bounds(pages=most_pages)
    walk = Walk(replace(session.profile, max_limit=PAGE, keyset=False), "/users", "", bounds)
    found.people = _of(record.raw for page in pages(session, walk, ("users",)) for record in page)
    found.whole, found.total = walk.pull.finished, walk.pull.claimed
    if school and not found.whole:
        _look_at_lists(session, school, found)
    return found


def _look_at_lists(session: Session, school: str, found: Seen) -> None:
    known = {person.sourced_id for person in found.people}
    for role, word in _LISTS:
        path = f"/schools/{quote(school, safe='')}/{word}"
        with suppress(ExchangeFailed):
            page = split(session.get(path, {"limit": str(PAGE)}), ("users", word))
            if page.total is not None:
                found.totals[role] = page.total
            more = _of(record.raw for record in page.records)
            found.people += [person for person in more if person.sourced_id not in known]


def _of(raws: Iterable[bytes]) -> list[SourcePerson]:
    users = (read_user(raw)[0] for raw in raws)
    return [person_of(user) for user in users if user is not None and user.status != "tobedeleted"]


def roles_at(person: SourcePerson, org: str) -> Iterator[str]:
    """The role words that a person has at an org."""
    return (role.word for role in person.roles if role.org == org)


def counts(trial: Look) -> list[Check]:
    """How many of each role the school has."""
    looked, school = seen(trial), trial.school
    assert school is not None  # noqa: S101 # the point before this one
    found = Counter(word for person in looked.people for word in set(roles_at(person, school.sourced_id)))
    trial.counts = dict(found) | looked.totals
    if not any(trial.counts.values()):
        said = f"None of the {looked.number:,} people looked at is of {school.name}"
        ask = f"Our key sees {school.name} but none of its people. Please share them with it."
        return [mind("people", said, switch_for(trial.sis, "people"), ask)]
    words = ", ".join(f"{count:,} {role}" for role, count in sorted(trial.counts.items(), key=_order))
    how = "" if looked.whole else f" (seen among {len(looked.people):,} people{_claimed(looked)})"
    there = {word.lower() for word, count in trial.counts.items() if count}
    missing = [word for word in ("student", "teacher") if word not in there]
    if missing:
        ask = f"Our key sees no {missing[0]} of {school.name}. Please share them with it."
        what = "people" if missing[0] == "student" else "staff"
        return [mind("people", f"{words}{how}: no {missing[0]}", switch_for(trial.sis, what), ask)]
    return [fine("people", words + how)]


def _order(row: tuple[str, int]) -> tuple[int, str]:
    return _rank(row[0]), row[0]


def _rank(word: str) -> int:
    """Students come first, then teachers, those who work there, guardians, others."""
    ranks = {RoleGroup.STUDENTS: 0, RoleGroup.TEACHERS: 1, RoleGroup.STAFF: 2, RoleGroup.ADMINS: 2}
    return ranks.get(GROUP_OF_ROLE.get(word.lower()), 3 if is_guardian_word(word) else 4)  # type: ignore[arg-type]


def _claimed(looked: Seen) -> str:
    return f" of {looked.total:,}" if looked.total else ""


def emails(trial: Look) -> list[Check]:
    """How many have an e-mail address."""
    return [_coverage(trial, "emails", "e-mail address", "email", tuple(RoleGroup))]


def numbers(trial: Look) -> list[Check]:
    """How many students have a number."""
    return [_coverage(trial, "numbers", "number", "number", (RoleGroup.STUDENTS,))]


def _coverage(trial: Look, point: str, noun: str, field: str, groups: tuple[RoleGroup, ...]) -> Check:
    rows = [(group, *_share(trial, group, field)) for group in groups]
    rows = [row for row in rows if row[2]]
    said = ", ".join(f"{have:,} of {of:,} {group.value}" for group, have, of in rows)
    if not rows:
        return Check(point, None, "Not tried: nobody of the school was seen", tried=False)
    if all(have >= of * ENOUGH for _, have, of in rows):
        return fine(point, f"{said} have an {noun}" if noun[0] == "e" else f"{said} have a {noun}")
    cure = "Whoever has none is matched by what else is known. " + switch_for(trial.sis, point)
    return mind(
        point,
        f"{said} have {'an' if noun[0] == 'e' else 'a'} {noun}",
        cure,
        f"Please share the {noun} of people with our key.",
    )


def _share(trial: Look, group: RoleGroup, field: str) -> tuple[int, int]:
    of = [person for person in seen(trial).people if group in _groups(person, trial)]
    return sum(bool(getattr(person, field)) for person in of), len(of)


def _groups(person: SourcePerson, trial: Look) -> set[RoleGroup | None]:
    return {GROUP_OF_ROLE.get(word) for word in roles_at(person, trial.org)}


def roles(trial: Look) -> list[Check]:
    """Whether any role is none of the standard's."""
    words = {role.word.lower() for person in seen(trial).people for role in person.roles}
    unknown = sorted(word[:40] for word in words if word not in GROUP_OF_ROLE and not is_guardian_word(word))
    if not words:
        return [Check("roles", None, "Not tried: nobody with a role was seen", tried=False)]
    if not unknown:
        return [fine("roles", f"All roles are of the standard: {', '.join(sorted(words))}")]
    said = f"Roles that the standard does not know: {', '.join(unknown[:5])}"
    cure = "They grant nothing here. Nothing to do if these people are not to be rostered."
    ask = f"What do the roles {', '.join(unknown[:5])} mean? Please send roles of the standard for people whom we roster."
    return [mind("roles", said, cure, ask)]


def guardians(trial: Look) -> list[Check]:
    """Whether guardians come, and whether students and they are linked."""
    people = seen(trial).people
    students = [person for person in people if any(role.word.lower() == "student" for role in person.roles)]
    adults = [person for person in people if any(is_guardian_word(role.word) for role in person.roles)]
    linked = sum(bool(student.agents) for student in students)
    linked = linked or sum(bool(adult.agents) for adult in adults)
    if not students and not adults:
        return [Check("guardians", None, "Not tried: no student was seen", tried=False)]
    if adults and linked:
        return [
            fine(
                "guardians",
                f"{linked:,} links for {len(students):,} students; {len(adults):,} guardians came",
            )
        ]
    if adults:
        said, ask = (
            "Guardians come, but no student is linked to any",
            "Please fill in agents, which link students and guardians.",
        )
    elif linked:
        said, ask = (
            "Students name guardians, but no guardian was seen",
            "Please share the guardians with our key too.",
        )
    else:
        said, ask = (
            "No guardians come",
            "Please share the guardians of our students with our key, linked by agents.",
        )
    cure = "Needed only for Primary Parent Contact Info. " + switch_for(trial.sis, "guardians")
    return [mind("guardians", said, cure, ask)]


def sample(trial: Look) -> list[Check]:
    """Five people of the school, masked: enough to see that it is the right one."""
    five = five_of(seen(trial).people, trial.org)
    trial.sample = [masked(row) for row in five]
    if not five:
        return [Check("sample", None, "Not tried: nobody of the school was seen", tried=False)]
    return [fine("sample", f"{len(five)} people of the school, their names masked")]


def five_of(people: list[SourcePerson], org: str) -> list[dict[str, str]]:
    """Up to five people of an org as rows: a student, a teacher, somebody else who works there, a guardian, and again."""
    by_rank: dict[int, list[tuple[str, SourcePerson]]] = {}
    for person in people:
        for word in list(roles_at(person, org))[:1]:
            by_rank.setdefault(_rank(word), []).append((word, person))
    rows = [some[turn] for turn in range(SAMPLE) for _, some in sorted(by_rank.items()) if turn < len(some)]
    return [_row(word, person) for word, person in rows[:SAMPLE]]


def _row(word: str, person: SourcePerson) -> dict[str, str]:
    name = f"{person.given_name} {person.family_name}".strip()
    return {"role": word, "name": name, "number": person.number, "email": person.email, "grade": person.grade}


def masked(row: dict[str, str]) -> dict[str, str]:
    """A row that tells the shape of what is known, and not who it is."""
    mailbox, at, domain = row["email"].rpartition("@")
    return row | {
        "name": " ".join(f"{part[0]}." for part in row["name"].split()[:4]),
        "number": "•" * min(len(row["number"]), 8),
        "email": f"•••@{domain}" if mailbox and at else ("•••" if row["email"] else ""),
    }
