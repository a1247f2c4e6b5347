"""What one reading may cost: every quantity that a server decides has an end, and each end says which it was."""

from dataclasses import dataclass

MB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Bounds:
    """The ends. They are far beyond any district, and near enough that a hostile server cannot fill a machine."""

    page_bytes: int = 128 * MB  # of one answer, unpacked
    page_values: int = 6_000_000  # commas in one page, which bound the objects that reading it makes
    record_bytes: int = MB
    pages: int = 20_000
    rows: int = 20_000_000
    collection_bytes: int = 65_536 * MB
    connect_seconds: float = 15
    silent_seconds: float = 120  # between two bytes
    answer_seconds: float = 900  # of one answer, from the first attempt to connect to its last byte
    collection_seconds: float = 6 * 3600
    wait_seconds: float = 300  # the longest Retry-After that is waited for


USUAL = Bounds()
