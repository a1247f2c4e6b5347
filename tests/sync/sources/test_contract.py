"""What every source must keep: the same district told in any way gives the same people, and the same proof."""

from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from msgspec.structs import replace as but

from homeroom.problems import Problem
from homeroom.sync.narrow import is_guardian_word
from homeroom.sync.reading import Birth, Evidence, Slice
from homeroom.sync.roster import SourceOrg, SourcePerson
from homeroom.sync.rules import GROUP_OF_ROLE
from tests.sync.sources.ways import LINCOLN, OAKWOOD, WAYS, District, Way, district

every_way = pytest.mark.parametrize("way", WAYS, ids=str)


@dataclass
class Read:
    """What one reading of a district came to."""

    orgs: dict[str, SourceOrg]
    slices: list[Slice]
    people: dict[str, SourcePerson]
    problems: list[Problem]
    evidence: dict[str, Evidence]

    @property
    def complete(self) -> bool:
        """As a run sees it: all proofs hold, and every record is somebody's."""
        return all(proof.complete for proof in self.evidence.values()) and all(
            one.sourced_id for one in self.slices
        )

    @property
    def trouble(self) -> str:
        return "; ".join(proof.trouble for proof in self.evidence.values())


def read(way: Way, of: District, path: Path) -> Read:
    """A whole reading, at most three attempts, as a run makes it."""
    with way.open(of, path) as source:
        orgs = {org.sourced_id: org for org in source.orgs()}
        for _ in range(3):
            slices = [record for page in source.people() for record in page]
            if not any(proof.again for proof in source.evidence.values()):
                break
        parsed = [source.parse(record) for record in slices]
    people = {person.sourced_id: person for person, _ in parsed if person is not None}
    problems = [*source.problems, *(problem for _, found in parsed for problem in found)]
    return Read(orgs, slices, people, problems, source.evidence)


def standing(person: SourcePerson) -> set[tuple[str, str]]:
    """Where somebody stands: as what of ours, at which org. 1.1 and 1.2 have different words for an administrator."""
    return {
        ("guardian" if is_guardian_word(role.word) else GROUP_OF_ROLE[role.word.lower()].value, role.org)
        for role in person.roles
    }


@every_way
def test_the_same_people_with_the_same_proof(way: Way, tmp_path: Path) -> None:
    found = read(way, district(), tmp_path)
    assert found.complete, found.trouble
    assert found.problems == []
    assert {(o.sourced_id, o.name, o.identifier, o.type) for o in found.orgs.values()} >= {
        (LINCOLN, "Lincoln High", "004", "school"),
        (OAKWOOD, "Oakwood", "006", "school"),
    }
    assert len(found.people) == len(found.slices) == found.evidence["users"].received == 35
    assert found.evidence["users"].bytes > 1000
    assert found.evidence["users"].checksum
    ana = found.people["s00"]
    assert (ana.given_name, ana.middle_name, ana.family_name, ana.number) == ("Ana", "M.", "Lopez s00", "000")
    assert (ana.email, ana.phone, ana.username, ana.grade, ana.leaving) == (
        "s00@lincoln.example",
        "555-0100",
        "s00",
        "09",
        False,
    )
    assert ana.agents == ("g1", "g2")
    assert found.people["s01"].given_name == "José, the “2nd”"
    assert (found.people["s01"].family_name, found.people["s01"].grade) == ('O"Neil', "KG")
    assert standing(found.people["s02"]) == {("students", OAKWOOD)}
    assert standing(found.people["t1"]) == {("teachers", LINCOLN), ("teachers", OAKWOOD)}
    assert standing(found.people["a1"]) == {("staff", LINCOLN)}
    assert standing(found.people["p1"]) == {("admins", LINCOLN)}
    assert standing(found.people["g1"]) == standing(found.people["g2"]) == {("guardian", LINCOLN)}


@every_way
def test_an_unchanged_district_gives_the_same_bytes_and_a_changed_person_others(
    way: Way, tmp_path: Path
) -> None:
    before = {one.sourced_id: one.raw for one in read(way, district(), tmp_path).slices}
    assert {one.sourced_id: one.raw for one in read(way, district(), tmp_path).slices} == before
    users = tuple(but(one, grades=("10",)) if one.sourced_id == "s07" else one for one in district().users)
    after = {one.sourced_id: one.raw for one in read(way, replace(district(), users=users), tmp_path).slices}
    assert {id_ for id_ in before if before[id_] != after[id_]} == {"s07"}


@every_way
def test_who_is_absent_is_absent_from_a_complete_reading(way: Way, tmp_path: Path) -> None:
    found = read(way, replace(district(), users=district().users[1:]), tmp_path)
    assert found.complete, found.trouble
    assert "s00" not in found.people


