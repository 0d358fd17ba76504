"""Which addresses a recording may be fetched from (recording-and-call-stop.md §2): C-009, C-159."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from urllib3.util import parse_url

from builders.recordings import application
from privatenumber.addresses import AddressRefused
from privatenumber.recordings.addresses import allowed_hosts, checked

HOSTS = ("api.example.com", "ostor.example.com", "*.myhuaweicloud.com", "*.huawei.com", "127.0.0.1")

LABEL = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)
NAME = st.lists(LABEL, min_size=1, max_size=4).map(".".join)


def refusal(address: str, *, allow_http: bool = False) -> str:
    """The part that an address is refused by; empty when it may be fetched."""
    try:
        checked(address, HOSTS, allow_http=allow_http)
    except AddressRefused as refused:
        return refused.part
    return ""


@pytest.mark.parametrize(
    "address",
    [
        "https://api.example.com/file.wav",
        "https://API.Example.COM/file.wav",
        "https://ostor.example.com:8443/a/b?sign=x%2By&t=1",
        "https://bucket.ostor.example.com/a",
        "https://obs.cn-north-1.myhuaweicloud.com/sp/1.wav",
        "https://a.b.huawei.com",
        "https://127.0.0.1:8443/__emu/recordings/3b9f",
    ],
)
def test_an_allowed_host_is_one_of_the_list_or_below_it(address: str) -> None:
    assert refusal(address) == ""


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example.net/",
        "https://example.com/",
        "https://notostor.example.com/",
        "https://ostor.example.com.evil.net/",
        "https://myhuaweicloud.com/",
        "https://evilmyhuaweicloud.com/",
        "https://huawei.com.evil.net/?.huawei.com",
        "https://169.254.169.254/latest/meta-data/",
        "https://10.0.0.1/",
        "https://1.127.0.0.1/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0x7f.1/",
        "https://127.1/",
        "https://0177.0.0.1/",
        "https://localhost/",
    ],
)
def test_any_other_host_is_refused(address: str) -> None:
    """Numbers in any spelling are no names: none is below an allowed one."""
    assert refusal(address, allow_http=True) == "host"


@pytest.mark.parametrize(
    "address",
    [
        "",
        "/file.wav",
        "//ostor.example.com/",
        "ostor.example.com/file.wav",
        "file:///etc/passwd",
        "ftp://ostor.example.com/",
        "https:/ostor.example.com/",
        "https:\\\\ostor.example.com/",
        "https://ostor.example.com@evil.net/",
        "https://user:secret@ostor.example.com/",
        "https://evil.net\\@ostor.example.com/",
        "https://evil.net\\.ostor.example.com/",
        "https://evil.net#@ostor.example.com/",
        "https://evil.net#.ostor.example.com/",
        "https://ostor.example.com/a#b",
        "https://evil.net%2f.ostor.example.com/",
        "https://ostor.example.com%00.evil.net/",
        "https://ostor.example.com:443@evil.net/",
        "https://ostor.example.com:/",
        "https://ostor.example.com:0/",
        "https://ostor.example.com:99999/",
        "https://ostor.example.com:8o/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://ostor。example。com/",
        "https://ⓞstor.example.com/",
        " https://ostor.example.com/",
        "https://ostor.example.com/a b",
        "https://ostor.example.com/a\r\nX: y",
        "https://ostor.example.com/\n",
        "https://ostor.example.com/" + "a" * 5000,
    ],
)
def test_what_could_be_read_in_two_ways_is_no_address(address: str) -> None:
    assert refusal(address, allow_http=True) == "form"


@pytest.mark.parametrize(
    "host", ["ostor.example.com.", ".ostor.example.com", "a..ostor.example.com", "-a.ostor.example.com"]
)
def test_a_name_with_empty_or_odd_labels_is_refused(host: str) -> None:
    assert refusal(f"https://{host}/") == "host"


def test_without_tls_only_where_the_application_allows_it() -> None:
    assert refusal("http://ostor.example.com/") == "scheme"
    assert refusal("HTTP://ostor.example.com/") == "scheme"
    assert refusal("http://ostor.example.com/", allow_http=True) == ""


def test_a_list_of_the_application_takes_the_place_of_the_default() -> None:
    usual = allowed_hosts(application("https://platform.example.com:8443"), "ostor.example.com")
    assert usual == ("platform.example.com", "ostor.example.com", "*.myhuaweicloud.com", "*.huawei.com")
    own = application("https://platform.example.com", recording_hosts=("files.example.com",))
    assert allowed_hosts(own, "ostor.example.com") == ("files.example.com",)


DEFAULTS = ("*.myhuaweicloud.com", "*.huawei.com")


@pytest.mark.parametrize("domain", [None, "", "*.com", "a b", "evil.com/", "x@y", "。"])
def test_a_domain_that_is_no_name_allows_nothing(domain: str | None) -> None:
    assert allowed_hosts(application("https://p.example.com"), domain)[1:] == DEFAULTS


@pytest.mark.parametrize(
    "domain",
    [
        "1",
        "127.0.0.1",
        "10.0.0.5",
        "169.254.169.254",
        "0x7f.1",
        "0x7f000001",
        "2130706433",
        "a.b.1",
        "a.b.0x1",
        "localhost",
        "com",
        "cn",
        "com.cn",
        "co.uk",
        "evil.net",
        "a.b",
        "evil.com.cn",
        "github.io",
    ],
)
def test_a_domain_that_is_a_number_a_suffix_or_a_whole_domain_allows_nothing(domain: str) -> None:
    """A CDR's body is not signed (auth.md §3): its domain may at most open hosts below one owner's name."""
    assert allowed_hosts(application("https://p.example.com"), domain)[1:] == DEFAULTS


@pytest.mark.parametrize(
    ("base_url", "domain"),
    [
        ("https://rtc.example.com", "ostor.example.net"),
        ("https://rtc.example.com", "Ostor.Example.com.cn"),
        ("https://rtc.example.com", "example.com"),
        ("https://rtc.example.com.cn", "example.com.cn"),
        ("https://127.0.0.1:8443", "ostor.example.com"),
        ("https://rtc.example.net", "myhuaweicloud.com"),
        ("https://rtc.example.net", "huawei.com"),
    ],
)
def test_a_domain_below_an_owners_name_or_one_of_the_platforms_counts(base_url: str, domain: str) -> None:
    assert domain.lower() in allowed_hosts(application(base_url), domain)


@pytest.mark.parametrize("base_url", ["https://127.0.0.1:8443", "https://localhost"])
def test_an_access_address_without_an_owners_name_opens_no_domain_beside_it(base_url: str) -> None:
    for domain in ("evil.com", "0.1", "evil.localhost"):
        assert domain not in allowed_hosts(application(base_url), domain)


def test_a_top_level_domain_of_a_cdr_opens_nothing_below_it() -> None:
    hosts = allowed_hosts(application("https://p.example.com"), "com")
    with pytest.raises(AddressRefused):
        checked("https://evil.com/", hosts, allow_http=False)


@given(NAME)
def test_no_name_passes_but_those_of_the_list_and_below(name: str) -> None:
    below = ("ostor.example.com", "api.example.com", "myhuaweicloud.com", "huawei.com")
    expected = name in HOSTS or any(name.endswith(f".{allowed}") for allowed in below)
    assert (refusal(f"https://{name}/x") == "") == expected


@given(LABEL, LABEL, st.sampled_from(["", "@", "\\", "#", "?", "%2f", "%00", "\t", ";", ":80@", "。"]), LABEL)
def test_a_suffix_glued_on_with_any_sign_opens_nothing(a: str, b: str, sign: str, c: str) -> None:
    for text in (f"https://{a}.{b}.net{sign}.huawei.com/", f"https://{a}{sign}{c}.net/.huawei.com"):
        if refusal(text, allow_http=True) == "":
            assert (parse_url(text).host or "").endswith(".huawei.com")


PIECES = (
    "ostor.example.com",
    "evil.net",
    "huawei.com",
    ".",
    "@",
    "/",
    "\\",
    ":",
    "443",
    "?",
    "#",
    "%2e",
    "a",
    "。",
)


@given(st.lists(st.sampled_from(PIECES), max_size=7).map(lambda pieces: "https://" + "".join(pieces)))
def test_what_passes_is_read_alike_by_those_who_connect(address: str) -> None:
    """urllib.parse and urllib3 see the host that was checked."""
    if refusal(address) == "":
        hosts = {(urlsplit(address).hostname or "").lower(), (parse_url(address).host or "").lower()}
        (host,) = hosts
        assert refusal(f"https://{host}/") == ""
