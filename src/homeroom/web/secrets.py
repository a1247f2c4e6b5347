"""Secrets at rest: encrypted with a key that lives beside the database, never in it.

`HOMEROOM_KEY` may hold one or more Fernet keys, newest first, so that keys rotate: all of them open, the first one
seals. Without it the key is a file in the data directory, made once and readable by its owner alone.
"""

import os
from functools import cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.db import models

from homeroom.web.home import home


class SecretUnreadable(Exception):
    """A stored secret was sealed with a key that this installation does not have."""


def seal(secret: str) -> str:
    """The secret, encrypted, as text safe to store."""
    return _box(_keys()).encrypt(secret.encode()).decode()


def unseal(sealed: str) -> str:
    """The secret again. Raises `SecretUnreadable`, with the way out, when no key of ours opens it."""
    try:
        return _box(_keys()).decrypt(sealed.encode()).decode()
    except InvalidToken as wrong:
        raise SecretUnreadable(
            "A stored secret cannot be opened: it was sealed with another encryption key. "
            "Put the old key back (HOMEROOM_KEY, or the file `key` in the data directory), or type the secret again."
        ) from wrong


class SecretField(models.TextField):  # type: ignore[type-arg] # Django cannot be subscripted when it runs
    """A text column that holds only ciphertext; Python sees the secret itself."""

    def get_prep_value(self, value: Any) -> Any:
        return seal(value) if value else ""

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> str:  # noqa: ARG002
        return unseal(value) if value else ""


def site_secret() -> str:
    """Django's own signing key, derived from ours so that there is one secret to keep."""
    return _keys().split(",")[-1].strip()


def derived_key(purpose: str) -> bytes:
    """32 bytes for one purpose, derived from the key of this installation, which nobody tells from them."""
    derivation = HKDF(algorithm=SHA256(), length=32, salt=None, info=f"homeroom: {purpose}".encode())
    return derivation.derive(site_secret().encode())


def _keys() -> str:
    return os.environ.get("HOMEROOM_KEY") or _key_file()


def _key_file() -> str:
    path = home() / "key"
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    with os.fdopen(descriptor, "w") as file:
        file.write(Fernet.generate_key().decode())
    return path.read_text().strip()


@cache
def _box(keys: str) -> MultiFernet:
    return MultiFernet([Fernet(key.strip()) for key in keys.split(",")])
