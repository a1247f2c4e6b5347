"""Loading: bulk and delta, both versions, good rows served and bad rows named, and nothing gone without proof."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from homeroom.oneroster.bulk.files import BulkError
from homeroom.sis.records.load import LoadReport, load
from homeroom.sis.records.models import Load, Part, Record
from tests.oneroster.sets import STAMP, Sample, made_of, sample, text_of
from tests.sis.records.served import agents, everything, ids, modified, served

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 9, 1, 6, tzinfo=UTC)
LATER = NOW + timedelta(days=1)
BOTH = pytest.mark.parametrize("version", ["1.1", "1.2"])


def taken(made: Sample, tmp_path: Path, now: datetime = NOW, *, replace: bool = False) -> LoadReport:
    return load(made.zip(tmp_path / "set.zip"), replace=replace, now=now)


def delta(version: str, **tables: list[dict[str, str]]) -> Sample:
    return made_of(version, tables).as_delta()


def codes(report: LoadReport) -> set[str]:
    return {problem.code for problem in report.problems}


@BOTH
def test_a_set_is_served_as_it_says(tmp_path: Path, version: str) -> None:
    report = taken(sample(version), tmp_path)
    assert report.problems == ()
    ana = served("users")["ana"]
    assert (ana["givenName"], ana["familyName"], ana["grades"]) == ("Ana", 'Lo"pez, de', ["09"])
    assert ana["userIds"] == [{"type": "LDAP", "identifier": "ana"}, {"type": "state", "identifier": "77"}]
    assert [(role["role"], role["org"]["sourcedId"]) for role in ana["roles"]] == [("student", "school")]
    assert served("users")["tea"]["enabledUser"] == "false"
    assert served("demographics")["ana"]["asian"] == "true"
    assert ids(served("orgs")["district"]["children"]) == ["school"]
    assert report.counts["users"] == 3


def test_what_1_2_has_besides_is_served(tmp_path: Path) -> None:
    made = sample("1.2")
    for name, value in (
        ("preferredGivenName", "Anita"),
        ("preferredFamilyName", "L."),
        ("userMasterIdentifier", "m-1"),
    ):
        made.put("users", 2, name, value)
    taken(made, tmp_path)
    ana = served("users")["ana"]
    assert (
        ana["preferredFirstName"],
        ana["preferredLastName"],
        ana["userMasterIdentifier"],
        ana["pronouns"],
    ) == (*("Anita", "L.", "m-1", "she/her"),)
    (profile,) = ana["userProfiles"]
    assert profile["credentials"] == [{"type": "basic", "username": "ana.l"}]
    assert ana["roles"][0]["userProfile"] == profile["profileId"]
    assert profile["profileId"].startswith("urn:")
    assert "userProfiles" not in served("users", "1.1")["ana"]


@BOTH
def test_passwords_are_neither_stored_nor_served(tmp_path: Path, version: str) -> None:
    made = sample(version)
    made.put("users", 2, "password", "hush-hush")
    if version == "1.2":
        made.put("userProfiles", 2, "password", "hush-hush")
    report = taken(made, tmp_path)
    assert codes(report) == {"password"}
    assert not Record.objects.filter(v1p1__contains="hush").exists()
    assert not Record.objects.filter(v1p2__contains="hush").exists()
    assert not Part.objects.filter(said__contains="hush").exists()
    assert "hush" not in str(Load.objects.get().problems)


@BOTH
def test_who_is_missing_from_bulk_is_marked_at_the_time_of_the_import_and_may_come_back(
    tmp_path: Path, version: str
) -> None:
    taken(sample(version), tmp_path)
    without = sample(version)
    for table in ("users", "demographics"):
        del without.files[table][1]
    if version == "1.2":
        del without.files["roles"][1]
        del without.files["userProfiles"][1]
    without.drop("demographics")
    taken(without, tmp_path, LATER)
    assert set(served("users")) == {"mae", "tea"}
    assert set(served("users", status="tobedeleted")) == {"ana"}
    assert modified("users", "ana") == "2026-09-02T06:00:00.000Z"
    assert modified("users", "tea") == "2026-09-01T06:00:00.000Z"
    assert "ana" in served("demographics")  # a file that is not there says nothing
    taken(sample(version), tmp_path, LATER + timedelta(days=1))
    assert set(served("users")) == {"ana", "mae", "tea"}
    assert modified("users", "ana") == "2026-09-03T06:00:00.000Z"
    assert Record.objects.get(sourced_id="ana", kind="users").deleted is None


@BOTH
def test_the_same_set_again_changes_nothing(tmp_path: Path, version: str) -> None:
    taken(sample(version), tmp_path)
    before = list(Record.objects.order_by("id").values_list("kind", "sourced_id", "modified", "v1p1", "v1p2"))
    taken(sample(version), tmp_path, LATER)
    assert (
        list(Record.objects.order_by("id").values_list("kind", "sourced_id", "modified", "v1p1", "v1p2"))
        == before
    )


@BOTH
def test_a_delta_changes_what_it_names_and_nothing_else(tmp_path: Path, version: str) -> None:
    taken(sample(version), tmp_path)
    changed = sample(version).as_delta()
    for table in [table for table in changed.files if table != "users"]:
        changed.drop(table)
    changed.files["users"] = [changed.files["users"][0], changed.files["users"][3]]
    changed.put("users", 2, "familyName", "Itō")
    before = everything()
    report = taken(changed, tmp_path, LATER)
    assert report.problems == ()
    tea = served("users")["tea"]
    assert tea["familyName"] == "Itō"
    assert [role["role"] for role in tea["roles"]] == [
        "teacher"
    ]  # though in 1.2 the delta did not name its role
    before["users"]["tea"]["familyName"] = "Itō"
    assert everything() == before
    assert modified("users", "tea") == STAMP


@BOTH
def test_a_delta_deletes_by_saying_so_and_the_record_is_served_as_it_was_last_known(
    tmp_path: Path, version: str
) -> None:
    taken(sample(version), tmp_path)
    gone = delta(version, users=[{"sourcedId": "tea"}])
    gone.put("users", 2, "status", "tobedeleted")
    taken(gone, tmp_path, LATER)
    tea = served("users", status="tobedeleted")["tea"]
    assert (tea["givenName"], tea["status"]) == ("Tea", "tobedeleted")
    assert Record.objects.get(sourced_id="tea").deleted == LATER


def test_roles_alone_change_their_users(tmp_path: Path) -> None:
    taken(sample("1.2"), tmp_path)
    more = {
        "sourcedId": "r-x",
        "userSourcedId": "tea",
        "roleType": "secondary",
        "role": "parent",
        "orgSourcedId": "school",
    }
    taken(delta("1.2", roles=[more]), tmp_path, LATER)
    assert [role["role"] for role in served("users")["tea"]["roles"]] == ["teacher", "parent"]
    assert modified("users", "tea") == "2026-09-02T06:00:00.000Z"
    moved = delta("1.2", roles=[{**more, "userSourcedId": "mae"}])
    taken(moved, tmp_path, LATER)
    assert [role["role"] for role in served("users")["tea"]["roles"]] == ["teacher"]
    assert [role["role"] for role in served("users")["mae"]["roles"]] == ["parent", "parent"]
    moved.put("roles", 2, "status", "tobedeleted")
    taken(moved, tmp_path, LATER)
    assert [role["role"] for role in served("users")["mae"]["roles"]] == ["parent"]
    profile = {
        "sourcedId": "p-ana",
        "userSourcedId": "ana",
        "profileType": "sis",
        "vendorId": "other",
        "credentialType": "basic",
    }
    taken(delta("1.2", userProfiles=[{**profile, "username": "new.name"}]), tmp_path, LATER)
    assert served("users")["ana"]["userProfiles"][0]["credentials"][0]["username"] == "new.name"


def test_a_role_row_takes_the_place_of_the_same_role_that_came_from_1_1(tmp_path: Path) -> None:
    taken(sample("1.1"), tmp_path)
    row = {
        "sourcedId": "r-1",
        "userSourcedId": "tea",
        "roleType": "primary",
        "role": "teacher",
        "orgSourcedId": "school",
    }
    row["beginDate"] = "2026-08-17"
    taken(
        delta("1.2", roles=[row, {**row, "sourcedId": "r-2", "role": "proctor", "roleType": "secondary"}]),
        tmp_path,
        LATER,
    )
    roles = served("users")["tea"]["roles"]
    assert [(role["role"], role.get("beginDate")) for role in roles] == [
        ("teacher", "2026-08-17"),
        ("proctor", "2026-08-17"),
    ]


def test_a_bulk_of_roles_takes_away_what_it_does_not_have(tmp_path: Path) -> None:
    made = sample("1.2")
    made.add("roles", sourcedId="r-x", roleType="secondary", role="proctor")
    taken(made, tmp_path)
    only = made_of("1.2", {})
    only.files["roles"] = sample("1.2").files["roles"]
    only.modes["roles"] = "bulk"
    report = taken(only, tmp_path, LATER)
    assert [role["role"] for role in served("users")["tea"]["roles"]] == ["teacher"]
    assert not {problem.code for problem in report.problems if problem.code == "dangling_reference"}


LONG = "x" * 256


def bad_ids(report: LoadReport) -> set[tuple[str, str | None]]:
    return {(problem.where, problem.field) for problem in report.problems if problem.code == "bad_id"}


@BOTH
@pytest.mark.parametrize("table", ["orgs", "users", "academicSessions", "courses", "classes", "enrollments"])
def test_an_id_too_long_to_keep_costs_its_own_row_alone(tmp_path: Path, version: str, table: str) -> None:
    made = sample(version)
    made.files[table].append([LONG, *made.files[table][-1][1:]])
    report = taken(made, tmp_path)
    assert everything() == everything_of(sample(version), tmp_path)
    assert bad_ids(report) == {(f"{table}.csv", "sourcedId")}
    assert "rows_lost" in codes(report)
    assert all(len(problem.sourced_id or "") < 256 for problem in report.problems)


def everything_of(made: Sample, tmp_path: Path) -> object:
    taken(made, tmp_path, replace=True)
    return everything()


@pytest.mark.parametrize(
    ("version", "table", "column"),
    [
        ("1.1", "users", "orgSourcedIds"),
        ("1.1", "users", "agentSourcedIds"),
        ("1.2", "roles", "orgSourcedId"),
        ("1.2", "roles", "userSourcedId"),
        ("1.2", "users", "primaryOrgSourcedId"),
        ("1.2", "classes", "termSourcedIds"),
        ("1.2", "classes", "schoolSourcedId"),
        ("1.2", "enrollments", "userSourcedId"),
        ("1.2", "orgs", "parentSourcedId"),
    ],
)
def test_a_reference_too_long_for_any_id_is_left_out(
    tmp_path: Path, version: str, table: str, column: str
) -> None:
    made = sample(version)
    name = "".join(chr(33 + number * 7 % 90) for number in range(4000)).replace(",", "x")
    made.put(table, 2, column, name)
    report = taken(made, tmp_path)
    assert (f"{table}.csv", column) in bad_ids(report)
    assert name[:40] not in str(everything())


def test_long_words_of_ones_own_are_served_and_what_is_no_word_is_left_out(tmp_path: Path) -> None:
    made, word = sample("1.2"), "ext:" + "coach-" * 40
    for table, column in (
        ("orgs", "type"),
        ("academicSessions", "type"),
        ("enrollments", "role"),
        ("roles", "role"),
    ):
        made.put(table, 2, column, word)
        made.put(table, 3, column, "x" * 3000)
    taken(made, tmp_path)
    assert served("orgs")["district"]["type"] == served("academicSessions")["year"]["type"] == word
    assert served("enrollments")["e1"]["role"] == served("users")["ana"]["roles"][0]["role"] == word
    assert "x" * 300 not in str(everything())


@pytest.mark.parametrize(
    "torn",
    [
        "a row with too few cells",
        "a row without an id",
        "no rows at all",
        "rows that are all dated",
        "called absent",
    ],
)
def test_a_bulk_file_that_proves_nothing_removes_nobody(tmp_path: Path, torn: str) -> None:
    taken(sample("1.1"), tmp_path)
    made = sample("1.1")
    users = made.files["users"]
    del users[3]  # whoever reads this file whole will think that Tea is gone
    if torn == "a row with too few cells":
        users[2].pop()
    if torn == "a row without an id":
        users[2][0] = ""
    if torn == "no rows at all":
        del users[1:]
    if torn == "rows that are all dated":
        for row in users[1:]:
            row[1:3] = ["active", STAMP]
    if torn == "called absent":
        made.modes["users"] = "absent"
    report = taken(made, tmp_path, LATER)
    assert set(served("users")) == {"ana", "mae", "tea"}
    assert report.problems


def test_a_status_without_a_date_does_not_make_a_bulk_file_a_delta(tmp_path: Path) -> None:
    taken(sample("1.1"), tmp_path)
    made = sample("1.1")
    del made.files["users"][3]
    for row in made.files["users"][1:]:
        row[1] = "active"
    taken(made, tmp_path, LATER)
    assert set(served("users")) == {"ana", "mae"}


def test_a_set_without_file_rows_in_its_manifest_is_read_as_bulk(tmp_path: Path) -> None:
    taken(sample("1.1"), tmp_path)
    made = sample("1.1")
    made.modes.clear()
    del made.files["users"][3]
    report = taken(made, tmp_path, LATER)
    assert codes(report) >= {"manifest_property"}
    assert set(served("users")) == {"ana", "mae"}


def test_a_school_that_people_name_and_nobody_has_is_made(tmp_path: Path) -> None:
    made = sample("1.1")
    for table in [table for table in made.files if table != "users"]:
        made.drop(table)
    report = taken(made, tmp_path)
    assert [problem.sourced_id for problem in report.problems if problem.code == "missing_org"] == ["school"]
    assert served("orgs")["school"]["type"] == "school"
    again = taken(made, tmp_path, LATER)
    assert "missing_org" not in codes(again)


def test_a_delta_may_name_what_is_stored_and_is_told_of_what_is_not(tmp_path: Path) -> None:
    taken(sample("1.1"), tmp_path)
    row = {
        "sourcedId": "e9",
        "classSourcedId": "math-1",
        "schoolSourcedId": "school",
        "userSourcedId": "mae",
        "role": "proctor",
    }
    assert taken(delta("1.1", enrollments=[row]), tmp_path, LATER).problems == ()
    unknown = taken(delta("1.1", enrollments=[{**row, "classSourcedId": "x"}]), tmp_path, LATER)
    assert [(p.code, p.row, p.field) for p in unknown.problems] == [
        ("dangling_reference", 2, "classSourcedId")
    ]


def test_replace_leaves_nothing_of_what_was_there(tmp_path: Path) -> None:
    taken(sample("1.2"), tmp_path)
    made = sample("1.1")
    for table in [table for table in made.files if table not in ("users", "orgs")]:
        made.drop(table)
    made.files["users"] = made.files["users"][:2]
    taken(made, tmp_path, LATER, replace=True)
    assert set(Record.objects.values_list("sourced_id", flat=True)) == {"ana", "district", "school"}
    assert not Part.objects.exists()
    assert agents("ana") == []


def test_an_unusable_file_refuses_the_whole_set(tmp_path: Path) -> None:
    taken(sample("1.1"), tmp_path)
    before = everything()
    made = sample("1.1")
    made.files["users"][1][made.column("users", "familyName")] = "Changed"
    made.texts["enrollments.csv"] = b"<html>Sign in</html>"
    with pytest.raises(BulkError, match=r"enrollments\.csv"):
        taken(made, tmp_path, LATER)
    assert everything() == before
    assert Load.objects.count() == 1


def test_a_gradebook_is_checked_and_left(tmp_path: Path) -> None:
    report = taken(sample("1.2", gradebook=True), tmp_path)
    assert report.problems == ()
    assert "results" not in report.counts


def test_odd_characters_come_through_or_are_taken_out(tmp_path: Path) -> None:
    made = sample("1.1")
    made.put("users", 2, "givenName", 'A\0na \N{SNOWMAN} \u2028x \'quoted\' \\ {"status":"active"}')
    made.texts["users.csv"] = ("\ufeff" + text_of(made.files["users"], "\n")).encode()
    taken(made, tmp_path)
    assert served("users")["ana"]["givenName"] == 'Ana \N{SNOWMAN} \u2028x \'quoted\' \\ {"status":"active"}'
    del made.files["users"][1]
    del made.texts["users.csv"]
    taken(made, tmp_path, LATER)
    gone = served("users", status="tobedeleted")["ana"]
    assert (gone["status"], gone["givenName"]) == (
        "tobedeleted",
        'Ana \N{SNOWMAN} \u2028x \'quoted\' \\ {"status":"active"}',
    )
