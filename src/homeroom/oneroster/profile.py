"""The dialect profile: what a server really is, as Test Connection found it. Plain enough to be stored as JSON."""

from dataclasses import asdict, dataclass, fields
from typing import Any


@dataclass(frozen=True, slots=True)
class Profile:
    """How to speak to one server. `auth` is oauth2, oauth1-sha256, oauth1-sha1 or bearer."""

    version: str
    base_url: str
    auth: str = "oauth2"
    token_url: str = ""
    token_style: str = "basic"  # noqa: S105 # the manner of asking, no secret
    max_limit: int = 1000
    total_count: bool = False
    link: bool = False
    keyset: bool = False
    school_endpoint: bool = False

    def to_json(self) -> dict[str, Any]:
        """The profile as plain values."""
        return asdict(self)

    @classmethod
    def from_json(cls, said: dict[str, Any]) -> "Profile | None":
        """The profile again; None when what was stored is not one."""
        known = {field.name: said[field.name] for field in fields(cls) if field.name in said}
        return cls(**known) if {"version", "base_url"} <= known.keys() else None
