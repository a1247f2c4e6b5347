"""Sign-in links: a one-time address with which an account chooses its password and comes in."""

from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from django.urls import reverse

from homeroom.web.accounts.models import Account


def sign_in_link(account: Account, site_url: str) -> str:
    """An address, good once and for three days, that lets the account's owner set a password and sign in."""
    key = f"{user_pk_to_url_str(account)}-{default_token_generator.make_token(account)}"
    uid, token = key.split("-", 1)
    path = reverse("account_reset_password_from_key", kwargs={"uidb36": uid, "key": token})
    return site_url.rstrip("/") + path
