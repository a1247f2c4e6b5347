"""A real mail server, to which the school app sends."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.postbox import Postbox, postbox


@pytest.fixture
def mails(settings: Any) -> Iterator[Postbox]:
    """What was delivered."""
    with postbox() as (box, port):
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
        yield box
