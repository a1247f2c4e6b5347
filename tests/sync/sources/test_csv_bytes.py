"""Files of a CSV set as whatever bytes: none crashes the source, and none makes a reading complete that has not everybody."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeroom.oneroster.endpoints import V1P1, V1P2
from homeroom.sync.reading import SourceFailed
from homeroom.sync.sources.csv_set import CsvSource
from homeroom.sync.sources.places import Folder
from tests.sync.sources.ways import AT_ONCE, District, district, files_of, lying, zipped


@pytest.fixture(scope="module", params=[V1P1, V1P2])
def files(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """A small whole set. Everybody in it is named elsewhere too: students where they are enrolled, guardians are few."""
    few = district()
    students = [one for one in few.users if one.roles[0].role == "student"][:8]
    return files_of(District(few.orgs, tuple(students)), request.param, tmp_path_factory.mktemp("whole"))


def read(folder: Path) -> tuple[bool, set[str], str]:
    """Whether a set proves that it is whole, whom it has, and why not."""
    source = CsvSource(Folder(folder), patience=AT_ONCE)
    try:
        orgs = source.orgs()
        people = [record for page in source.people() for record in page]
    except SourceFailed as failed:
        assert failed.cure
        return False, set(), str(failed)
    found = {
        person.sourced_id
        for record in people
        if (person := source.parse(record)[0]) is not None and person.roles
    }
    complete = all(proof.complete for proof in source.evidence.values())
    assert complete or any(proof.trouble or not proof.finished for proof in source.evidence.values())
    trouble = "; ".join(proof.trouble for proof in source.evidence.values())
    return complete and bool(orgs), found, trouble


def changed(files: dict[str, bytes], name: str, change: Callable[[bytes], bytes], folder: Path) -> Path:
    for old in folder.iterdir() if folder.exists() else ():
        old.unlink()
    return lying({**files, name: change(files[name])}, folder)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["users.csv", "roles.csv"])
def test_a_file_cut_anywhere_never_passes_for_whole(
    files: dict[str, bytes], name: str, tmp_path: Path
) -> None:
    if name not in files:
        pytest.skip("1.1 has no roles.csv")
    everybody = read(lying(files, tmp_path / "whole"))
    assert everybody[0], everybody[2]
    for at in range(len(files[name]) - 2):  # without its last line end it still has everybody
        complete, found, trouble = read(changed(files, name, lambda said, at=at: said[:at], tmp_path / "cut"))  # type: ignore[misc]
        assert not complete or found == everybody[1], (at, trouble)


edits = st.lists(
    st.tuples(st.integers(0, 3000), st.integers(0, 40), st.binary(max_size=8)), min_size=1, max_size=4
)
noise = st.sampled_from(
    ['"', '""', ",", "\r", "\n", "\r\n", "\0", "\ufeff", '"\r\n', ',"', "s01", "s01,,", "tobedeleted", "é"]
)
words = st.lists(st.tuples(st.integers(0, 3000), st.just(0), noise.map(str.encode)), min_size=1, max_size=4)


@given(
    st.sampled_from(["users.csv", "roles.csv", "orgs.csv", "manifest.csv", "enrollments.csv"]), edits | words
)
def test_no_bytes_crash_the_source_or_lose_somebody_unseen(
    files: dict[str, bytes],
    tmp_path_factory: pytest.TempPathFactory,
    name: str,
    changes: list[tuple[int, int, bytes]],
) -> None:
    if name not in files:
        return

    def edited(said: bytes) -> bytes:
        for at, less, more in changes:
            at = at % (len(said) + 1)
            said = said[:at] + more + said[at + less :]
        return said

    folder = tmp_path_factory.getbasetemp() / "edited"
    whole = len(files["users.csv"].splitlines()) - 1
    complete, found, trouble = read(changed(files, name, edited, folder))
    if complete and name != "users.csv":
        assert len(found) <= whole
    # An edit may turn one id into another, which no reader can know; but nobody vanishes without a row in their place.
    if (
        complete
        and name in ("users.csv", "roles.csv")
        and not any(b"tobedeleted" in more for _, _, more in changes)
    ):
        assert len(found) >= whole, trouble


@given(st.binary(max_size=300) | st.integers(0, 5000), st.binary(max_size=4))
def test_a_damaged_zip_never_crashes_and_never_passes(
    files: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory, how: bytes | int, more: bytes
) -> None:
    folder = tmp_path_factory.getbasetemp() / "zips"
    folder.mkdir(exist_ok=True)
    path = zipped(files, folder / "set.zip")
    good = path.read_bytes()
    path.write_bytes(how if isinstance(how, bytes) else good[: how % len(good)] + more)
    complete, found, _ = read(folder)
    assert not complete or len(found) == len(files["users.csv"].splitlines()) - 1
