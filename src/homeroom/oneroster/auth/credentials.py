"""Key and secret of one connection, in the one shape in which they travel through the program."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Credentials:
    """Key and secret, or a bearer token as secret. Never printed."""

    key: str = field(repr=False)
    secret: str = field(repr=False)
