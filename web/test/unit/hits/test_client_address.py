"""Which address counts as the client's."""

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from page_tracker.hits.client_address import (
    Proxies,
    address_of,
    network_around,
    network_of,
)
from page_tracker.protocols.headers import seen_of

PROXIES = Proxies.parse("10.0.0.0/8, 2001:db8:1::/48")
ADDRESSES = st.ip_addresses().map(str)
OUTSIDE = (
    st.ip_addresses()
    .map(str)
    .filter(
        lambda text: not text.startswith("10.") and not text.startswith("2001:db8:1:")
    )
    .map(address_of)
)

# Everything that some server somewhere believes.
FORGEABLE = [
    b"x-forwarded-for",
    b"forwarded",
    b"x-real-ip",
    b"x-client-ip",
    b"client-ip",
    b"cf-connecting-ip",
    b"cf-connecting-ipv6",
    b"true-client-ip",
    b"fly-client-ip",
    b"fastly-client-ip",
    b"x-cluster-client-ip",
    b"x-original-forwarded-for",
    b"x-azure-socketip",
    b"x-plausible-ip",
]


@pytest.mark.parametrize("name", FORGEABLE)
def test_no_header_of_a_direct_peer_changes_its_address(name: bytes) -> None:
    forged = b"for=198.51.100.7" if name == b"forwarded" else b"198.51.100.7"
    assert seen_of({name: forged}, "203.0.113.5", PROXIES).address == "203.0.113.5"


@pytest.mark.parametrize("name", FORGEABLE)
def test_a_trusted_proxy_is_believed_in_two_headers_only(name: bytes) -> None:
    sent = b"for=198.51.100.7" if name == b"forwarded" else b"198.51.100.7"
    believed = name in (b"x-forwarded-for", b"forwarded")
    expected = "198.51.100.7" if believed else "10.0.0.1"
    assert seen_of({name: sent}, "10.0.0.1", PROXIES).address == expected


@pytest.mark.parametrize("network", ["::ffff:192.0.2.1", "::ffff:192.0.2.0/120"])
def test_a_network_of_ipv4_may_be_written_as_ipv6(network: str) -> None:
    assert network_around((network_of(network),), address_of("::ffff:192.0.2.1"))


@given(forged=st.text(max_size=300), peer=OUTSIDE)
def test_whatever_an_untrusted_peer_writes_is_ignored(forged: str, peer: str) -> None:
    assert PROXIES.seen(peer, forged, forged).address == peer


@given(forged=st.lists(ADDRESSES | st.text(max_size=20), max_size=5), client=OUTSIDE)
def test_a_client_cannot_forge_what_its_proxy_adds(
    forged: list[str], client: str
) -> None:
    assert PROXIES.seen("10.0.0.1", ", ".join([*forged, client])).address == client


@given(forged=st.text(alphabet='for=16.;,"\\ \nx', max_size=60), client=OUTSIDE)
def test_a_client_cannot_forge_what_its_proxy_adds_to_forwarded(
    forged: str, client: str
) -> None:
    hop = f'"[{client}]:443"' if ":" in client else client
    header = f"{forged}, for={hop};proto=https"
    # At worst it hides itself: then its proxy is seen in its place.
    assert PROXIES.seen("10.0.0.1", "", header).address in (client, "10.0.0.1")


def test_a_quote_that_a_client_leaves_open_swallows_nothing() -> None:
    header = 'for=6.6.6.6;x=", for="[2001:db8::1]"'
    assert PROXIES.seen("10.0.0.1", "", header).address == "10.0.0.1"


def test_a_host_in_quotes_cannot_pose_as_a_hop() -> None:
    header = 'for=192.0.2.1;host="a, for=6.6.6.6;b=";proto=https'
    assert PROXIES.seen("10.0.0.1", "", header).address == "192.0.2.1"


