"""A real SMTP server for tests, which keeps what it is given."""

from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.message import Message
from email.policy import default
from typing import Any

from aiosmtpd.controller import Controller

from tests.ports import free_port


class Postbox:
    """What was delivered: the mails, in order."""

    def __init__(self) -> None:
        self.mails: list[Message] = []
        self.refuse = False

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 # aiosmtpd's name
        if self.refuse:
            return "451 not now"
        self.mails.append(message_from_bytes(envelope.content, policy=default))
        return "250 kept"


@contextmanager
def postbox() -> Iterator[tuple[Postbox, int]]:
    """A server on a free port."""
    box, port = Postbox(), free_port()
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield box, port
    finally:
        controller.stop()