@every_way
def test_a_record_to_be_deleted_says_so(way: Way, tmp_path: Path) -> None:
    users = tuple(
        but(one, status="tobedeleted") if one.sourced_id == "s05" else one for one in district().users
    )
    found = read(way, replace(district(), users=users), tmp_path)
    assert found.complete, found.trouble
    assert [person.sourced_id for person in found.people.values() if person.leaving] == ["s05"]


@every_way
def test_a_school_that_is_gone_is_not_among_the_orgs(way: Way, tmp_path: Path) -> None:
    found = read(way, replace(district(), orgs=district().orgs[:2]), tmp_path)
    assert OAKWOOD not in found.orgs


@every_way
def test_a_list_that_breaks_off_proves_nothing(way: Way, tmp_path: Path) -> None:
    found = read(way, replace(district(), cut=True), tmp_path)
    assert not found.complete
    assert found.trouble
    assert 0 < len(found.people) < 35  # and what came is used


@every_way
def test_an_id_that_comes_twice_proves_nothing(way: Way, tmp_path: Path) -> None:
    twice = but(district().users[3], given_name="Bo")
    found = read(way, replace(district(), users=(*district().users, twice)), tmp_path)
    assert not found.complete
    assert "twice" in found.trouble


@every_way
def test_a_record_without_id_may_be_anybodys(way: Way, tmp_path: Path) -> None:
    found = read(way, replace(district(), without_id="s04"), tmp_path)
    assert not found.complete
    assert len(found.people) == 34


@every_way
def test_the_connection_is_tested_by_the_same_source(way: Way, tmp_path: Path) -> None:
    with way.open(district(), tmp_path) as source:
        answer = source.check("004")
    assert answer.ok, answer.checks
    assert answer.school is not None
    assert (answer.school.sourced_id, len(answer.schools)) == (LINCOLN, 2)
    assert (answer.counts["student"], answer.counts["teacher"]) == (29, 1)


@every_way
def test_a_school_id_that_no_school_has_is_answered_with_the_schools(way: Way, tmp_path: Path) -> None:
    with way.open(district(), tmp_path) as source:
        answer = source.check("999")
    assert not answer.ok
    assert answer.school is None
    assert any("Oakwood" in check.cure for check in answer.checks if check.ok is False)


BORN = {
    "s00": "2010-03-01",
    "s01": "2010-02-31",
    "s02": "2011-05-06",
    "s03": "",
    "t1": "1980-01-01",
    **{f"s{number:02}": f"2012-01-{number:02}" for number in range(10, 30)},
}
MANY = {f"s{number:02}" for number in range(30)} | {f"nobody-{number:03}" for number in range(100)}


def born(way: Way, of: District, path: Path, wanted: set[str]) -> tuple[list[Birth], list[Problem]]:
    """The birth dates of some, asked for after a whole reading, and what was said of them."""
    with way.open(of, path) as source:
        source.orgs()
        assert sum(len(page) for page in source.people()) == 35
        evidence = dict(source.evidence)
        found = [one for page in source.births(wanted) for one in page]
        assert source.evidence == evidence
        assert all(proof.complete for proof in evidence.values())
    return found, source.problems


@every_way
@pytest.mark.parametrize("wanted", [{"s00", "s01", "s02", "s03", "s04"}, MANY], ids=["a few", "many"])
def test_birth_dates_are_told_of_those_asked_for_and_of_nobody_else(
    way: Way, wanted: set[str], tmp_path: Path
) -> None:
    found, problems = born(way, replace(district(), born=BORN), tmp_path, wanted)
    assert len(found) == len(wanted)  # each once
    said = {one.sourced_id: one.day for one in found}
    assert said.keys() == wanted
    assert (said["s00"], said["s02"]) == ("2010-03-01", "2011-05-06")
    assert (said["s01"], said["s03"], said["s04"]) == ("", "", "")  # no day, none said, nobody there
    assert [(one.code, one.sourced_id, one.detail) for one in problems] == [("unreadable_date", "s01", "")]
    assert "2010" not in repr(found)


@every_way
def test_birth_dates_that_are_not_served_are_a_problem_and_nothing_else(way: Way, tmp_path: Path) -> None:
    for number, wanted in enumerate(({"s00", "s01"}, MANY)):
        (tmp_path / str(number)).mkdir()
        found, problems = born(way, district(), tmp_path / str(number), wanted)
        assert found == []
        assert [(one.code, one.sourced_id) for one in problems] == [("births_not_served", None)]


@every_way
def test_a_list_without_a_single_birth_date_says_nothing_of_anybody(way: Way, tmp_path: Path) -> None:
    found, problems = born(way, replace(district(), born=dict.fromkeys(BORN, "")), tmp_path, MANY)
    assert found == []
    assert [one.code for one in problems] == ["births_not_served"]
