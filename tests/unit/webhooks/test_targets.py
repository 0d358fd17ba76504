"""Where a webhook may lead: nowhere inside, however it is written (docs/security.md)."""

from __future__ import annotations

import pytest

from privatenumber.addresses import AddressRefused
from privatenumber.settings import WebhookTargets
from privatenumber.webhooks.targets import RULES, check, check_form

PUBLIC = "93.184.215.14"


def refused(target: str, *addresses: str) -> str | None:
    """By which part a target is refused whose name leads to these addresses."""
    try:
        check(target, WebhookTargets.PUBLIC, lambda host, port: addresses or (PUBLIC,))
    except AddressRefused as broken:
        return broken.part
    return None


@pytest.mark.parametrize(
    "target",
    [
        "https://hooks.example.com",
        "https://hooks.example.com:8443/in?key=1",
        "HTTPS://Hooks.Example.COM/in",
        "eventbridge",
    ],
)
def test_an_https_address_of_a_name_may_be_a_target(target: str) -> None:
    assert refused(target) is None


@pytest.mark.parametrize(
    ("target", "part"),
    [
        ("http://hooks.example.com/in", "scheme"),
        ("ftp://hooks.example.com/in", "form"),
        ("https://user:pass@hooks.example.com/in", "form"),
        ("https://hooks.example.com@10.0.0.1/in", "form"),
        ("https://hooks.example.com/in#part", "form"),
        ("https://hooks.example.com:0/in", "form"),
        ("https://hooks.example.com\\@10.0.0.1/", "form"),
        ("https://hooks.example.com/a b", "form"),
        ("https://[::1]/in", "form"),
        ("https://[::ffff:127.0.0.1]/in", "form"),
        ("https://127.0.0.1/in", "host"),
        ("https://2130706433/in", "host"),
        ("https://0177.0.0.1/in", "host"),
        ("https://0x7f.0.0.1/in", "host"),
        ("https://127.1/in", "host"),
        ("https://169.254.169.254/latest/meta-data/", "host"),
        ("https://93.184.215.14/in", "host"),
        ("https://localhost/in", "host"),
        ("https://hooks/in", "host"),
        ("https://１２７.0.0.1/in", "form"),
        ("", "form"),
        ("eventbridge ", "form"),
    ],
)
def test_what_is_no_name_or_could_be_read_in_two_ways_is_refused(target: str, part: str) -> None:
    assert refused(target) == part


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.0.1",
        "100.64.0.1",
        "169.254.169.254",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1",
        "fd00:ec2::254",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "2002:a01:203::1",
        "64:ff9b::a01:203",
        "64:ff9b:1::1",
        "::7f00:1",
        "::127.0.0.1",
        "fec0::1",
        "5f00::1",
        "3fff::1",
        "4000::1",
        "2001::1",
        "2001:db8::1",
        "ff02::1",
        "100::1",
        "192.0.0.9",
        "192.0.2.1",
        "192.88.99.1",
        "198.18.0.1",
        "240.0.0.1",
    ],
)
def test_a_name_that_leads_inside_is_refused(address: str) -> None:
    assert refused("https://hooks.example.com/in", address) == "network"


@pytest.mark.parametrize(
    "address",
    ["8.8.8.8", "114.114.114.114", "2606:4700::1111", "240e::1", "64:ff9b::808:808", "2002:808:808::1"],
)
def test_a_name_that_leads_outside_is_taken(address: str) -> None:
    assert refused("https://hooks.example.com/in", address) is None


def test_one_address_inside_refuses_the_name_whatever_the_others_are() -> None:
    assert refused("https://hooks.example.com/in", PUBLIC, "10.0.0.1") == "network"


def test_a_name_that_nobody_knows_is_refused() -> None:
    def unknown(host: str, port: int) -> tuple[str, ...]:
        raise OSError(host)

    with pytest.raises(AddressRefused) as broken:
        check("https://hooks.example.com/in", WebhookTargets.PUBLIC, unknown)
    assert broken.value.part == "name"


def test_a_laptop_may_listen_on_loopback_when_its_stack_is_told_so() -> None:
    check("http://127.0.0.1:8080/in", WebhookTargets.ANY, lambda host, port: ("127.0.0.1",))


@pytest.mark.parametrize("target", ["http://user@127.0.0.1/in", "http://127.0.0.1/in#x"])
def test_even_there_an_address_has_one_reading(target: str) -> None:
    with pytest.raises(AddressRefused):
        check_form(target, WebhookTargets.ANY)


def test_every_part_has_a_rule_that_names_no_value() -> None:
    assert RULES.keys() == {"form", "scheme", "host", "network", "name"}
