"""What became of a record of the SIS at a school: whom it stands for, what it waits for, or which rule does not let it through."""

from collections.abc import Collection
from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec

from homeroom.campus.connections.models import Connection, RosterLink, SourceRecord
from homeroom.campus.connections.policy import policy_of
from homeroom.campus.connections.source import open_source
from homeroom.campus.people.models import Membership, Person
from homeroom.campus.people.target import query
from homeroom.campus.runs.models import Change, MatchReview, Rekey, Run
from homeroom.campus.runs.telling.why_not_person import ADMINISTRATOR, DECIDES, Answer, cure_of, day, known
from homeroom.sync.narrow import by_org, narrow
from homeroom.sync.reading import Slice
from homeroom.sync.roster import SourcePerson
from homeroom.sync.rules import SchoolRule, in_force

ELSEWHERE = "somebody who fits belongs to another school of the district, not to this one"
REVIEW = "Somebody says whom it means under Rostering > Review."
_bare = msgspec.msgpack.Decoder(SourcePerson).decode


def elsewhere(words: str) -> Answer:
    """Somebody fits who is another school's; nothing more is told of them."""
    return Answer(
        words, ELSEWHERE, f"{ADMINISTRATOR} gives them a role at this school, if they should have one."
    )


def is_elsewhere(record: SourceRecord, link: RosterLink) -> bool:
    """Whether a record is one of other schools of the connection alone."""
    if record.person_id is not None and _of_school(record.person_id, link):
        return False
    return bool(record.orgs) and link.org not in record.orgs


def _of_school(person: int, link: RosterLink) -> bool:
    return Membership.objects.filter(person=person, school=link.school_id).exists()


def of_record(record: SourceRecord, link: RosterLink, now: datetime) -> Answer:
    """Why a record of this school stands for nobody here, or for whom it does."""
    who = f"the SIS's record {record.sourced_id}"
    if record.person is not None and _of_school(record.person_id or 0, link):
        said = known(record.person, link.school)
        return Answer(who, f"stands for {record.person} ({said.why})", said.next, record.person_id)
    why, cure = _gone(record, link) or _waiting(record, link) or _person(record) or _rules(record, link, now)
    return Answer(who, why, cure)


Said = tuple[str, str]


def _gone(record: SourceRecord, link: RosterLink) -> Said | None:
    if not record.gone:
        return None
    again = _new_id(record)
    if again:
        return f"went by this id until the SIS gave the person a new one, {again}", f"Ask for {again}."
    since = f" since {day(record.seen_at, link.school)}" if record.seen_at else ""
    return (
        f"absent from the SIS{since}",
        f"{ADMINISTRATOR} looks whether they left or are no longer shared.",
    )


def _new_id(record: SourceRecord) -> str:
    """The id that took the place of this one in a re-key, or in the last of several."""
    moved = Change.objects.filter(run__connection=record.connection_id, state="applied", action="relink")
    found, id_, last = "", record.sourced_id, 0
    while row := moved.filter(fields__sourced_id__0=id_, pk__gt=last).order_by("-id").first():
        found = id_ = row.fields["sourced_id"][1]
        last = row.pk
    return found


def _person(record: SourceRecord) -> Said | None:
    """Somebody of another school whom the SIS has here too, and no sync may touch."""
    if record.person is None or not record.person.excluded:
        return None
    return (
        "stands for somebody of another school who is excluded from sync, so no sync takes them in here",
        "An Owner of their school includes them in sync again, on their page.",
    )


# --- what waits for a person


def _waiting(record: SourceRecord, link: RosterLink) -> Said | None:
    asked = MatchReview.objects.filter(connection=record.connection_id, sourced_id=record.sourced_id)
    review = asked.exclude(state=MatchReview.State.MOOT).first()
    if review is not None and record.person_id is None:
        return _review(review)
    run = _held(record, link)
    if run is not None:
        return f"waits for a decision on run {run}", DECIDES
    rekey = Rekey.objects.filter(run__connection=record.connection_id, run__state=Run.State.HELD).last()
    if rekey is not None and record.person_id is None and record.verdict.startswith("let through"):
        return (
            f"let through by the rules, but nobody new is taken in while a re-key waits for a decision: run {rekey.run_id}",
            "An Owner relinks everybody, or says that they are other people, on the run's page.",
        )
    return None


def _review(review: MatchReview) -> Said:
    if review.state == MatchReview.State.OPEN:
        return f"ambiguous match: {review.why}", REVIEW
    if review.state == MatchReview.State.IGNORE:
        return "ignored: somebody decided so under Review", REVIEW
    return (
        f"decided under Review ({review.get_state_display().lower()}), and not carried out yet",
        "The next sync carries it out; an Owner may start one.",
    )


