"""Which URLs may be webhook endpoints: nothing of ours, nothing private, by whatever notation."""

import ipaddress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.notifications.endpoints.rules import (
    URL_FAULT_TEXTS,
    Target,
    UrlFault,
    UrlRefused,
    address_allowed,
    target_of,
)


def fault_of(url: str, *, allow_private: bool = False) -> UrlFault | None:
    try:
        target_of(url, allow_private=allow_private)
    except UrlRefused as refused:
        return refused.fault
    return None


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("https://hooks.sample.example/enlace", Target("https", "hooks.sample.example", 443, "/enlace")),
        ("https://Hooks.Sample.Example.", Target("https", "hooks.sample.example", 443, "/")),
        ("HTTPS://hooks.sample.example:8443/a?b=c", Target("https", "hooks.sample.example", 8443, "/a?b=c")),
        ("https://8.8.8.8/x", Target("https", "8.8.8.8", 443, "/x")),
        ("https://[2606:4700::1111]:444/x", Target("https", "2606:4700::1111", 444, "/x")),
        ("https://xn--caf-dma.example/", Target("https", "xn--caf-dma.example", 443, "/")),
        ("https://under_score.sample.example/", Target("https", "under_score.sample.example", 443, "/")),
    ],
)
def test_a_public_https_url_passes(url, target):
    assert target_of(url, allow_private=False) == target


def test_the_host_header_names_the_port_only_where_it_is_not_the_schemes_own():
    assert target_of("https://a.example:443/", allow_private=False).authority == "a.example"
    assert target_of("https://a.example:444/", allow_private=False).authority == "a.example:444"
    assert target_of("https://[2606:4700::1111]/", allow_private=False).authority == "[2606:4700::1111]"


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("", UrlFault.LENGTH),
        ("https://a.example/" + "x" * 2048, UrlFault.LENGTH),
        ("https://a.example/ b", UrlFault.CHARACTERS),
        ("https://a.example/\n", UrlFault.CHARACTERS),
        ("https://a.example\\@b.example/", UrlFault.CHARACTERS),
        ("https://café.example/", UrlFault.CHARACTERS),
        ("http://a.example/", UrlFault.SCHEME),
        ("ftp://a.example/", UrlFault.SCHEME),
        ("file:///etc/passwd", UrlFault.SCHEME),
        ("//a.example/", UrlFault.SCHEME),
        ("a.example", UrlFault.SCHEME),
        ("https://user:secret@a.example/", UrlFault.CREDENTIALS),
        ("https://user@a.example/", UrlFault.CREDENTIALS),
        ("https://a.example/#x", UrlFault.FRAGMENT),
        ("https:///path", UrlFault.HOST),
        ("https://", UrlFault.HOST),
        ("https://a..example/", UrlFault.HOST),
        ("https://-a.example/", UrlFault.HOST),
        ("https://[a.example]/", UrlFault.HOST),
        ("https://[::1/", UrlFault.HOST),
        ("https://postgres/", UrlFault.HOST),
        ("https://localhost/", UrlFault.HOST),
        ("https://x.localhost/", UrlFault.HOST),
        ("https://metadata.google.internal/", UrlFault.HOST),
        ("https://printer.local/", UrlFault.HOST),
        ("https://a.example:0/", UrlFault.PORT),
        ("https://a.example:65536/", UrlFault.PORT),
        ("https://a.example:/", UrlFault.PORT),
        ("https://a.example:x/", UrlFault.PORT),
        ("https://127.0.0.1/", UrlFault.ADDRESS),
        ("https://10.0.0.1/", UrlFault.ADDRESS),
        ("https://169.254.169.254/latest/meta-data", UrlFault.ADDRESS),
        ("https://[::1]/", UrlFault.ADDRESS),
        ("https://[::ffff:127.0.0.1]/", UrlFault.ADDRESS),
        ("https://[fd00:ec2::254]/", UrlFault.ADDRESS),
        # Notations in which resolvers read an IPv4 address.
        ("https://127.1/", UrlFault.HOST),
        ("https://2130706433/", UrlFault.HOST),
        ("https://0x7f.0.0.1/", UrlFault.HOST),
        ("https://0x7f000001/", UrlFault.HOST),
        ("https://017700000001/", UrlFault.HOST),
        ("https://0177.0.0.1/", UrlFault.HOST),
        ("https://127.0.0.1./", UrlFault.ADDRESS),
    ],
)
def test_a_url_that_leads_elsewhere_is_refused_with_its_fault(url, fault):
    assert fault_of(url) is fault


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0", "10.1.2.3", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.255.255.254", "168.63.129.16",
        "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.9", "192.0.2.1", "192.88.99.1", "192.168.0.1",
        "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
        "::", "::1", "::7f00:1", "::ffff:8.8.8.8", "64:ff9b::7f00:1", "64:ff9b:1::1", "100::1", "2001::1",
        "2001:db8::1", "2002:7f00:1::", "3fff::1", "5f00::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%eth0",
        "fec0::1", "ff02::1", "not an address", "",
    ],
)  # fmt: skip
def test_no_special_address_is_ever_sent_to(address):
    assert not address_allowed(address, allow_private=False)


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "172.32.0.1", "2606:4700::1111", "2a00:1450:4001::1"])
def test_public_addresses_are(address):
    assert address_allowed(address, allow_private=False)


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "10.0.0.1", "192.168.1.1", "172.20.0.3", "fd12::1"])
def test_local_runs_reach_their_own_machine_and_network(address):
    assert address_allowed(address, allow_private=True)


