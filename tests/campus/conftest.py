"""A world of invented people on a real database."""

import pytest

from tests.campus.world import EVERYTHING, World


@pytest.fixture
def world(transactional_db: None) -> World:
    """Everything off, as a school begins."""
    return World()


@pytest.fixture
def trusting(world: World) -> World:
    """Everything on, as after a term of good syncs."""
    world.configure(*EVERYTHING, "parents=on")
    world.configure(*EVERYTHING, "parents=on", school=world.oakwood)
    return world