def _held(record: SourceRecord, link: RosterLink) -> int | None:
    rows = Change.objects.filter(run__in=_open(link.connection), sourced_id=record.sourced_id, state="held")
    return rows.filter(school=link.school_id).order_by("-id").values_list("run", flat=True).first()


def _open(connection: Connection) -> list[int]:
    """The runs of which something waits."""
    waits = Run.objects.filter(connection=connection, state__in=(Run.State.HELD, Run.State.PLANNED))
    return list(waits.exclude(kind=Run.PREVIEW).values_list("pk", flat=True))


# Nothing is remembered of a record until its change was decided on, so whoever is new and waits is found in the plan.
_ADDITIONS = (
    "SELECT DISTINCT ON (new.subject_id) new.run_id, "
    "concat_ws(' ', new.fields->'given_name'->>1, new.fields->'family_name'->>1), run.dry_run, EXISTS (SELECT FROM runs_change here "
    "WHERE here.run_id = new.run_id AND here.subject = 'person' AND here.subject_id = new.subject_id AND here.school_id = %(school)s "
    "AND here.state = new.state) "
    "FROM runs_change new JOIN runs_run run ON run.id = new.run_id WHERE new.run_id = ANY(%(runs)s) "
    "AND new.state IN ('held', 'planned') AND new.subject = 'person' AND new.action = 'add' AND new.new AND new.sourced_id <> ALL(%(met)s) "
    "AND (new.sourced_id = %(id)s OR %(words)s <@ regexp_split_to_array(lower(concat_ws(' ', new.fields->'given_name'->>1, "
    "new.fields->'middle_name'->>1, new.fields->'family_name'->>1, new.fields->'number'->>1, new.fields->'email'->>1)), '\\s+')) "
    "ORDER BY new.subject_id, new.id DESC LIMIT 20"
)


def additions(words: str, link: RosterLink, met: Collection[str]) -> list[Answer]:
    """Whoever is planned to come, and waits with the plan, but for the records told of already."""
    values = {
        "runs": _open(link.connection),
        "school": link.school_id,
        "id": words.strip(),
        "met": list(met),
        "words": words.lower().split(),
    }
    rows = query(_ADDITIONS, values)
    return [
        _addition(words, run, name, dry=dry) if here else elsewhere(words) for run, name, dry, here in rows
    ]


def _addition(words: str, run: int, name: str, *, dry: bool) -> Answer:
    if dry:
        return Answer(
            name or words,
            f"would be added, but run {run} was a dry run: nothing of it was carried out",
            "An Owner approves it on the run's page, or starts a sync.",
        )
    return Answer(name or words, f"would be added, and waits for a decision on run {run}", DECIDES)


# --- what the rules say


def _rules(record: SourceRecord, link: RosterLink, now: datetime) -> Said:
    """The verdict of this school's settings: as they are today where enough of the record is kept, else of the last sync."""
    said = _said_in(record)
    if said is None:
        return _worded(record.verdict or "not decided yet", record, link)
    today = now.astimezone(ZoneInfo(link.school.time_zone)).date()
    rule = in_force(SchoolRule(link.school_id, link.org, policy_of(link)), today)
    verdict = narrow(said, by_org((rule,)), today)
    if verdict.entry is None:
        return _worded(verdict.why, record, link)
    if record.verdict.startswith("let through"):
        return "let through by the rules, and not carried out yet", "The next sync takes them in."
    return (
        f"not let through by the last sync ({record.verdict}); the Sync Settings of today let them through",
        "The next sync takes them in.",
    )


def _said_in(record: SourceRecord) -> SourcePerson | None:
    if record.raw is not None:
        source = open_source(record.connection)
        return source.parse(Slice("users", record.sourced_id, bytes(record.raw)))[0]
    return _bare(bytes(record.bare)) if record.bare is not None else None


def _worded(verdict: str, record: SourceRecord, link: RosterLink) -> Said:
    if verdict.startswith("a guardian: "):
        return _guardian(record, link)
    return verdict, cure_of(verdict)


def _guardian(record: SourceRecord, link: RosterLink) -> Said:
    role = f"{ADMINISTRATOR} gives them a role besides, if they are a member of this school too."
    if not policy_of(link).parents:
        return (
            "a guardian, and Primary Parent Contact Info is off: not taken in",
            "An Owner switches it on in Sync Settings.",
        )
    children = _children(record, link)
    if children:
        named = " and ".join(map(str, children))
        return f"a guardian: kept as a contact of {named}, not as a member", role
    return "a guardian whom no student here names: kept as nobody's contact", role


def _children(record: SourceRecord, link: RosterLink) -> list[Person]:
    linked = Person.objects.filter(
        contact_links__contact=record.contact_id,
        contact_links__ended_at=None,
        memberships__school=link.school,
    )
    return list(linked.distinct().order_by("pk")[:5]) if record.contact_id is not None else []
