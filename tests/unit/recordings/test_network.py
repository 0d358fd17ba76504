"""Where an allowed name may lead to (recording-and-call-stop.md §2): not into a network of ours."""

from __future__ import annotations

import pytest

from builders.recordings import application
from privatenumber.addresses import AddressRefused
from privatenumber.network import is_public, only_public
from privatenumber.recordings.addresses import may_be_private


@pytest.mark.parametrize("address", ["8.8.8.8", "122.112.208.1", "2400:3200::1", "64:ff9b::8.8.8.8"])
def test_addresses_of_the_internet_are_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "0.0.0.0",
        "10.0.0.5",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "169.254.169.254",
        "198.18.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1%eth0",
        "fd00:ec2::254",
        "ff0e::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.5",
        "64:ff9b::10.0.0.5",
        "2002:7f00:1::",
        "2001:db8::1",
    ],
)
def test_private_local_reserved_and_shared_addresses_are_not(address: str) -> None:
    """Also where an IPv4 address is written, translated or carried as IPv6."""
    assert not is_public(address)


def test_one_private_address_behind_a_name_refuses_all_of_them() -> None:
    assert only_public(("8.8.8.8", "8.8.4.4")) == ("8.8.8.8", "8.8.4.4")
    with pytest.raises(AddressRefused) as refused:
        only_public(("8.8.8.8", "10.0.0.5"))
    assert refused.value.part == "network"


def test_a_private_network_is_open_only_by_a_word_of_the_operator() -> None:
    strict = application("https://rtc.example.com", recording_allow_http=False)
    assert not may_be_private(strict)
    assert may_be_private(application("https://rtc.example.com", recording_hosts=("obs.corp.example",)))
    assert may_be_private(application("http://127.0.0.1:8443", recording_allow_http=True))
