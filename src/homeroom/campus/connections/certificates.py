"""The CA file of a connection, looked at when it is given, so that a wrong file is said to be one at once."""

from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives import serialization

MOST = 50


class NoCertificates(ValueError):
    """What was given is no CA file. The message says what it is, and what to do."""


def check_pem(text: str, now: datetime) -> str:
    """The certificates of a PEM text and nothing else of it, each as it was. "" for an empty text. Raises `NoCertificates`."""
    if not text.strip():
        return ""
    if "PRIVATE KEY" in text:
        raise NoCertificates(
            "This file holds a private key, which nobody but its server should have. We did not keep it. Ask for the certificate "
            "of the authority alone; it begins with -----BEGIN CERTIFICATE-----."
        )
    found = _parsed(text)
    if len(found) > MOST:
        raise NoCertificates(
            f"This file holds {len(found)} certificates. Give only those of the school's own authority."
        )
    if all(certificate.not_valid_after_utc < now for certificate in found):
        ended = max(certificate.not_valid_after_utc for certificate in found)
        raise NoCertificates(
            f"The certificate ended on {ended:%-d %B %Y}. Ask the SIS's administrator for the one that is used now."
        )
    return "".join(certificate.public_bytes(serialization.Encoding.PEM).decode() for certificate in found)


def _parsed(text: str) -> list[x509.Certificate]:
    begins = "-----BEGIN CERTIFICATE-----"
    if begins not in text:
        raise NoCertificates(
            f"This is not a certificate in PEM form: such a text begins with {begins}. A .der or .cer file in binary form can be "
            "turned into one: openssl x509 -inform der -in FILE -out ca.pem."
        )
    try:
        return x509.load_pem_x509_certificates(text.encode())
    except ValueError as wrong:
        raise NoCertificates(
            "The certificate is cut short or damaged. Copy it again, from its BEGIN line to its END line."
        ) from wrong


def described(text: str) -> list[str]:
    """What a kept CA file holds, a line a certificate."""
    found = x509.load_pem_x509_certificates(text.encode()) if text.strip() else []
    return [f"{_name(one)}, until {one.not_valid_after_utc.astimezone(UTC):%-d %B %Y}" for one in found]


def _name(certificate: x509.Certificate) -> str:
    names = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return str(names[0].value) if names else certificate.subject.rfc4514_string()
