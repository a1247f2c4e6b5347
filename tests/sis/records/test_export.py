"""Export: a set that our own check passes, and that loads back to what was served, as far as its version can say it."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from homeroom.oneroster.bulk.check import check
from homeroom.oneroster.bulk.sets import open_set
from homeroom.sis.records.export import export
from homeroom.sis.records.generate import evolve, generate_district
from homeroom.sis.records.load import load
from homeroom.sis.records.models import Part, Record
from tests.oneroster.sets import Sample, sample
from tests.sis.records.served import Json, everything, served

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 9, 1, 6, tzinfo=UTC)
LATER = datetime(2026, 9, 2, 6, tzinfo=UTC)
BOTH = pytest.mark.parametrize("version", ["1.1", "1.2"])


def nasty() -> Sample:
    """A set of 1.2 with all that is allowed and hard to write."""
    made = sample("1.2")
    made.put("users", 2, "givenName", 'An"a, "the 2nd"')
    made.put("users", 2, "familyName", "O'Brien\\; =1+1 \N{SNOWMAN} \u2028")
    for name, value in (("preferredGivenName", "Añita"), ("preferredMiddleName", "M."), ("preferredFamilyName", "X, Y"),
                        ("userMasterIdentifier", "m:1"), ("grades", "K,ext"), ("sms", "+1 (555) 0100")):  # fmt: skip
        made.put("users", 2, name, value)
    made.put("orgs", 3, "type", "ext:campus")
    made.put("academicSessions", 3, "type", "ext:block-1")
    made.put("classes", 2, "classType", "ext:club")
    made.put("enrollments", 3, "role", "ext:co.teacher")
    made.put("demographics", 2, "sex", "other")
    made.put("roles", 3, "role", "ext:primaryGuardian")
    made.put("roles", 4, "role", "ext:coach")
    made.add(
        "roles",
        sourcedId="r-more",
        userSourcedId="ana",
        roleType="secondary",
        role="proctor",
        beginDate="2026-08-17",
        endDate="2027-01-01",
    )
    made.add(
        "roles",
        sourcedId="r-there",
        userSourcedId="ana",
        roleType="primary",
        role="student",
        orgSourcedId="district",
    )
    made.add(
        "userProfiles",
        sourcedId="p-two",
        userSourcedId="ana",
        vendorId='ac"me, inc',
        applicationId="default",
        description="the other one",
    )
    for table in ("orgs", "users", "classes", "enrollments"):
        made.files[table][0] += ["metadata.bus", "metadata.jp.kana"]
        for number, row in enumerate(made.files[table][1:]):
            row += [f'7, "{number}"', "アナ" if number else ""]
    return made


def taken(made: Sample, tmp_path: Path, *, replace: bool = False) -> None:
    load(made.zip(tmp_path / "in.zip"), replace=replace, now=NOW)


def without_fault(path: Path) -> None:
    assert [(p.code, p.where, p.row, p.field, p.detail) for p in check(path).problems] == []


# 1.1's CSV must say each of these; its REST need not, or says a word that claims less.
NEAREST = {"orgs": ("type", "school"), "academicSessions": ("type", "term"), "classes": ("classType", "scheduled"),
           "enrollments": ("role", "proctor")}  # fmt: skip


def said_in(version: str) -> dict[str, dict[str, Json]]:
    """All that is served, as far as a version's CSV can say it: the words of 1.1 are closed, and CSV has its own nearest ones."""
    found, own = everything(version), everything("1.2")
    for kind, (field, word) in NEAREST.items() if version == "1.1" else ():
        for id_, one in found[kind].items():
            if own[kind][id_][field].startswith("ext:"):
                one[field] = word
    return found


@BOTH
def test_a_nasty_set_goes_out_without_fault_and_comes_back(tmp_path: Path, version: str) -> None:
    taken(nasty(), tmp_path)
    before = said_in(version)
    path = tmp_path / "out.zip"
    counts = export(path, version)
    assert counts["users"] == 3
    without_fault(path) if version == "1.2" else only_grades(path)
    load(path, replace=True, now=LATER)
    assert everything(version) == before


