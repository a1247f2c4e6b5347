"""Which addresses may be called at all: an owner can type any URL, and a server can name any other.

Asked after name resolution, of every address, and the connection then goes to the very address that was asked about.
Addresses that carry an IPv4 address inside (mapped, 6to4, Teredo, NAT64) are judged by it.
"""

import socket
from collections.abc import Callable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Resolver = Callable[[str, int], list[str]]
Ip = IPv4Address | IPv6Address

# Where clouds keep the credentials of their machines. Nobody's SIS is there.
METADATA_NAMES = frozenset(
    (
        *("metadata.google.internal", "metadata.goog", "metadata.tencentyun.com", "metadata.azure.internal"),
        *("instance-data", "instance-data.ec2.internal", "metadata.platformequinix.com"),
    )
)
METADATA = frozenset(
    ip_address(text)
    for text in (
        *("169.254.169.254", "169.254.170.2", "169.254.170.23", "169.254.0.23", "169.254.42.42"),
        *("100.100.100.200", "168.63.129.16", "192.0.0.192"),
        *("fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254", "fd00:c1::a9fe:a9fe", "fe80::a9fe:a9fe"),
    )
)
# Networks whose addresses end in an IPv4 address: NAT64, its local form, IPv4-translated and IPv4-compatible.
_ENDS_IN_IPV4 = tuple(
    IPv6Network(text) for text in ("64:ff9b::/96", "64:ff9b:1::/48", "::ffff:0:0:0/96", "::/96")
)
_SPECIAL = tuple(IPv4Network(text) for text in ("192.0.0.0/24", "192.88.99.0/24"))


def resolve(host: str, port: int) -> list[str]:
    """The addresses of a name, as the system knows them. Raises `OSError`."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(row[4][0]) for row in found))


def refusal(host: str, address: str, *, hosted: bool) -> str:
    """Why an address that a name led to may not be called; "" when it may."""
    ip = ip_address(address)
    if host.lower().rstrip(".") in METADATA_NAMES or {_bare(ip), _meant(ip)} & METADATA:
        return "belongs to the machine's cloud, not to a SIS"
    if hosted and not _is_public(_meant(ip)):
        return "is not an address of the public internet"
    return ""


def is_loopback(host: str) -> bool:
    """Whether a host is this very machine, by name or address."""
    if host == "localhost":
        return True
    try:
        return _meant(ip_address(host)).is_loopback
    except ValueError:
        return False


def _is_public(ip: Ip) -> bool:
    special = ip.is_multicast or ip.is_reserved or ip.is_unspecified or ip.is_loopback or ip.is_link_local
    old = ip.is_site_local if isinstance(ip, IPv6Address) else any(ip in network for network in _SPECIAL)
    return ip.is_global and not special and not old


def _bare(ip: Ip) -> Ip:
    """Without the zone that a link-local address may name."""
    return IPv6Address(int(ip)) if isinstance(ip, IPv6Address) else ip


def _meant(ip: Ip) -> Ip:
    """The IPv4 address that an IPv6 address stands for, where it does; else the address itself."""
    if not isinstance(ip, IPv6Address) or int(ip) < 2:  # :: and ::1 stand for themselves
        return ip
    inside = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
    if inside is None and any(_bare(ip) in network for network in _ENDS_IN_IPV4):
        inside = IPv4Address(int(ip) & (2**32 - 1))
    return inside or ip
