"""Which addresses may be called: after name resolution, and whatever they carry inside."""

import pytest

from homeroom.oneroster.gate import is_loopback, refusal

INSIDE = """
127.0.0.1 127.9.9.9 10.1.2.3 172.16.0.1 192.168.1.1 169.254.1.1 100.64.1.1 224.0.0.1 239.255.255.250 0.0.0.0 0.1.2.3
255.255.255.255 240.0.0.1 192.0.0.8 198.18.0.1 192.0.2.1 ::1 :: fe80::1 fe80::1%2 fc00::1 fd12::1 fec0::1 ff02::1 2001:db8::1
::ffff:10.0.0.1 ::ffff:127.0.0.1 ::ffff:0:10.0.0.1 ::10.0.0.1 2002:0a00:0001::1 2002:7f00:0001::1 64:ff9b::10.0.0.1
64:ff9b::127.0.0.1 64:ff9b:1::10.0.0.1 2001:0:4136:e378:8000:63bf:f5ff:fffe
""".split()
PUBLIC = "8.8.8.8 203.0.114.1 2606:4700::1111 ::ffff:8.8.8.8 64:ff9b::8.8.8.8 2002:0808:0808::1".split()
METADATA = """
169.254.169.254 ::ffff:169.254.169.254 64:ff9b::169.254.169.254 2002:a9fe:a9fe::1 169.254.170.2 100.100.100.200 168.63.129.16
192.0.0.192 fd00:ec2::254 fd20:ce::254 fe80::a9fe:a9fe%3
""".split()


@pytest.mark.parametrize("address", INSIDE)
def test_an_address_inside_is_refused_where_we_are_hosted_and_welcome_at_home(address: str) -> None:
    assert "public internet" in refusal("sis.example", address, hosted=True)
    assert refusal("sis.example", address, hosted=False) == ""


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_may_be_called(address: str) -> None:
    assert refusal("sis.example", address, hosted=True) == ""


@pytest.mark.parametrize("hosted", [True, False])
@pytest.mark.parametrize("address", METADATA)
def test_where_clouds_keep_credentials_is_refused_always(address: str, hosted: bool) -> None:
    assert "cloud" in refusal("sis.example", address, hosted=hosted)


@pytest.mark.parametrize("name", ["metadata.google.internal", "METADATA.google.internal.", "instance-data"])
def test_a_metadata_name_is_refused_wherever_it_leads(name: str) -> None:
    assert "cloud" in refusal(name, "8.8.8.8", hosted=False)


@pytest.mark.parametrize(
    ("host", "is_it"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("10.0.0.1", False),
        ("x.example", False),
    ],
)
def test_this_very_machine(host: str, is_it: bool) -> None:
    assert is_loopback(host) == is_it
