"""Two clients page through while the data is replaced: every page is whole, and of the one revision that it names."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from homeroom.sis.records.generate import district
from tests.conftest import SisSite
from tests.ports import free_port
from tests.program import Program
from tests.wire.calls import everything, http

SEEDS = (11, 12)
LIMIT = 41
Key = Callable[[Any], Any]


def people(seed: int, key: Key) -> list[str]:
    """The sourcedIds of a district's users in an order."""
    return [
        user.sourced_id
        for user in sorted((r for r in district(120, 2, seed) if type(r).__name__ == "User"), key=key)
    ]


@dataclass
class Reader:
    """A client that reads page after page until it is told to stop, and then until it has seen all of the last revision."""

    site: SisSite
    version: str
    query: dict[str, str]
    seen: dict[int, dict[int, tuple[int, list[str]]]] = field(default_factory=dict)
    trouble: list[str] = field(default_factory=list)

    def read(self, stop: threading.Event) -> None:
        headers, offset = everything(self.site), 0
        last_round = False
        while not (last_round and offset == 0):
            last_round = last_round or (stop.is_set() and offset == 0)
            asked = {**self.query, "limit": str(LIMIT), "offset": str(offset)}
            answer = http.request(
                "GET", f"{self.site.base(self.version)}/users", fields=asked, headers=headers
            )
            if answer.status != 200:
                self.trouble.append(f"{answer.status} {answer.data[:200]!r}")
                return
            total, ids = (
                int(answer.headers["X-Total-Count"]),
                [user["sourcedId"] for user in answer.json()["users"]],
            )
            self.seen.setdefault(int(answer.headers["X-Perm-Rev"]), {})[offset] = (total, ids)
            offset = offset + LIMIT if offset + LIMIT < total else 0
            if last_round and offset == 0:
                return


@pytest.mark.slow
def test_every_page_is_of_the_revision_that_it_names(tmp_path_factory: pytest.TempPathFactory) -> None:
    program = Program(tmp_path_factory.mktemp("loads"))

    def load(seed: int) -> None:
        assert (
            program("sis", "generate", "--students", "120", "--schools", "2", "--seed", str(seed)).status == 0
        )

    load(SEEDS[0])
    program("sis", "user", "add", "Minga")
    key = program("sis", "key", "new", "Minga", "--json").json
    with program.serving("sis", "serve", port=free_port()) as address:
        site = SisSite(program, address, key["key"], key["secret"])
        by_id = Reader(site, "1.1", {})
        by_name = Reader(
            site, "1.2", {"filter": "status='active'", "sort": "familyName", "fields": "sourcedId"}
        )
        orders: dict[int, Key] = {
            id(by_id): lambda user: user.sourced_id,
            id(by_name): lambda user: (user.family_name, user.sourced_id),
        }
        stop = threading.Event()
        threads = [
            threading.Thread(target=reader.read, args=(stop,), daemon=True) for reader in (by_id, by_name)
        ]
        for thread in threads:
            thread.start()
        for turn in (1, 2):
            load(SEEDS[turn % 2])
        stop.set()
        for thread in threads:
            thread.join()
    for reader in (by_id, by_name):
        assert not reader.trouble
        first = min(reader.seen)
        assert set(reader.seen) == set(range(first, first + 3))
        for revision, pages in reader.seen.items():
            expected = people(SEEDS[(revision - first) % 2], orders[id(reader)])
            for offset, page in pages.items():
                assert page == (len(expected), expected[offset : offset + LIMIT]), (revision, offset)
        assert len(reader.seen[first + 2]) == -(-len(expected) // LIMIT)  # the last one was read whole
