"""A point of Test Connection as a message that can be mailed to whoever administers the SIS."""

from datetime import datetime

from homeroom.sync.reading import Check

WORDS = {
    "address": "Address",
    "dns": "Name",
    "reach": "Server",
    "tls": "Encryption",
    "clock": "Clock",
    "token": "Key and secret",
    "version": "Version",
    "schools": "Schools",
    "school_id": "School ID",
    "people": "People",
    "emails": "E-mail",
    "numbers": "Numbers",
    "roles": "Roles",
    "guardians": "Guardians",
    "limit": "Page size",
    "total": "Totals",
    "link": "Links",
    "keyset": "Reading",
    "school_endpoint": "School lists",
    "sample": "Sample",
    "set": "CSV set",
    "rows": "Rows",
    "whole": "Proof",
}
# What the SIS's administrator is asked for, by the kind of failure.
ASKS = {
    "dns": "Please tell us the name under which your OneRoster API is reached from the internet.",
    "refused_address": "Please tell us the address under which your OneRoster API is reached from the internet.",
    "plain_http": "Please offer the OneRoster API over https://.",
    "tls": "Please look after the certificate of the server, or send us the file of your certificate authority (PEM).",
    "connect": "Please check that the server runs, and that its firewall lets us in at this port.",
    "credentials": "Please check that the secured user (or app) is active, and generate a new key and secret for us.",
    "token": "Please tell us the token URL of your OneRoster API.",
    "guesses": "Please tell us the full OneRoster API URL and the token URL.",
    "unauthorized": "Our key gets tokens that are then refused. Please allow the rostering scopes for it.",
    "forbidden": "Please allow the rostering scopes (roster-core.readonly, roster.readonly) for our key.",
    "not_found": "Please tell us the full OneRoster API URL.",
    "html": "A web page answers in place of the API. Please tell us the full OneRoster API URL.",
    "redirect": "The address leads elsewhere. Please tell us the full OneRoster API URL.",
    "rate": "Please raise the request limit for our key, or tell us at what time we may read.",
    "busy": "Your server was too busy for us, or failed at everything. Please look at its log, or tell us at what time we may read.",
    "server": "Your server failed at this call. Please look at its log.",
}


def message(check: Check, url: str, at: datetime) -> str:
    """The message: what was tried where and when, what came, and what is asked for. Holds no key, secret or person."""
    what = f"the OneRoster API at {url}" if url else "your OneRoster CSV export"
    return (
        f"Hello, we connect Homeroom to {what}. Its connection test of {at:%-d %B %Y, %H:%M} UTC says of "
        f"“{WORDS.get(check.name, check.name)}”: {check.detail}. {check.ask or check.cure} Thank you."
    )
