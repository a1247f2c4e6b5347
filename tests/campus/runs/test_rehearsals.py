"""Full syncs through the school app against the SIS side's rehearsals, over real HTTP: every dialect, every fault."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from homeroom.campus.people.models import Contact, Membership, Person
from homeroom.campus.runs.by_hand import decide
from homeroom.campus.runs.models import Change, Run
from homeroom.campus.runs.start import make_run
from homeroom.campus.runs.sync import carry_out
from homeroom.oneroster.bounds import Bounds
from homeroom.oneroster.exchange import Exchange
from homeroom.sis.rehearsal import dialects, faults
from homeroom.sync.sources.rest import RestSettings, RestSource
from tests.campus.world import World
from tests.conftest import SisSite
from tests.wire.rehearsed import DIALECTS, FAULTS

pytestmark = pytest.mark.slow


@dataclass
class Rehearsing:
    """A secured user of the SIS side whose rehearsals disturb nobody else."""

    site: SisSite
    key: str
    secret: str

    def __call__(self, *switches: str) -> dict[str, Any]:
        said = self.site.program(
            "sis", "rehearse", "Rehearsing", *switches, "--json", HOMEROOM_SIS_URL=self.site.address
        )
        assert said.status == 0, said.err
        return dict(said.json)

    def source(self, said: dict[str, Any], profile: Any = None) -> RestSource:
        settings = RestSettings(said["oneroster_url"], self.key, self.secret, said["token_url"] or "")
        exchange = Exchange(sleep=lambda _: None, bounds=Bounds(silent_seconds=0.7))
        return RestSource(settings, profile, exchange)


@pytest.fixture(scope="module")
def rehearsing(sis_site: SisSite) -> Iterator[Rehearsing]:
    sis_site.program("sis", "user", "add", "Rehearsing")
    key = sis_site.program("sis", "key", "new", "Rehearsing", "--json").json
    yield Rehearsing(sis_site, key["key"], key["secret"])
    sis_site.program("sis", "user", "deactivate", "Rehearsing")


def connected(world: World, source: RestSource) -> None:
    """Lincoln High is the first school that the SIS lists; every switch is on."""
    school = min((org for org in source.orgs() if org.type == "school"), key=lambda org: org.sourced_id)
    world.link(world.oakwood).delete()
    link = world.link()
    link.org, link.org_name = school.sourced_id, school.name
    link.save()


def night(world: World, source: RestSource) -> Run:
    return carry_out(make_run(world.link().connection, "nightly", None), source, clock=world.clock)


def active() -> set[tuple[int, str]]:
    return set(Membership.objects.filter(ended_at=None).values_list("person_id", "group"))


def test_every_switch_of_the_sis_side_has_an_outcome_here() -> None:
    assert set(faults.FAULTS) <= set(FAULTS)
    assert set(dialects.DIALECTS) <= set(DIALECTS)


def test_no_fault_archives_anybody(trusting: World, rehearsing: Rehearsing) -> None:
    first = rehearsing.source(rehearsing("--stop"))
    connected(trusting, first)
    assert night(trusting, first).complete
    before = active()
    assert len(before) > 30
    assert first.profile is not None
    profile = replace(first.profile, max_limit=40, keyset=False)  # several pages, by position
    for name in (name for name in FAULTS if name in faults.FAULTS):
        said = rehearsing("--fault", name, "--seconds", "1", "--school", trusting.link().org)
        run, outcome = night(trusting, rehearsing.source(said, profile)), FAULTS[name]
        why = name, run.message, run.incomplete_because, run.counts
        state = "failed" if outcome.failed else "held" if outcome.held else "done"
        assert (run.complete, run.state) == (outcome.complete, state), why
        assert outcome.why in run.message + run.incomplete_because, why
        assert before <= active(), why
        assert not Change.objects.filter(run=run, action="archive", state="applied").exists(), why


def test_a_rekey_of_all_ids_is_one_decision_from_end_to_end(trusting: World, rehearsing: Rehearsing) -> None:
    first = rehearsing.source(rehearsing("--stop"))
    connected(trusting, first)
    night(trusting, first)
    before, people, contacts = active(), Person.objects.count(), Contact.objects.count()
    old = trusting.link().org
    rekeyed = rehearsing("--fault", "rekeyed")
    run = night(trusting, rehearsing.source(rekeyed))
    assert (run.state, run.counts["relink"], active()) == ("held", people, before), run.incomplete_because
    decide.approve(run, None, trusting.clock)
    assert trusting.link().org != old
    again = night(trusting, rehearsing.source(rekeyed))
    assert (again.state, again.complete, active()) == ("done", True, before), again.incomplete_because
    assert not Change.objects.filter(run=again).exclude(action="skip").exists()
    decide.undo(run, None, trusting.clock)
    back = night(trusting, rehearsing.source(rehearsing("--stop")))
    assert (back.state, back.complete, active()) == ("done", True, before), back.incomplete_because
    assert (Person.objects.count(), Contact.objects.count()) == (people, contacts)


@pytest.fixture
def nameless(rehearsing: Rehearsing) -> Iterator[Callable[..., None]]:
    """Narrows what the secured user is shown, for the test."""

    def share(*words: str) -> None:
        said = rehearsing.site.program("sis", "user", "share", "Rehearsing", *words)
        assert said.status == 0, said.err

    yield share
    share("--everything")


def test_a_rekey_of_people_who_have_names_and_birth_dates_alone(
    trusting: World, rehearsing: Rehearsing, nameless: Callable[..., None]
) -> None:
    hidden = [word for name in ("identifier", "userIds", "email") for word in ("--hide", f"users.{name}")]
    nameless(*hidden, "--group", "students")
    first = rehearsing.source(rehearsing("--stop"))
    connected(trusting, first)
    trusting.configure("births=on")
    assert night(trusting, first).complete
    before = active()
    assert not Person.objects.exclude(number="", email="").exists()
    rekeyed = rehearsing("--fault", "rekeyed")
    run = night(trusting, rehearsing.source(rekeyed))
    assert (run.state, run.counts["relink"], active()) == ("held", len(before), before), (
        run.incomplete_because
    )
    assert run.rekeys.get().born == len(before)
    decide.approve(run, None, trusting.clock)
    again = night(trusting, rehearsing.source(rekeyed))
    assert (again.state, again.complete, active()) == ("done", True, before), again.incomplete_because


def test_birth_dates_that_the_district_does_not_share_cost_nothing_else(
    trusting: World, rehearsing: Rehearsing, nameless: Callable[..., None]
) -> None:
    nameless("--hide", "demographics.birthDate")
    source = rehearsing.source(rehearsing("--stop"))
    connected(trusting, source)
    trusting.configure("births=on")
    run = night(trusting, source)
    assert (run.state, run.complete) == ("done", True)
    assert len(active()) > 30
    assert run.problems.filter(code="births_not_served").exists()
    assert not trusting.connection.records.exclude(birth=None).exists()


@pytest.mark.parametrize("name", [name for name in DIALECTS if name in dialects.DIALECTS])
def test_a_dialect_is_read_to_its_end_and_again_without_a_change(
    name: str, trusting: World, rehearsing: Rehearsing
) -> None:
    said = rehearsing("--dialect", name)
    source = rehearsing.source(said)
    connected(trusting, source)
    run = night(trusting, source)
    assert (run.state, run.complete) == ("done", True), (run.message, run.incomplete_because)
    assert len(active()) > 30
    before = active()
    again = night(trusting, rehearsing.source(said, source.profile))
    assert (again.complete, active()) == (True, before), again.incomplete_because
    assert not Change.objects.filter(run=again).exclude(action="skip").exists()
