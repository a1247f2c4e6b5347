"""Links are served from both ends, however and in which order they were told; a law says so of every history."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homeroom.sis.records.generate import evolve, generate_district
from homeroom.sis.records.load import load
from homeroom.sis.records.models import Naming
from tests.oneroster.sets import Sample, made_of
from tests.sis.records.served import Json, agents, everything, ids, modified, served

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 9, 1, 6, tzinfo=UTC)
LATER = datetime(2026, 9, 2, 6, tzinfo=UTC)
ORG = {"sourcedId": "s", "name": "Lincoln", "type": "school"}


def person(user: str, *agents: str) -> dict[str, str]:
    cells = {
        "enabledUser": "true",
        "orgSourcedIds": "s",
        "role": "student",
        "username": user,
        "givenName": user,
        "familyName": "X",
    }
    return {"sourcedId": user, **cells, "agentSourcedIds": ",".join(agents)}


def taken(made: Sample, tmp_path: Path, now: datetime = NOW, *, replace: bool = False) -> None:
    load(made.zip(tmp_path / "set.zip"), replace=replace, now=now)


def bulk(tmp_path: Path, *users: dict[str, str]) -> None:
    taken(made_of("1.1", {"orgs": [ORG], "users": list(users)}), tmp_path)


def change(tmp_path: Path, *users: dict[str, str], gone: str = "") -> None:
    made = made_of("1.1", {"users": [*users, *([person(gone)] if gone else [])]}).as_delta()
    if gone:
        made.put("users", len(users) + 2, "status", "tobedeleted")
    taken(made, tmp_path, LATER)


def links() -> dict[str, list[str]]:
    return {user: ids(said.get("agents", [])) for user, said in served("users").items()}


def test_what_one_side_tells_in_bulk_is_served_from_both(tmp_path: Path) -> None:
    bulk(tmp_path, person("ana", "mae", "joe"), person("ben"), person("mae", "ben"), person("joe"))
    assert links() == {"ana": ["mae", "joe"], "ben": ["mae"], "mae": ["ben", "ana"], "joe": ["ana"]}


def test_the_order_in_which_a_student_names_guardians_stays(tmp_path: Path) -> None:
    bulk(tmp_path, person("ana", "z", "a"), person("a", "ana"), person("m", "ana"), person("z"))
    assert agents("ana") == ["z", "a", "m"]
    change(tmp_path, person("m", "ana"))
    assert agents("ana") == ["z", "a", "m"]


def test_a_delta_adds_changes_and_drops_a_link_on_either_side(tmp_path: Path) -> None:
    bulk(tmp_path, person("ana"), person("mae"), person("joe"))
    change(tmp_path, person("ana", "mae"))
    assert links() == {"ana": ["mae"], "mae": ["ana"], "joe": []}
    assert modified("users", "mae") == "2026-09-02T06:00:00.000Z"  # though no row named it
    change(tmp_path, person("joe", "ana"))
    assert links() == {"ana": ["mae", "joe"], "mae": ["ana"], "joe": ["ana"]}
    change(tmp_path, person("ana", "joe"))
    assert links() == {"ana": ["joe"], "mae": [], "joe": ["ana"]}
    change(tmp_path, person("ana"))
    assert links() == {"ana": ["joe"], "mae": [], "joe": ["ana"]}  # joe still tells it
    change(tmp_path, person("joe"))
    assert links() == {"ana": [], "mae": [], "joe": []}
    assert not Naming.objects.exists()


def test_who_is_deleted_is_nobodys_agent_and_is_again_when_back(tmp_path: Path) -> None:
    bulk(tmp_path, person("ana", "mae"), person("mae"), person("joe", "ana"))
    change(tmp_path, gone="mae")
    assert links() == {"ana": ["joe"], "joe": ["ana"]}
    change(tmp_path, person("mae"))
    assert links() == {"ana": ["mae", "joe"], "mae": ["ana"], "joe": ["ana"]}
    change(tmp_path, gone="ana")
    assert links() == {"mae": [], "joe": []}
    change(tmp_path, person("ana"))
    assert links() == {"ana": ["joe"], "mae": [], "joe": ["ana"]}  # ana tells nothing of mae any more


def test_who_never_came_is_linked_when_it_comes(tmp_path: Path) -> None:
    bulk(tmp_path, person("ana", "mae"))
    assert links() == {"ana": []}
    change(tmp_path, person("mae"))
    assert links() == {"ana": ["mae"], "mae": ["ana"]}


def test_a_bulk_takes_away_the_links_of_who_is_gone(tmp_path: Path) -> None:
    bulk(tmp_path, person("ana", "mae"), person("mae"))
    bulk(tmp_path, person("ana", "mae"))
    assert links() == {"ana": []}
    change(tmp_path, person("mae"))
    assert links() == {"ana": ["mae"], "mae": ["ana"]}


def test_orgs_and_sessions_of_one_id_have_children_of_their_own(tmp_path: Path) -> None:
    orgs = [{"sourcedId": "2027", "name": "District", "type": "district"}, {**ORG, "parentSourcedId": "2027"}]
    year = {"title": "x", "startDate": "2026-08-17", "endDate": "2027-06-12", "schoolYear": "2027"}
    sessions = [
        {"sourcedId": "2027", "type": "schoolYear", **year},
        {"sourcedId": "t", "type": "term", "parentSourcedId": "2027", **year},
    ]
    taken(made_of("1.1", {"orgs": orgs, "academicSessions": sessions}), tmp_path)
    assert ids(served("orgs")["2027"]["children"]) == ["s"]
    assert ids(served("academicSessions")["2027"]["children"]) == ["t"]
    moved = made_of(
        "1.1",
        {
            "orgs": [
                {"sourcedId": "new", "name": "New", "type": "district"},
                {**ORG, "parentSourcedId": "new"},
            ]
        },
    )
    taken(moved.as_delta(), tmp_path, LATER)
    assert "children" not in served("orgs")["2027"]
    assert ids(served("orgs")["new"]["children"]) == ["s"]
    assert modified("orgs", "2027") == "2026-09-02T06:00:00.000Z"
    assert ids(served("academicSessions")["2027"]["children"]) == ["t"]


def test_days_that_go_by_leave_links_whole(tmp_path: Path) -> None:
    generate_district(150, 2, 3, NOW)
    for day in range(1, 4):
        counts = evolve(30 * day, day, LATER)
        assert counts.get("left")
        told = links()
        assert all(user in told[agent] for user, its in told.items() for agent in its)
    assert served("users", status="tobedeleted")


# The law: a bulk load of how things stand serves what any history of bulk and deltas that led there serves.
PEOPLE = "abcde"
ORGS = ("o1", "o2", "o3")
ROLES = ("student", "parent", "teacher")


@dataclass
class World:
    """How things stand in a SIS: who is there, whom each names, which roles each has, and which org is under which."""

    told: dict[str, tuple[str, ...]] = field(default_factory=dict)
    roles: dict[str, tuple[str, ...]] = field(default_factory=dict)  # of everyone who ever was there
    parents: dict[str, str] = field(default_factory=dict)

    def tables(self) -> dict[str, list[dict[str, str]]]:
        return {
            "orgs": [ORG, *map(self.org, self.parents)],
            "users": [self.user(user) for user in self.told],
            "roles": [row for user in self.told for row in self.role_rows(user)],
        }

    def user(self, user: str) -> dict[str, str]:
        return {"sourcedId": user, "enabledUser": "true", "username": user, "givenName": user, "familyName": "X",
                "agentSourcedIds": ",".join(self.told[user])}  # fmt: skip

    def org(self, org: str) -> dict[str, str]:
        return {"sourcedId": org, "name": org, "type": "local", "parentSourcedId": self.parents[org]}

    def role_rows(self, user: str) -> list[dict[str, str]]:
        return [self.role_row(user, role) for role in self.roles.get(user, ())]

    def role_row(self, user: str, role: str) -> dict[str, str]:
        return {
            "sourcedId": f"{user}-{role}",
            "userSourcedId": user,
            "roleType": "primary",
            "role": role,
            "orgSourcedId": "s",
        }


AGENTS = st.lists(st.sampled_from(PEOPLE), max_size=3, unique=True).map(tuple)
SOME_ROLES = st.lists(st.sampled_from(ROLES), max_size=2, unique=True).map(tuple)
PARENTS = st.sampled_from(("", "s", *ORGS))
WORLDS = st.builds(
    World,
    st.dictionaries(st.sampled_from(PEOPLE), AGENTS, min_size=1),
    st.fixed_dictionaries(dict.fromkeys(PEOPLE, SOME_ROLES)),
    st.dictionaries(st.sampled_from(ORGS), PARENTS),
)
# One change: of whom, whether the person is there, whom it names (None: its row does not come), its roles (None: nor do theirs).
CHANGES = st.tuples(st.sampled_from(PEOPLE), st.booleans(), st.none() | AGENTS, st.none() | SOME_ROLES)
SOME_CHANGES = st.lists(CHANGES, max_size=3, unique_by=lambda one: one[0])
DELTAS = st.lists(
    st.tuples(SOME_CHANGES, st.dictionaries(st.sampled_from(ORGS), PARENTS, max_size=2)), max_size=4
)
Change = tuple[str, bool, tuple[str, ...] | None, tuple[str, ...] | None]


def moved(world: World, changes: list[Change], parents: dict[str, str]) -> Sample | None:
    """Changes the world, and gives the delta that tells of it."""
    rows: dict[str, list[dict[str, str]]] = {"orgs": [], "users": [], "roles": []}
    left: dict[str, set[str]] = {"users": set(), "roles": set()}
    for user, there, names, roles in changes:
        if not there and user in world.told:
            rows["users"].append(world.user(user))
            left["users"].add(user)
            del world.told[user]
        elif there and names is not None:
            world.told[user] = names
            rows["users"].append(world.user(user))
        if roles is not None:
            gone = set(world.roles.get(user, ())) - set(roles)
            rows["roles"] += [world.role_row(user, role) for role in (*gone, *roles)]
            left["roles"] |= {f"{user}-{role}" for role in gone}
            world.roles[user] = roles
    world.parents |= parents
    rows["orgs"] = [world.org(org) for org in parents]
    if not any(rows.values()):
        return None
    made = made_of("1.2", rows).as_delta()
    for table, its in left.items():
        for number, row in enumerate(made.files.get(table, [[]])[1:], 2):
            if row[0] in its:
                made.put(table, number, "status", "tobedeleted")
    return made


def in_any_order(said: dict[str, dict[str, Json]]) -> dict[str, dict[str, Json]]:
    """Roles have no order, and 1.1 makes one of them its word."""
    for user in said["users"].values():
        for many in ("roles", "orgs"):
            user[many] = sorted(user.get(many, []), key=str)
    return said


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@settings(max_examples=60)
@given(WORLDS, DELTAS)
def test_a_bulk_load_serves_what_any_history_that_led_there_serves(
    tmp_path_factory: pytest.TempPathFactory, world: World, deltas: list[tuple[list[Change], dict[str, str]]]
) -> None:
    tmp_path = tmp_path_factory.mktemp("law")
    taken(made_of("1.2", world.tables()), tmp_path, replace=True)
    # Roles of those who are not there were told of nobody.
    world.roles = {user: roles for user, roles in world.roles.items() if user in world.told}
    for changes, parents in deltas:
        made = moved(world, changes, parents)
        if made is not None:
            taken(made, tmp_path, LATER)
    for version in ("1.1", "1.2"):
        history = in_any_order(everything(version))
        taken(made_of("1.2", world.tables()), tmp_path, LATER)
        assert in_any_order(everything(version)) == history
        taken(made_of("1.2", world.tables()), tmp_path, LATER, replace=True)
        assert in_any_order(everything(version)) == history
