"""The floor: the least anybody could do for the same night. Run as a process of its own, so that its memory is its own.

`python -m benchmarks.floor pages BASE_URL TOKEN` downloads every page of users with urllib3 and splits it with msgspec.
`python -m benchmarks.floor copy DATABASE_URL ROWS` writes that many rows of a person's size with COPY.
Prints one JSON line: seconds, rows, bytes.
"""

import json
import sys
import time

import msgspec
import psycopg
import urllib3


class Page(msgspec.Struct):
    users: list[msgspec.Raw]


def pages(base_url: str, token: str, limit: int = 10_000) -> dict[str, float]:
    """All users by keyset, page after page, each split into its records and nothing more."""
    http, rows, size, last = urllib3.PoolManager(), 0, 0, ""
    started = time.perf_counter()
    while True:
        query = {"limit": str(limit), "sort": "sourcedId"} | (
            {"filter": f"sourcedId>'{last}'"} if last else {}
        )
        reply = http.request(
            "GET",
            f"{base_url}/users",
            fields=query,
            headers={"Authorization": f"Bearer {token}", "Accept-Encoding": "gzip"},
        )
        page = msgspec.json.decode(reply.data, type=Page)
        if not page.users:
            break
        rows, size = rows + len(page.users), size + len(reply.data)
        last = json.loads(bytes(page.users[-1]))["sourcedId"]
    return {"seconds": time.perf_counter() - started, "rows": rows, "bytes": size}


def copy(database_url: str, rows: int) -> dict[str, float]:
    """As many rows of a person's fields, one COPY into a plain table."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS bench_floor")
        connection.execute(
            "CREATE TABLE bench_floor (id bigint PRIMARY KEY, a text, b text, c text, d text, e text)"
        )
        started = time.perf_counter()
        with connection.cursor().copy("COPY bench_floor FROM STDIN") as sink:
            for number in range(rows):
                sink.write_row((number, "Given", "Family", f"{number}@lincoln.example", str(number), "09"))
        seconds = time.perf_counter() - started
        connection.execute("DROP TABLE bench_floor")
    return {"seconds": seconds, "rows": rows, "bytes": 0}


if __name__ == "__main__":
    what, *given = sys.argv[1:]
    print(json.dumps(pages(*given) if what == "pages" else copy(given[0], int(given[1]))))
