"""The standard's error bodies: what a server says when it refuses, in the shape of the version, and reading them.

Source: `imsx_StatusInfo` of the 1.2 OpenAPI; 1.1 as implementers send it (`statusInfoSet`).
"""

import json
from dataclasses import dataclass
from typing import Any

from homeroom.oneroster.endpoints import V1P1

# 1.2 joins the words of a code, 1.1 spells some of them with spaces.
_SPELLED_1P1 = {
    "unauthorisedrequest": "unauthorized",
    "unknownobject": "unknown object",
    "invaliddata": "invalid data",
}


class Refusal(Exception):
    """A request that is answered with an error: HTTP status, the standard's minor code (1.2 spelling), a sentence."""

    def __init__(
        self, status: int, code: str, description: str, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(description)
        self.status, self.code, self.description = status, code, description
        self.headers = headers or {}


@dataclass(frozen=True, slots=True)
class StatusInfo:
    """What an error body said, whatever its shape."""

    code: str
    description: str


def body(version: str, code: str, description: str, severity: str = "error") -> bytes:
    """The error body of a version, JSON."""
    return json.dumps(status_info(version, code, description, severity)).encode()


def status_info(version: str, code: str, description: str, severity: str = "error") -> dict[str, Any]:
    """The error body of a version as plain data."""
    major = "success" if severity == "warning" else "failure"
    if version == V1P1:
        entry = {
            "imsx_codeMajor": major,
            "imsx_severity": severity,
            "imsx_codeMinor": _SPELLED_1P1.get(code, code),
            "imsx_description": description,
        }
        return {"statusInfoSet": [entry]}
    return {
        "imsx_codeMajor": major,
        "imsx_severity": severity,
        "imsx_description": description,
        "imsx_CodeMinor": {
            "imsx_codeMinorField": [
                {"imsx_codeMinorFieldName": "TargetEndSystem", "imsx_codeMinorFieldValue": code}
            ]
        },
    }


def read(content: bytes) -> StatusInfo:
    """What an error body says, leniently; empty texts when it says nothing that we know. Never raises."""
    try:
        said = json.loads(content[:100_000])
    except ValueError:
        return StatusInfo("", "")
    for wrapper in ("statusInfoSet", "errors", "imsx_statusInfo", "imsx_StatusInfo"):
        if isinstance(said, dict) and wrapper in said:
            said = said[wrapper]
    if isinstance(said, list):
        said = said[0] if said else {}
    if not isinstance(said, dict):
        return StatusInfo("", "")
    return StatusInfo(
        _code(said), str(said.get("imsx_description") or said.get("error_description") or "")[:300]
    )


def _code(said: dict[str, Any]) -> str:
    minor = said.get("imsx_CodeMinor") or said.get("imsx_codeMinor") or said.get("error") or ""
    if isinstance(minor, dict):
        fields = minor.get("imsx_codeMinorField") or [{}]
        minor = fields[0].get("imsx_codeMinorFieldValue", "") if isinstance(fields, list) and fields else ""
    return str(minor)