@pytest.mark.parametrize("address", ["169.254.169.254", "fe80::1", "fd00:ec2::254", "0.0.0.0", "224.0.0.1", "::"])
def test_even_local_runs_never_reach_metadata_or_everybody(address):
    assert not address_allowed(address, allow_private=True)


def test_local_runs_may_use_http_and_short_names():
    assert target_of("http://127.0.0.1:9000/hook", allow_private=True) == Target("http", "127.0.0.1", 9000, "/hook")
    assert target_of("http://receiver:9000/", allow_private=True).host == "receiver"
    assert fault_of("http://user@127.0.0.1/", allow_private=True) is UrlFault.CREDENTIALS


@given(st.ip_addresses())
@example(ipaddress.ip_address("2002:a00:1::"))
def test_what_the_standard_library_calls_private_never_passes(ip):
    if ip.is_private or ip.is_loopback or ip.is_link_local or ip.is_multicast or ip.is_reserved:
        assert not address_allowed(str(ip), allow_private=False)


@given(st.ip_addresses(v=4))
def test_no_ipv6_notation_of_an_ipv4_address_passes(ip):
    number = int(ip)
    hidden = [
        ipaddress.IPv6Address(number),
        ipaddress.IPv6Address((0xFFFF << 32) | number),
        ipaddress.IPv6Address((0x64FF9B << 96) | number),
        ipaddress.IPv6Address((0x2002 << 112) | (number << 80)),
    ]
    assert not any(address_allowed(str(address), allow_private=False) for address in hidden)


@given(st.text(max_size=200) | st.builds("https://{}".format, st.text(max_size=100)))
@example("https://[")
@example("https://[]")
@example("https://a.example:１/")
def test_any_text_is_either_taken_apart_or_refused_by_a_known_fault(text):
    try:
        target = target_of(text, allow_private=False)
    except UrlRefused as refused:
        assert refused.fault in URL_FAULT_TEXTS  # noqa: PT017 (either way is right)
        assert str(refused) == refused.fault.value  # noqa: PT017
    else:
        assert target.scheme == "https"
        assert "." in target.host or ":" in target.host
        assert 1 <= target.port <= 65535
        assert target.path.startswith("/")
