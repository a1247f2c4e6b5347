"""Why not: every reason that somebody may not be here, found by name, number, e-mail and id, told alike by the page and by the
command; and nothing for who only guesses."""

import html
import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from django.test import Client

from homeroom.campus.connections.models import Connection, RosterLink, SourceRecord
from homeroom.campus.people.models import Person
from homeroom.campus.runs.by_hand import hand, merging
from homeroom.campus.runs.by_hand.decide import approve, discard, undo
from homeroom.campus.runs.models import MatchReview, Run, RunProblem
from homeroom.campus.runs.previewing import preview
from homeroom.campus.runs.reviews import decide
from homeroom.campus.runs.telling.why_not import why_not
from homeroom.campus.schools.grants import grant
from homeroom.campus.schools.models import Role, School
from homeroom.cli import schools
from homeroom.oneroster import lenient
from homeroom.problems import Problem
from homeroom.sync.matching import Verdict
from homeroom.sync.reading import Slice
from homeroom.sync.roster import SourcePerson, SourceRole
from homeroom.sync.sources.people import person_of
from homeroom.web.accounts.models import Account
from tests.campus.runs.laws import marks
from tests.campus.world import World
from tests.invented import LINCOLN, OAKWOOD, Told, adult, family, student

Ask = Callable[..., list[str]]
MANY = [student(f"s{number:02d}") for number in range(12)]
NEVER = "never sent by the SIS under this name, number, e-mail or id"
ELSEWHERE = "somebody who fits belongs to another school of the district, not to this one"
ADD_NONE = ("students.hold.add.count=0",)


class Sent(Told):
    """A source that sends OneRoster 1.2, as what is kept of records is read again when somebody asks."""

    def people(self) -> Iterator[list[Slice]]:
        for page in super().people():
            yield [Slice("users", one.sourced_id, self._user(one.sourced_id) or one.raw) for one in page]

    def _user(self, id_: str) -> bytes:
        (person,) = (one for one in self.told if one.sourced_id == id_)
        if isinstance(person.grade, list):
            return b"{"
        roles = [
            {
                "role": role.word,
                "roleType": "primary",
                "org": {"sourcedId": role.org},
                "endDate": role.end or None,
            }
            for role in person.roles
        ]
        said = {
            "sourcedId": id_, "status": "tobedeleted" if person.leaving else "active", "givenName": person.given_name,
            "familyName": person.family_name, "email": person.email, "identifier": person.number, "roles": roles,
            "grades": [person.grade] if person.grade else [], "agents": [{"sourcedId": one} for one in person.agents],
            "metadata": {"restricted": "true"} if person.restricted else {},
        }  # fmt: skip
        return json.dumps(said).encode()

    def parse(self, record: Slice) -> tuple[SourcePerson | None, tuple[Problem, ...]]:
        user, problems = lenient.read_user(record.raw)
        return (person_of(user) if user else None), problems


def night(world: World, people: Sequence[SourcePerson], *, dry_run: bool = False, trouble: str = "") -> Run:
    """A night of the world on which the SIS sends these people."""
    world.now += timedelta(days=1)
    return world.sync(Sent(people, trouble=trouble), dry_run=dry_run)


@pytest.fixture
def owner(trusting: World) -> Account:
    grant("owner@lincoln.example", Role.OWNER, school=trusting.lincoln)
    return Account.objects.get(email="owner@lincoln.example")