@pytest.mark.parametrize(
    ("forwarded_for", "expected"),
    [
        ("198.51.100.7", "198.51.100.7"),
        ("1.1.1.1, 198.51.100.7, 10.9.9.9", "198.51.100.7"),
        ("198.51.100.7:4711", "198.51.100.7"),
        ("[2001:db8:2::1]:4711", "2001:db8:2::1"),
        ("2001:DB8:2::1", "2001:db8:2::1"),
        ("::ffff:198.51.100.7", "198.51.100.7"),
        ("fe80::1%eth0", "fe80::1"),
        ("10.1.1.1, 10.2.2.2", "10.1.1.1"),
        ("", "10.0.0.1"),
        ("unknown", "10.0.0.1"),
        ("6.6.6.6, unknown, 10.2.2.2", "10.2.2.2"),
        ("6.6.6.6,", "10.0.0.1"),
    ],
)
def test_the_nearest_hop_that_is_no_proxy_is_the_client(
    forwarded_for: str, expected: str
) -> None:
    assert PROXIES.seen("10.0.0.1", forwarded_for).address == expected


@pytest.mark.parametrize(
    ("forwarded", "expected"),
    [
        ("for=192.0.2.60;proto=http;by=203.0.113.43", "192.0.2.60"),
        ('For="[2001:db8:cafe::17]:4711"', "2001:db8:cafe::17"),
        ('for=192.0.2.43, for="[2001:db8:1::2]"', "192.0.2.43"),
        ("by=203.0.113.43;FOR=192.0.2.43", "192.0.2.43"),
        ("for=unknown", "10.0.0.1"),
        ("for=_hidden, for=10.3.3.3", "10.3.3.3"),
        ("proto=https", "10.0.0.1"),
        ("for=6.6.6.6;for=192.0.2.43", "10.0.0.1"),
    ],
)
def test_forwarded_is_read_as_rfc_7239_writes_it(forwarded: str, expected: str) -> None:
    assert PROXIES.seen("10.0.0.1", "", forwarded).address == expected


def test_the_usual_header_wins_where_both_are_sent() -> None:
    assert PROXIES.seen("10.0.0.1", "192.0.2.1", "for=6.6.6.6").address == "192.0.2.1"


def test_a_unix_socket_is_trusted_only_where_it_is_configured() -> None:
    assert Proxies.parse("10.0.0.0/8").seen("", "192.0.2.1").address == ""
    assert Proxies.parse("unix").seen("", "192.0.2.1").address == "192.0.2.1"


def test_why_an_address_was_seen_names_the_proxy_and_its_header() -> None:
    assert "other end" in PROXIES.seen("192.0.2.9").why
    assert "not believed" in PROXIES.seen("192.0.2.9", "6.6.6.6").why
    why = PROXIES.seen("10.0.0.1", "192.0.2.1").why
    assert "10.0.0.1" in why and "X-Forwarded-For" in why
    assert "no header" in PROXIES.seen("10.0.0.1").why


@pytest.mark.parametrize("text", ["10.0.0.0/33", "proxy", "10.0.0.1/8"])
def test_networks_that_mean_nothing_are_refused_by_name(text: str) -> None:
    with pytest.raises(ValueError, match="write one like"):
        Proxies.parse(f"::1,{text}")


@given(address=st.ip_addresses())
def test_a_canonical_address_is_its_own(address: object) -> None:
    canonical = address_of(str(address))
    assert address_of(canonical) == canonical
    assert ip_address(canonical)


@given(text=st.text(max_size=100))
def test_any_text_is_an_address_or_none(text: str) -> None:
    found = address_of(text)
    assert found == "" or ip_address(found)


def test_a_very_long_header_is_read_from_its_near_end() -> None:
    header = "6.6.6.6, " * 100_000 + "192.0.2.1"
    assert PROXIES.seen("10.0.0.1", header).address == "192.0.2.1"
    hostile = '"\\' * 100_000
    assert PROXIES.seen("10.0.0.1", "", hostile).address == "10.0.0.1"
