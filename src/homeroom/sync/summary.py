"""A run in words: its subject line and its mail, from plain counts. No names of people, whoever reads the mail."""

from collections.abc import Sequence
from dataclasses import dataclass, field

ACTIONS = ("add", "update", "archive", "restore", "skip")
_DONE = {"add": "added", "update": "updated", "archive": "archived", "restore": "restored", "skip": "skipped"}


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
    incomplete_because: str = ""
    failure: str = ""
    cure: str = ""
    problems: Sequence[ProblemCount] = ()
    settings_changed: Sequence[str] = field(default_factory=tuple)


def subject(report: Report) -> str:
    """The mail's subject: what it is and whether somebody must act."""
    if report.state == "failed":
        return f"[Action needed] {report.school}: the sync did not run"
    if report.held:
        return f"[Action needed] {report.school}: {report.counts.get('archive', 0)} removals held"
    return f"[OK] {report.school}: {in_words(report.counts)}"


def in_words(counts: dict[str, int]) -> str:
    """14 added, 37 updated; or that nothing changed."""
    said = [f"{counts[action]:,} {_DONE[action]}" for action in ACTIONS[:4] if counts.get(action)]
    return ", ".join(said) if said else "nothing changed"


def body(report: Report) -> list[tuple[str, list[str]]]:
    """The mail's sections, each a heading and its lines, in the order of importance; empty ones are left out."""
    sections = [
        ("What you must do", _to_do(report)),
        ("What the sync did", _counts(report)),
        ("Problems, and who can cure them", [f"{p.count} × {p.message} → {p.cure}" for p in report.problems]),
        ("Settings changed since the last run", list(report.settings_changed)),
        ("Look at it", [report.link]),
    ]
    return [(heading, lines) for heading, lines in sections if lines]


def _to_do(report: Report) -> list[str]:
    if report.failure:
        return [report.failure, report.cure]
    lines = list(report.held)
    if report.incomplete_because:
        lines.append(f"The reading was not complete: {report.incomplete_because}. Nobody was archived.")
    return lines or ["Nothing."]


def _counts(report: Report) -> list[str]:
    if report.failure:
        return ["Nothing was changed."]
    lines = [f"{report.counts[action]:,} {_DONE[action]}" for action in ACTIONS if report.counts.get(action)]
    if report.held and report.counts.get("archive"):
        lines = [f"{line} (held)" if line.endswith("archived") else line for line in lines]
    return [*lines, f"{report.counts.get('unchanged', 0):,} unchanged"]


def plain(report: Report) -> str:
    """The mail as plain text."""
    blocks = [f"{heading}\n" + "\n".join(f"  {line}" for line in lines) for heading, lines in body(report)]
    return "\n\n".join([subject(report), *blocks]) + "\n"
