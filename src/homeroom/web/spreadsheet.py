"""Lists as CSV that a spreadsheet opens without running anything in it."""

import csv
from collections.abc import Iterable, Sequence
from datetime import datetime

from django.http import HttpResponse
from django.utils.http import urlencode


def cell(value: object) -> str:
    """A value as a cell that no spreadsheet takes for a formula."""
    text = (
        ", ".join(map(str, value)) if isinstance(value, list | tuple) else str("" if value is None else value)
    )
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def download(name: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> HttpResponse:
    """A CSV file to save. UTF-8 with its mark, since spreadsheets guess wrong without."""
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    response.write("\ufeff")
    writer = csv.writer(response)
    writer.writerow(columns)
    writer.writerows([cell(value) for value in row] for row in rows)
    return response


def moment(at: datetime | None) -> str:
    """A time as spreadsheets read it, in UTC; empty when there was none."""
    return at.strftime("%Y-%m-%d %H:%M:%S") if at is not None else ""


def searched(words: str) -> str:
    """The part of an address that keeps a search, for the links of its list to go on with."""
    return f"{urlencode({'q': words})}&" if words else ""
