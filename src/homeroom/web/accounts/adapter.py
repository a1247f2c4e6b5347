"""The door: accounts are made by an administrator, nobody signs up alone."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest


class ClosedDoor(DefaultAccountAdapter):  # type: ignore[misc] # allauth has no types
    """Allauth's behaviour, without the public sign-up form."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:  # noqa: ARG002
        return False

    def get_user_search_fields(self) -> list[Any]:
        return ["email", "name"]
