"""What every test may use. Real parts are started here: the database by the settings, servers by the fixtures that need them."""

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("homeroom", deadline=None, suppress_health_check=list(HealthCheck), max_examples=60)
settings.load_profile("homeroom")


@pytest.fixture
def sis_urls(settings: object) -> None:
    """Pages of the SIS side in place of the school app's."""
    settings.ROOT_URLCONF = "homeroom.sis.urls"  # type: ignore[attr-defined]
    settings.NAVIGATION = "sis/navigation.html"  # type: ignore[attr-defined]
