"""JSON that a strict reader refuses and people can still read: another encoding, half a surrogate, NaN."""

import json


def as_utf8(body: bytes, charset: str = "") -> bytes:
    """A body in UTF-8, without a byte order mark, from the encoding that it says or shows."""
    if body[:2] in (b"\xff\xfe", b"\xfe\xff"):
        charset = "utf-16"
    body = body.lstrip(b"\xef\xbb\xbf \t\r\n")
    if charset.lower().replace("_", "-") in ("", "utf-8", "utf8", "us-ascii", "ascii"):
        return body
    try:
        return body.decode(charset, "replace").encode()
    except (LookupError, UnicodeError):
        return body


def mended(text: bytes) -> bytes:
    """The same JSON as strict UTF-8: Windows-1252 where it is no UTF-8, "?" for half a surrogate, null for NaN.

    Raises `ValueError` or `RecursionError` when it is no JSON for anybody.
    """
    try:
        said = text.decode()
    except UnicodeDecodeError:
        said = text.decode("cp1252", "replace")
    value = json.loads(said, parse_constant=lambda _: None)
    return json.dumps(value, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace")
