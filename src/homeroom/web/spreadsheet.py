"""Lists as CSV that a spreadsheet opens without running anything in it."""

import csv
from collections.abc import Iterable, Sequence

from django.http import HttpResponse


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
