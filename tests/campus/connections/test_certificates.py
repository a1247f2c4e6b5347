"""A CA file is looked at when it is given."""

from datetime import UTC, datetime, timedelta

import pytest

from homeroom.campus.connections.certificates import NoCertificates, check_pem, described
from tests.wire.certificates import authority

NOW = datetime.now(UTC)
PEM = authority("Riverside CA").pem


def test_a_certificate_is_kept_and_described_and_what_stands_around_it_is_not() -> None:
    kept = check_pem(f"# from the office\n{PEM}\r\n trailing words", NOW)
    assert kept == PEM
    assert described(kept)[0].startswith("Riverside CA, until ")
    assert check_pem(PEM + authority("Second CA").pem, NOW).count("BEGIN CERTIFICATE") == 2
    assert (check_pem("  \n", NOW), described("")) == ("", [])


@pytest.mark.parametrize(
    ("text", "now", "says"),
    [
        ("hello", NOW, "not a certificate in PEM form"),
        ("\ufffd0\u0003binary", NOW, "openssl x509 -inform der"),
        (PEM[:200], NOW, "cut short or damaged"),
        (PEM.replace("M", "!", 9), NOW, "cut short or damaged"),
        (f"-----BEGIN PRIVATE KEY-----\nMIG\n{PEM}", NOW, "private key"),
        (PEM, NOW + timedelta(days=900), "ended on"),
        (PEM * 51, NOW, "51 certificates"),
    ],
    ids=["words", "binary", "cut", "damaged", "key", "ended", "bundle"],
)
def test_anything_else_is_said_to_be_what_it_is(text: str, now: datetime, says: str) -> None:
    with pytest.raises(NoCertificates, match=says):
        check_pem(text, now)
