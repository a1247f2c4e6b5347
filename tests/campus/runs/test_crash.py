"""kill -9 at chance moments of nights, approvals and undos, over and over in one district: what must be true is true after
each kill, before anybody takes up what was left, and after.

A few kills in every run of the tests; many: HOMEROOM_KILLS=300 pytest tests/campus/runs/test_crash.py -s
"""

import os
import random
import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from homeroom.campus.connections.models import Connection
from homeroom.campus.runs.by_hand.decide import CannotDecide, approve, undo
from homeroom.campus.runs.by_hand.second import SecondNeeded
from homeroom.campus.runs.models import Change, Mail, Run, Staged
from homeroom.campus.runs.start import make_run, unfinished
from homeroom.campus.runs.sync import carry_out
from tests.campus.runs import laws
from tests.campus.runs.districts import OWNERS_ACTS, SIS_CHANGES, Owners, Sis
from tests.campus.runs.dying import killed_after, killed_at, patiently
from tests.campus.world import World
from tests.invented import Told
from tests.postbox import Postbox

pytestmark = [pytest.mark.slow, pytest.mark.timeout(0)]  # many kills take hours, and say how far they are
KILLS = int(os.environ.get("HOMEROOM_KILLS", "10"))
SEED = int(os.environ.get("HOMEROOM_SEED", "1"))
TOLD = 25  # after so many kills it says how many
MOST_STATEMENTS = 130
QUIET = [act for act in OWNERS_ACTS if act is not Owners.set]


class Crashing:
    """A district in which every piece of work may be cut off anywhere."""

    def __init__(self, world: World, chance: random.Random) -> None:
        self.world, self.chance = world, chance
        self.sis, self.owners = Sis("crash"), Owners(world)
        self.seconds = 0.3  # that a night takes
        self.kills: Counter[str] = Counter()
        for _ in range(6):
            self.sis.students_arrive(chance.randrange(2), 3)

    def _do(self, choices: list[Callable[[Any, int, int], None]], whose: Any, times: int) -> None:
        for _ in range(times):
            self.chance.choice(choices)(whose, self.chance.randrange(100), self.chance.randrange(100))

    def day(self) -> None:
        """Some of everything, in the SIS and by hand."""
        self._do(SIS_CHANGES, self.sis, self.chance.randrange(1, 5))
        self._do(QUIET, self.owners, self.chance.randrange(2))
        self.world.configure(f"hold.count={self.chance.choice([0, 25])}", "hold.percent=100")

    def connection(self) -> Connection:
        return Connection.objects.get(pk=self.world.connection.pk)

    def source(self) -> Told:
        return Told(
            list(self.sis.people.values()), trouble=self.chance.choice(["", "", "the data revision moved"])
        )

    def work(self) -> tuple[str, Callable[[], Any]]:
        """What is begun next: mostly a night, else a decision or an undo, where there is one to be made."""
        now, chance = self.owners.moment(), self.chance.random()
        runs = Run.objects.filter(connection=self.world.connection).order_by("-id")
        held, done = runs.filter(state="held").first(), runs.filter(state="done", undoes=None).first()
        if held is not None and chance < 0.5:
            return "approval", lambda: _tolerantly(lambda: approve(held, self.owners.account, lambda: now))
        if done is not None and chance < 0.65:
            return "undo", lambda: _tolerantly(lambda: undo(done, self.owners.account, lambda: now))
        run, source = make_run(self.connection(), "nightly", None), self.source()
        return "night", lambda: carry_out(run, source, clock=lambda: now)

    def kill(self) -> bool:
        """Begins something and kills it. False: it was faster."""
        what, work = self.work()
        if self.chance.random() < 0.5:
            died = killed_at(self.chance.randrange(MOST_STATEMENTS), work)
        else:
            died = killed_after(self.chance.uniform(0, self.seconds), work)
        self.kills[what] += died
        return died

    def finish(self) -> None:
        """What the next start of any kind does: takes up what was left; then a night of its own."""
        begun = time.monotonic()
        while run := unfinished(self.connection()):
            source = self.source()
            patiently(lambda run=run, source=source: carry_out(run, source, clock=self.owners.moment))
        run = make_run(self.connection(), "nightly", None)
        carry_out(run, Told(list(self.sis.people.values())), clock=self.owners.moment)
        self.seconds = time.monotonic() - begun

    def tell(self, box: Postbox) -> None:
        """How many kills there were so far, without a breach."""
        told = f"{self.kills.total()} kills: {dict(self.kills)}; {len(box.mails)} mails, none twice\n"
        sys.stderr.write(told)


def _tolerantly(work: Callable[[], Any]) -> None:
    try:
        work()
    except (CannotDecide, SecondNeeded):
        return  # chance asked for what cannot be


def check_the_half(life: Crashing, before: laws.Directory) -> None:
    """What must be true of a directory whose sync lies dead in the middle."""
    now = laws.look(life.world)
    laws.nobody_is_lost(before, now)
    laws.check_history(life.world, life.owners.born)
    dead = Run.objects.filter(connection=life.world.connection).order_by("-id").first()
    gone = Change.objects.filter(action="archive", state="applied", run=dead, run__undoes=None)
    assert dead is None or dead.complete or not gone.exists(), "archived without proof"


def check_the_whole(life: Crashing, before: laws.Directory, box: Postbox) -> None:
    """What must be true when everything that was cut off has been finished."""
    world, now = life.world, laws.look(life.world)
    laws.nobody_is_lost(before, now)
    laws.links_stay(before, now, laws.relinked_ever(world))
    laws.nobody_merged_comes_back(now)
    laws.check_history(world, life.owners.born)
    run = Run.objects.filter(connection=world.connection).latest("id")
    laws.roster_is_reached(world, life.sis.people.values(), now, run)
    assert not Change.objects.filter(district=world.district, state="planned").exists()
    assert not Staged.objects.exists()
    assert not Run.objects.filter(connection=world.connection, state__in=("queued", "running")).exists()
    newborn = Counter(
        Change.objects.filter(new=True, subject="person", state__in=("applied", "undone")).values_list(
            "subject_id", flat=True
        )
    )
    assert set(newborn) == now.people.keys() - life.owners.born.people.keys(), (
        "somebody came without a row, or twice"
    )
    assert max(newborn.values(), default=1) == 1
    sent = Counter(f"{mail['to']} {mail.get_body(('plain',))}" for mail in box.mails)  # type: ignore[attr-defined]
    assert max(sent.values(), default=1) == 1, "a mail came twice"
    assert len(box.mails) <= Mail.objects.exclude(claimed_at=None).count()


def test_killed_at_any_moment_nothing_is_lost_or_doubled(trusting: World, mails: Postbox) -> None:
    trusting.configure("notify=owner@lincoln.example")
    life = Crashing(trusting, random.Random(SEED))
    life.finish()
    while life.kills.total() < KILLS:
        life.day()
        before = laws.look(trusting)
        died = life.kill()
        check_the_half(life, before)
        if died and life.chance.random() < 0.2:
            life._do(QUIET, life.owners, 1)  # somebody edits while it lies there
        before = laws.look(trusting)
        life.finish()
        check_the_whole(life, before, mails)
        if died and life.kills.total() % TOLD == 0:
            life.tell(mails)
    life.tell(mails)
