"""The documents say what the code does."""

import re
from pathlib import Path

import pytest

from homeroom.sis.rehearsal.dialects import DIALECTS
from homeroom.sis.rehearsal.faults import FAULTS
from tests.documents import DOCS, PAGES, commands

ROOT = DOCS.parent
PROSE = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted(DOCS.rglob("*.md"))]


@pytest.mark.parametrize("name", PAGES)
def test_a_page_made_from_the_code_is_up_to_date(name: str) -> None:
    assert (DOCS / name).read_text() == PAGES[name](), "run: make docs"


def test_every_setting_in_the_code_is_in_the_docs_and_the_other_way_round() -> None:
    pattern = re.compile(r"os\.environ(?:\.get)?[(\[]\s*\"([A-Z_]+)\"|\(\"((?:HOMEROOM_SIS_)?DATABASE_URL)\"")
    used = {
        name
        for path in (ROOT / "src").rglob("*.py")
        for pair in pattern.findall(path.read_text())
        for name in pair
        if name
    }
    told = set(re.findall(r"^\| `([A-Z_]+)`", (DOCS / "settings.md").read_text(), re.MULTILINE))
    assert used - {"DJANGO_SETTINGS_MODULE"} == told


@pytest.mark.parametrize("path", PROSE, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", path.read_text()):
        if "://" not in target:
            assert (path.parent / target).exists(), target


@pytest.mark.parametrize("path", PROSE, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_command_named_is_one(path: Path) -> None:
    known = {" ".join(words[1:]) for words, _ in commands()}
    first = {name.split()[0] for name in known}
    for said in re.findall(r"`(?:\.venv/bin/)?homeroom ([a-z ]+?)(?: [A-Z\[<\"-].*?)?`", path.read_text()):
        words = said.split()
        assert words[0] in first, said
        assert (
            said.strip() in known or any(name.startswith(said.strip()) for name in known) or words[0] in known
        ), said


def test_every_make_target_named_is_one() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for path in PROSE:
        assert set(re.findall(r"(?:`|^    )make ([a-z]+)", path.read_text(), re.MULTILINE)) <= targets


def test_every_switch_of_a_rehearsal_is_explained() -> None:
    told = set(re.findall(r"`([a-z_0-9]+)`", (DOCS / "rehearsal.md").read_text()))
    assert DIALECTS.keys() | FAULTS.keys() <= told
