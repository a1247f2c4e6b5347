"""OAuth 1.0a, two-legged: each request is signed with key and secret, no token. Source: RFC 5849."""

from oauthlib.oauth1 import SIGNATURE_HMAC_SHA1, SIGNATURE_HMAC_SHA256, Client

METHODS = {"oauth1-sha256": SIGNATURE_HMAC_SHA256, "oauth1-sha1": SIGNATURE_HMAC_SHA1}


def signed(url: str, key: str, secret: str, auth: str, nonce: str, timestamp: int) -> dict[str, str]:
    """The headers of a signed GET. `auth` is one of METHODS; nonce and clock are the caller's."""
    client = Client(
        key, client_secret=secret, signature_method=METHODS[auth], nonce=nonce, timestamp=str(timestamp)
    )
    _, headers, _ = client.sign(url, http_method="GET")
    return {str(name): str(value) for name, value in headers.items()}
