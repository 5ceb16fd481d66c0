"""What counts as one peer, and the line in which a proxy names its caller."""

from ipaddress import ip_network

import pytest

from libs.chassis.peers import BadProxyLine, is_trusted, peer_of, read_proxy_line


@pytest.mark.parametrize(
    ("host", "peer"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:aaaa::1", "2001:db8:1:2::"),
        ("2001:db8:1:2:bbbb::9", "2001:db8:1:2::"),
        ("2001:db8:1:3::1", "2001:db8:1:3::"),
        ("testclient", "testclient"),
    ],
)
def test_a_peer_is_an_address_or_a_network_of_version_6(host, peer):
    assert peer_of(host) == peer


def test_nobody_is_trusted_who_is_not_named():
    networks = [ip_network("10.0.0.0/8"), ip_network("fd00::/8")]
    assert is_trusted("10.1.2.3", networks)
    assert is_trusted("fd00::1", networks)
    assert not is_trusted("11.1.2.3", networks)
    assert not is_trusted("10.1.2.3", [])
    assert not is_trusted("10.1.2.3, 8.8.8.8", networks)


def test_a_proxy_line_may_come_byte_by_byte():
    line = b"PROXY TCP4 203.0.113.7 10.0.0.1 5000 80\r\nGET"
    for length in range(len(line) - 4):
        assert read_proxy_line(line[:length]) is None or length == 0
    assert read_proxy_line(line) == (("203.0.113.7", 5000), b"GET")
    assert read_proxy_line(b"PROXY UNKNOWN\r\nGET") == (None, b"GET")
    assert read_proxy_line(b"POST /v1") == (None, b"POST /v1")


@pytest.mark.parametrize(
    "line",
    [
        b"PROXY TCP4 203.0.113.7\r\n",
        b"PROXY TCP4 nobody 10.0.0.1 1 2\r\n",
        b"PROXY TCP4 203.0.113.7 10.0.0.1 -5 80\r\n",
        b"PROXY \r\n",
        b"PROXY " + b"a" * 200,
    ],
)
def test_a_broken_proxy_line_is_refused(line):
    with pytest.raises(BadProxyLine):
        read_proxy_line(line)
