"""Commands in this very process, on the tests' own database: for what takes many nights, which a fake SIS gives."""

import os
import sys
from collections.abc import Callable

import pytest

from homeroom.cli.main import _guarded
from tests.campus.world import EVERYTHING, World
from tests.program import Said

Command = Callable[..., Said]


@pytest.fixture
def trusting(transactional_db: None) -> World:
    """Two schools with everything on, as after a term of good syncs."""
    world = World()
    for school in (world.lincoln, world.oakwood):
        world.configure(*EVERYTHING, school=school)
    return world


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """`homeroom` with these words: its status and what it said. A command sets its site up, which is so already; what it says of
    it to its process is taken back."""
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", os.environ["DJANGO_SETTINGS_MODULE"])

    def run(*words: object) -> Said:
        monkeypatch.setattr(sys, "argv", ["homeroom", *map(str, words)])
        capsys.readouterr()
        status = _guarded()
        told = capsys.readouterr()
        return Said(status, told.out, told.err)

    return run