@pytest.fixture
def ask(
    trusting: World, owner: Account, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Ask:
    """Asks on the page and by the command, which must say the same: who, why and what to do next, in order."""
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", os.environ["DJANGO_SETTINGS_MODULE"])
    client = Client()
    client.force_login(owner)

    def asked(words: str, school: School | None = None) -> list[str]:
        capsys.readouterr()
        place = school or trusting.lincoln
        assert schools.why_not(place.name, words.split(" "), json=True) == 0
        answers = json.loads(capsys.readouterr().out)["answers"]
        assert schools.why_not(place.name, words.split(" ")) == 0
        told = " ".join(capsys.readouterr().out.split())
        page = client.post(f"/schools/{trusting.lincoln.pk}/people/why-not/", {"q": words})
        shown = " ".join(html.unescape(page.content.decode()).split())
        assert shown.count('class="list-group-item"') == len(answers) or school
        for answer in answers:
            assert f"{answer['who']}: {answer['why']}. {answer['next']}".strip() in told
            assert school or (f"{answer['why']}." in shown and answer["next"] in shown)
            assert answer["next"] or "is here, among" in answer["why"], "nobody is left without a next step"
        return [answer["why"] for answer in answers]

    return asked


# --- what the rules say


@pytest.mark.parametrize(
    ("settings", "record", "why"),
    [
        ([], student("x", org="org-elsewhere"), "belongs to no school that is rostered here"),
        ([], adult("x", "janitor"), "has only roles that the standard does not know"),
        (["staff=off"], adult("x", "aide"), "staff are not switched on to roster"),
        ([], student("x", roles=()), "the SIS gives this record no role"),
        ([], student("x", roles=(SourceRole("student", LINCOLN, end="2026-01-31"),)), "no role is in force today"),
        ([], student("x", leaving=True), "the SIS marks this record as to be deleted"),
        ([], student("x", given_name="", family_name=""), "the SIS sends no name"),
        (["rules=grade: PK > out"], student("x", grade="PK"), "left out by rule 1 (grade: PK > out)"),
        (["pause=2020-01-01..2090-01-01"], student("x"), "the sync of this school is paused until 2090-01-01"),
        ([], adult("x", "guardian"), "a guardian whom no student here names: kept as nobody's contact"),
        (["parents=off"], adult("x", "guardian"), "a guardian, and Primary Parent Contact Info is off: not taken in"),
        ([], adult("x", "guardian", restricted=True), "a guardian whom the SIS marks as restricted: not taken in"),
    ],
)  # fmt: skip
def test_the_rules_verdict_is_the_answer(
    trusting: World, ask: Ask, settings: list[str], record: SourcePerson, why: str
) -> None:
    trusting.configure(*settings)
    night(trusting, [*MANY, record])
    assert ask("x")[0] == why
    assert ask("X@lincoln.example")[0] == why


def test_a_guardian_is_told_whose_contact_they_are(trusting: World, ask: Ask) -> None:
    night(trusting, [*MANY, *family(student("x"), guardians=[adult("g", "parent", given_name="Rosa")])])
    assert ask("rosa") == ["a guardian: kept as a contact of Ana Lopez x, not as a member"]


def test_settings_changed_since_the_last_sync_are_the_ones_that_count(trusting: World, ask: Ask) -> None:
    trusting.configure("staff=off")
    night(trusting, [*MANY, adult("x", "aide")])
    trusting.configure("staff=on")
    assert ask("x") == [
        "not let through by the last sync (staff are not switched on to roster); the Sync Settings of today let them through"
    ]


def test_a_record_that_could_not_be_read_is_told_with_its_fault(trusting: World, ask: Ask) -> None:
    night(trusting, [*MANY, replace(student("x"), grade=["09"])])  # type: ignore[arg-type]
    assert ask("x") == ["could not be understood", "A record is not JSON. It was left out"]


def test_a_preview_does_not_hide_what_the_last_reading_found(trusting: World, ask: Ask) -> None:
    night(trusting, [*MANY, replace(student("x"), grade=["09"])])  # type: ignore[arg-type]
    link = trusting.link()
    from homeroom.campus.connections.policy import policy_of

    preview(link, policy_of(link), None, trusting.now, Sent(()))
    assert ask("x")[1:] == ["A record is not JSON. It was left out"]


def test_an_id_too_long_to_keep_is_found_by_what_is_kept_of_it(trusting: World, ask: Ask) -> None:
    id_ = "x" * 290
    night(trusting, [*MANY, student(id_)])
    assert ask(id_)[0].startswith("A sourcedId is longer than 255 characters")


# --- another school, and strangers


def test_somebody_of_another_school_is_found_by_the_whole_name_alone_and_not_shown(
    trusting: World, ask: Ask
) -> None:
    night(
        trusting, [*MANY, student("x", org=OAKWOOD, given_name="Noor", family_name="Haddad", number="0042")]
    )
    assert ask("noor haddad") == ask("0042") == ask("x") == [ELSEWHERE]
    assert ask("noo") == ask("noor h") == [NEVER]


def test_what_is_wrong_with_another_schools_record_is_not_told(trusting: World, ask: Ask) -> None:
    run = night(trusting, [*MANY, adult("x", "janitor", org=OAKWOOD)])
    assert RunProblem.objects.filter(run=run, sourced_id="x", code="unknown_role").exists()
    assert ask("x") == [ELSEWHERE]
    assert "janitor" in " ".join(ask("x", trusting.oakwood))


def test_somebody_of_another_school_whom_the_sis_has_here_too_is_told_this_schools_reason(
    trusting: World, ask: Ask
) -> None:
    trusting.configure("teachers=off")
    both = (SourceRole("teacher", LINCOLN), SourceRole("teacher", OAKWOOD))
    night(trusting, [*MANY, adult("x", given_name="Noor", roles=both)])
    assert ask("noor") == ["teachers are not switched on to roster"]


def test_somebody_excluded_at_another_school_is_not_taken_in_here(
    trusting: World, ask: Ask, owner: Account
) -> None:
    night(trusting, [*MANY, student("x", org=OAKWOOD)])
    hand.exclude(Person.objects.get(number="n-x"), owner, trusting.now, excluded=True)
    night(trusting, [*MANY, student("x")])
    assert ask("x") == [
        "stands for somebody of another school who is excluded from sync, so no sync takes them in here"
    ]


def test_a_stranger_finds_nobody_and_nobody_finds_a_stranger(trusting: World, ask: Ask) -> None:
    """Another district: its people, records, plans and problems do not exist here."""
    far = World("Far away")
    far.configure("students=on", *ADD_NONE)
    far.lincoln.name = "Far High"
    far.lincoln.save()
    night(far, [student("x", given_name="Noor", family_name="Haddad"), adult("y", "janitor")])
    Person.objects.create(district=far.district, given_name="Noor", family_name="Haddad")
    night(trusting, MANY)
    for words in ("noor haddad", "x", "y", "x@lincoln.example", "n-x"):
        assert ask(words) == [NEVER]
    client = Client()
    client.force_login(Account.objects.get(email="owner@lincoln.example"))
    assert client.post(f"/schools/{far.lincoln.pk}/people/why-not/", {"q": "x"}).status_code == 404


# --- who never came


def test_who_was_never_sent_and_who_may_not_have_been_reached(trusting: World, ask: Ask) -> None:
    assert "no sync has run yet" in ask("Lee Park")[0]
    night(trusting, MANY)
    assert ask("Lee Park") == [NEVER]
    night(trusting, MANY, trouble="cut")
    assert "was not complete" in ask("Lee Park")[0]


def test_a_failed_sync_and_roles_that_are_not_read_are_told(
    trusting: World, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = night(trusting, MANY)
    run.evidence = {"students": {}, "teachers": {}}
    run.save()
    assert ask("Lee Park")[0].startswith("not among the students and teachers whom the SIS sent")
    run.state, run.message, run.error_cure = "failed", "The SIS does not answer", "Look at the SIS."
    run.save()
    assert ask("Lee Park") == [
        f"not among what the SIS sent before; the last sync (run {run.pk}) failed: The SIS does not answer"
    ]


def test_automatic_rostering_that_is_off_is_told_as_well(trusting: World, ask: Ask) -> None:
    night(trusting, MANY)
    assert "Automatic rostering is off" in why_not(trusting.lincoln, "Lee Park", trusting.now)[0].next
    Connection.objects.update(enabled=True)
    assert "Automatic rostering" not in why_not(trusting.lincoln, "Lee Park", trusting.now)[0].next


def test_a_school_that_is_not_connected_or_not_found_at_the_sis_says_so(trusting: World, ask: Ask) -> None:
    RosterLink.objects.filter(school=trusting.lincoln).update(org="")
    assert ask("Lee Park") == ["which school of the SIS this one is has not been found yet"]
    RosterLink.objects.filter(school=trusting.lincoln).delete()
    assert ask("Lee Park") == ["this school is not connected to an SIS"]


# --- who is here, or was


def test_here_excluded_archived_by_hand_and_absent(trusting: World, ask: Ask, owner: Account) -> None:
    trusting.configure("hold.percent=100")
    elsewhere = student("y", org="org-elsewhere", family_name="Quist")
    night(trusting, [*MANY, student("x"), elsewhere])
    night(trusting, MANY)
    assert ask("n-x") == ["archived here on 03 Jun 2026: no longer in the SIS for this school"]
    assert ask("quist") == ["absent from the SIS since 03 Jun 2026"]
    person = Person.objects.get(number="n-s00")
    assert ask("n-s00") == ["is here, among the students"]
    hand.exclude(person, owner, trusting.now, excluded=True)
    assert ask("n-s00") == ["is here, among the students; excluded from sync, so the SIS changes nothing"]
    hand.archive(person, trusting.lincoln, owner, trusting.now)
    assert ask("n-s00") == ["archived here on 03 Jun 2026: archived by hand; excluded from sync"]


def test_somebody_marked_as_to_be_deleted_is_archived_and_told_so(trusting: World, ask: Ask) -> None:
    trusting.configure("hold.percent=100")
    night(trusting, [*MANY, student("x")])
    night(trusting, [*MANY, student("x", leaving=True)])
    assert ask("n-x") == ["archived here on 03 Jun 2026: the SIS marks this record as to be deleted"]


def test_whoever_is_archived_for_a_rule_is_told_who_can_change_that(trusting: World) -> None:
    trusting.configure("hold.percent=100")
    night(trusting, [*MANY, student("x", grade="12")])
    trusting.configure("rules=grade: 12 > out")
    night(trusting, [*MANY, student("x", grade="12")])
    (answer,) = why_not(trusting.lincoln, "n-x", trusting.now)
    assert answer.why == "archived here on 03 Jun 2026: left out by rule 1 (grade: 12 > out)"
    assert answer.next == "An Owner looks at the school's own rules in Sync Settings."


def test_a_rule_that_came_after_somebody_had_left_is_told_beside_it(trusting: World, ask: Ask) -> None:
    trusting.configure("hold.percent=100")
    night(trusting, [*MANY, student("x", grade="12")])
    night(trusting, MANY)
    trusting.configure("rules=grade: 12 > out")
    night(trusting, [*MANY, student("x", grade="12")])
    assert ask("n-x") == [
        "archived here on 03 Jun 2026: no longer in the SIS for this school; the rules say of their record: "
        "left out by rule 1 (grade: 12 > out)"
    ]


def test_all_roles_here_are_told_and_the_sourced_id_finds_them_too(trusting: World, ask: Ask) -> None:
    roles = (SourceRole("teacher", LINCOLN), SourceRole("aide", LINCOLN))
    night(trusting, [*MANY, adult("x", family_name="Stone", roles=roles)])
    assert ask("kofi") == ["is here, among the staff and the teachers"]
    assert ask("x") == ["stands for Kofi Stone (is here, among the staff and the teachers)"]


def test_whoever_is_leaving_soon_is_told_so(trusting: World, ask: Ask) -> None:
    trusting.configure("grace.runs=3", "hold.percent=100")
    night(trusting, [*MANY, student("x")])
    night(trusting, MANY)
    assert ask("n-x") == [
        "is here, among the students; leaving soon: absent from 1 complete sync on end, since 03 Jun 2026"
    ]


def test_the_merged_are_told_whom_they_are_now(trusting: World, ask: Ask, owner: Account) -> None:
    roy = [
        student("x", given_name="Noor", family_name="Roy"),
        student("y", given_name="Bo", family_name="Roy"),
    ]
    night(trusting, [*MANY, *roy])
    keep, gone = Person.objects.get(number="n-x"), Person.objects.get(number="n-y")
    merging.merge(keep, gone, owner, trusting.now)
    for _ in range(2):
        assert ask("bo") == ["was merged into Noor Roy, the same person (is here, among the students)"]
        assert ask("y") == ["stands for Noor Roy (is here, among the students)"]
        assert ask("bo", trusting.oakwood) == [ELSEWHERE]
        night(trusting, [*MANY, *roy])


# --- what waits for a person


def test_an_ambiguous_match_is_told_until_it_is_carried_out(
    trusting: World, ask: Ask, owner: Account
) -> None:
    for name in ("Ana", "Anna"):
        Person.objects.create(district=trusting.district, given_name=name, number="n-a")
    people = [*MANY, student("a", family_name="Roy")]
    night(trusting, people)
    assert ask("a") == ["ambiguous match: 2 people share its number"]
    review = MatchReview.objects.get()
    decide(review, Verdict.IGNORE, owner, trusting.now)
    assert ask("a") == ["ignored: somebody decided so under Review"]
    night(trusting, people)
    assert ask("a") == ["ignored: somebody decided so under Review"]
    decide(review, Verdict.DIFFERENT, owner, trusting.now)
    assert ask("a") == ["decided under Review (different people), and not carried out yet"]
    night(trusting, people)
    assert ask("a") == ["stands for Ana Roy (is here, among the students)"]


def test_an_archive_that_waits_is_told_of_whoever_is_still_here(trusting: World, ask: Ask) -> None:
    night(trusting, MANY)
    run = night(trusting, MANY[4:])
    assert run.state == "held"
    assert ask("n-s00") == [
        f"is here, among the students; their archive waits for a decision on run {run.pk}"
    ]


def test_whoever_is_new_and_waits_is_found_in_the_plan_by_every_word(trusting: World, ask: Ask) -> None:
    night(trusting, MANY)
    trusting.configure(*ADD_NONE)
    both = (SourceRole("student", OAKWOOD), SourceRole("student", LINCOLN))
    new = student("x", given_name="Noor", family_name="El Haddad", number="0042", roles=both)
    far = student("y", given_name="Lee", org=OAKWOOD)
    trusting.configure(*ADD_NONE, school=trusting.oakwood)
    run = night(trusting, [*MANY, new, far])
    waits = [f"would be added, and waits for a decision on run {run.pk}"]
    for words in ("x", "noor", "haddad noor", "0042", "x@lincoln.example"):
        assert ask(words) == waits
    assert ask("lee") == ask("y") == [ELSEWHERE]
    assert ask("noo") == [NEVER]
    discard(run, None, trusting.clock)
    assert ask("noor") == [NEVER]
    approve(night(trusting, [*MANY, new, far]), None, trusting.clock)
    assert ask("noor") == ["is here, among the students"]


def test_a_dry_run_adds_nobody_and_says_so(trusting: World, ask: Ask) -> None:
    run = night(trusting, MANY, dry_run=True)
    assert ask("n-s00") == [f"would be added, but run {run.pk} was a dry run: nothing of it was carried out"]


def test_a_rekey_that_waits_is_why_nobody_new_comes_in(trusting: World, ask: Ask) -> None:
    night(trusting, MANY)
    again = [replace(one, sourced_id=f"new-{one.sourced_id}") for one in MANY]
    run = night(trusting, [*again, student("x", given_name="Noor")])
    assert run.state == "held"
    assert ask("noor") == [
        f"let through by the rules, but nobody new is taken in while a re-key waits for a decision: run {run.pk}"
    ]
    assert ask("new-s00") == [f"waits for a decision on run {run.pk}"]
    approve(run, None, trusting.clock)
    assert ask("s00")[1:] == ["went by this id until the SIS gave the person a new one, new-s00"]
    assert ask("new-s00") == ["stands for Ana Lopez s00 (is here, among the students)"]


def test_an_id_of_the_re_key_before_the_last_leads_to_the_one_of_today(trusting: World, ask: Ask) -> None:
    night(trusting, MANY)
    told = MANY
    for name in ("new", "newer"):
        told = [replace(one, sourced_id=f"{name}-{one.number}") for one in told]
        run = approve(night(trusting, told), None, trusting.clock)
        back = undo(run, None, trusting.clock)
        undo(back, None, trusting.clock)
    said = "went by this id until the SIS gave the person a new one, newer-n-s00"
    assert ask("s00")[1:] == [said, said]
    assert ask("new-n-s00") == [said]


# --- what is kept of those who are not let through


def test_nothing_that_could_be_read_is_kept_of_who_is_not_let_through_and_nothing_written_again(
    trusting: World, ask: Ask
) -> None:
    people = [*MANY, student("x", org="org-elsewhere", family_name="Quist")]
    night(trusting, people)
    record = SourceRecord.objects.get(sourced_id="x")
    assert "Quist" not in str([getattr(record, field.attname) for field in SourceRecord._meta.fields])
    before = marks(trusting)
    night(trusting, people)
    assert marks(trusting) == before
    roles = (SourceRole("student", "org-elsewhere"),)
    assert ask("ana quist") == ["belongs to no school that is rostered here"] == ask("quist")
    night(trusting, [*MANY, replace(people[-1], family_name="Roy", roles=roles)])
    assert ask("roy") == ["belongs to no school that is rostered here"]
