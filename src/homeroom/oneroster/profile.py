"""The dialect profile: what a server really is, as it was found and learnt. Plain enough to be stored as JSON."""

from dataclasses import asdict, dataclass
from typing import Any

import msgspec


@dataclass(frozen=True, slots=True)
class Profile:
    """How to speak to one server. `auth` is oauth2, oauth1-sha256, oauth1-sha1 or bearer.

    `max_limit` is the page size to ask for, `clamped` whether the server cuts larger pages without a word, `cookies` whether
    those of the token reply go with every call. `learnt_at` is ISO time, `learnt_by` what made us look.
    """

    version: str
    base_url: str
    auth: str = "oauth2"
    token_url: str = ""
    token_style: str = "basic"  # noqa: S105 # the manner of asking, no secret
    cookies: bool = False
    max_limit: int = 1000
    clamped: bool = False
    total_count: bool = False
    link: bool = False
    keyset: bool = False
    school_endpoint: bool = False
    learnt_at: str = ""
    learnt_by: str = ""

    def to_json(self) -> dict[str, Any]:
        """The profile as plain values."""
        return asdict(self)

    @classmethod
    def from_json(cls, said: dict[str, Any]) -> "Profile | None":
        """The profile again; None when what was stored is not one."""
        try:
            found = msgspec.convert(said, cls)
        except msgspec.ValidationError:
            return None
        return found if found.base_url and found.max_limit > 0 else None
