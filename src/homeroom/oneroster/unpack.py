"""Packed answers unpacked a bounded part at a time, so that a few kilobytes cannot become a machine's memory."""

import io
import zlib
from collections.abc import Callable, Generator, Iterator

import zstandard

PART = 1 << 18
ACCEPTED = "gzip, zstd"
Read = Callable[[int], bytes]


class Unreadable(ValueError):
    """The packing is none that we know, or broken; the message says which."""


def unpacked(read: Read, encoding: str) -> Iterator[bytes]:
    """The parts of an answer, none longer than PART. `read` gives up to so many bytes, and b"" at the end. Raises `Unreadable`."""
    word = encoding.strip().lower()
    try:
        if word in ("", "identity"):
            yield from iter(lambda: read(PART), b"")
        elif word in ("gzip", "x-gzip", "deflate"):
            yield from _inflated(read, gzip=word != "deflate")
        elif word == "zstd":
            yield from _unzstd(read)
        else:
            raise Unreadable(f"packed as “{word[:40]}”")
    except (zlib.error, zstandard.ZstdError) as wrong:
        raise Unreadable(f"packed as {word}, but broken") from wrong


def _inflated(read: Read, *, gzip: bool) -> Iterator[bytes]:
    data = read(PART)
    while data:  # several members may follow one another
        machine = zlib.decompressobj(31 if gzip else _deflate_form(data))
        data = yield from _member(machine, data, read)


def _member(machine: "zlib._Decompress", data: bytes, read: Read) -> Generator[bytes, None, bytes]:
    """One member's parts; returns what follows it, without the padding of zeros that some add."""
    while not machine.eof:
        part = machine.decompress(data, PART)
        yield part
        data = machine.unconsumed_tail
        if not data and len(part) < PART and not machine.eof:
            data = read(PART)
            if not data:
                raise Unreadable("packed, and cut off")
    return (machine.unused_data or read(PART)).lstrip(b"\0")


def _deflate_form(data: bytes) -> int:
    """deflate means zlib's form; some servers send it without zlib's two bytes."""
    return 15 if data[0] & 15 == 8 and int.from_bytes(data[:2]) % 31 == 0 else -15


class _Raw(io.BytesIO):
    """A file to the reader of zstd, which asks for nothing but `read`."""

    def __init__(self, read: Read) -> None:
        super().__init__()
        self._read = read

    def read(self, size: int | None = -1) -> bytes:
        return self._read(size if size and size > 0 else PART)


def _unzstd(read: Read) -> Iterator[bytes]:
    machine = zstandard.ZstdDecompressor(max_window_size=1 << 27)
    with machine.stream_reader(_Raw(read), read_across_frames=True) as parts:
        yield from iter(lambda: parts.read(PART), b"")