def only_grades(path: Path) -> None:
    """1.1 has grades of its own, and ours are as they came."""
    assert {problem.code for problem in check(path).problems} <= {"unknown_grade"}
    assert check(path).ok


@BOTH
def test_a_generated_district_goes_out_without_fault_and_comes_back(tmp_path: Path, version: str) -> None:
    generate_district(120, 3, 5, NOW)
    evolve(60, 1, NOW)
    before = said_in(version)
    gone = served("users", status="tobedeleted")
    assert gone
    path = tmp_path / "out.zip"
    export(path, version)
    without_fault(path)
    load(path, replace=True, now=LATER)
    after = everything(version)
    # What belongs to those who left stays with them: a bulk set has no row to hang it on.
    before["enrollments"] = {
        key: one for key, one in before["enrollments"].items() if one["user"]["sourcedId"] not in gone
    }
    before["demographics"] = {key: one for key, one in before["demographics"].items() if key not in gone}
    assert after == before


def test_a_set_that_was_loaded_goes_out_as_it_came(tmp_path: Path) -> None:
    for version in ("1.1", "1.2"):
        made = sample(version)
        taken(made, tmp_path, replace=True)
        export(tmp_path / "out.zip", version)
        rows = {table: sorted(map(tuple, rows[1:])) for table, rows in made.files.items()}
        out = {
            file.table: sorted(tuple((read.cells or {}).get(name, "") for name in made.files[file.table][0])
                               for read in opened.read() if read.file is file and read.cells)
            for opened in [open_set(tmp_path / "out.zip")] for file in opened.files
        }  # fmt: skip
        codes = [
            (row[0], *row[5:]) for row in out.pop("orgs")
        ]  # an org without an identifier is served with its id
        assert [code[0] for code in codes] == [row[0] for row in rows.pop("orgs")]
        assert out == rows


def test_roles_keep_their_ids_through_loads_and_exports(tmp_path: Path) -> None:
    taken(nasty(), tmp_path)
    export(tmp_path / "out.zip", "1.2")
    before = set(Part.objects.values_list("part", "sourced_id", "user"))
    load(tmp_path / "out.zip", replace=True, now=LATER)
    assert set(Part.objects.values_list("part", "sourced_id", "user")) == before
    assert ("roles", "r-more", "ana") in before


def test_1_1_says_of_several_roles_the_one_that_counts_most_and_the_orgs_of_all(tmp_path: Path) -> None:
    made = sample("1.2")
    made.add(
        "roles",
        sourcedId="r-p",
        userSourcedId="tea",
        role="parent",
        roleType="primary",
        orgSourcedId="district",
    )
    taken(made, tmp_path)
    export(tmp_path / "out.zip", "1.1")
    (tea,) = [
        read.record
        for read in open_set(tmp_path / "out.zip").read()
        if read.record and read.record.sourced_id == "tea"
    ]
    assert [(role.role, role.org) for role in tea.roles] == [("teacher", "school"), ("teacher", "district")]  # type: ignore[union-attr]


@BOTH
def test_an_empty_site_gives_a_manifest(tmp_path: Path, version: str) -> None:
    assert export(tmp_path / "out.zip", version) == {}
    without_fault(tmp_path / "out.zip")


@BOTH
def test_gaps_in_the_data_stay_gaps(tmp_path: Path, version: str) -> None:
    made = sample(version)
    made.put("users", 4, "username", "")
    taken(made, tmp_path)
    export(tmp_path / "out.zip", version)
    found = [(problem.code, problem.where, problem.field) for problem in check(tmp_path / "out.zip").problems]
    assert found == [("missing_value", "users.csv", "username")]
    assert Record.objects.filter(kind="users", status="active").count() == 3
