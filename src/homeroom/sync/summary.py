"""A run in words: its subject line and its mail, from plain counts. No names of people, whoever reads the mail."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

ACTIONS = ("add", "update", "archive", "restore", "relink", "skip")
_DONE = {"add": "added", "update": "updated", "archive": "archived", "restore": "restored", "skip": "skipped"}
_DONE["relink"] = "relinked to new ids"


@dataclass(frozen=True, slots=True)
class ProblemCount:
    """Problems of one cause: how many, what it is, who cures it how."""

    count: int
    message: str
    cure: str


@dataclass(frozen=True, slots=True)
class Report:
    """What a mail tells about one school of a run."""

    school: str
    state: str  # done, held, failed, planned
    counts: dict[str, int]
    link: str
    held: Sequence[str] = ()
    waiting: Mapping[str, int] = field(default_factory=dict)  # of the counts, those that wait for a person
    incomplete_because: str = ""
    causes: Sequence[str] = ()  # what a reading that is not complete looks like, and what to do
    failure: str = ""
    cure: str = ""
    problems: Sequence[ProblemCount] = ()
    read: Sequence[str] = ()
    settings_changed: Sequence[str] = field(default_factory=tuple)


def subject(report: Report) -> str:
    """The mail's subject: what it is and whether somebody must act."""
    if report.state == "failed":
        return f"[Action needed] {report.school}: the sync did not run"
    if report.held and report.counts.get("relink"):
        return f"[Action needed] {report.school}: {report.counts['relink']:,} people have new ids in the SIS"
    if report.held:
        return f"[Action needed] {report.school}: {_waiting(report)} held"
    return f"[OK] {report.school}: {in_words(report.counts)}"


def _waiting(report: Report) -> str:
    names = {"add": "addition", "update": "update", "archive": "removal"}
    said = [
        f"{count:,} {names[action]}{'' if count == 1 else 's'}"
        for action, count in report.waiting.items()
        if action in names and count
    ]
    return " and ".join(said) or "changes"


def in_words(counts: dict[str, int]) -> str:
    """14 added, 37 updated; or that nothing changed."""
    said = [f"{counts[action]:,} {_DONE[action]}" for action in ACTIONS[:5] if counts.get(action)]
    return ", ".join(said) if said else "nothing changed"


def body(report: Report) -> list[tuple[str, list[str]]]:
    """The mail's sections, each a heading and its lines, in the order of importance; empty ones are left out."""
    sections = [
        ("What you must do", _to_do(report)),
        ("What the sync did", _counts(report)),
        ("Problems, and who can cure them", [f"{p.count} × {p.message} → {p.cure}" for p in report.problems]),
        ("What was read", list(report.read)),
        ("Settings changed since the last run", list(report.settings_changed)),
        ("Look at it", [report.link]),
    ]
    return [(heading, lines) for heading, lines in sections if lines]


def read(proof: Mapping[str, Any]) -> str:
    """The proof of one collection, an `Evidence` as plain values, in a line: what was claimed, what came, at what cost."""
    claimed = proof.get("claimed")
    came = f"{proof['received']:,}" + (f" of {claimed:,}" if claimed is not None else " (no total claimed)")
    cost = f"{proof['pages']:,} pages, {proof['requests']:,} requests, {proof['retries']:,} retries"
    more = [f"attempt {proof['attempts']}"] if proof.get("attempts", 1) > 1 else []
    more += [f"revision {proof['revision']}"] if proof.get("revision") else []
    more += [f"checksum {proof['checksum']}"] if proof.get("checksum") else []
    return f"{proof['collection']}: {came}; {'; '.join([cost, *more])}"


def _to_do(report: Report) -> list[str]:
    if report.failure:
        return [report.failure, report.cure]
    lines = list(report.held)
    if report.incomplete_because:
        lines.append(f"The reading was not complete: {report.incomplete_because}. Nobody was archived.")
        lines += report.causes
    return lines or ["Nothing."]


def _counts(report: Report) -> list[str]:
    if report.failure:
        return ["Nothing was changed."]
    done = {action: report.counts.get(action, 0) - report.waiting.get(action, 0) for action in ACTIONS}
    lines = [f"{done[action]:,} {_DONE[action]}" for action in ACTIONS if done[action] > 0]
    lines += [
        f"{report.waiting[action]:,} to be {_DONE[action]} (held)"
        for action in ACTIONS
        if report.waiting.get(action)
    ]
    return [*lines, f"{report.counts.get('unchanged', 0):,} unchanged"]


def plain(report: Report) -> str:
    """The mail as plain text."""
    blocks = [f"{heading}\n" + "\n".join(f"  {line}" for line in lines) for heading, lines in body(report)]
    return "\n\n".join([subject(report), *blocks]) + "\n"
