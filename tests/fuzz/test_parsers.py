"""Whatever a parser is given, it reads it or refuses it in words of its own: no other exception comes out."""

from __future__ import annotations

import io
import json
import re
import struct
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, date, datetime
from typing import Any, TypeVar
from urllib.parse import urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from urllib3.util import parse_url

from builders.fuzzing import AWKWARD_TEXTS, POISON, effort, places, replaced
from builders.house_life import PACKAGE, PRICES
from builders.pushes import APP_KEY, SECRET, applications_secret, signed_headers
from builders.workbooks import table
from local.tenant import APPLICATION as TENANT
from local.tenant import number_table
from privatenumber.addresses import AddressRefused, host_of
from privatenumber.applications import parse_applications
from privatenumber.billing.reconciliation import console_files, exports_in, layouts
from privatenumber.billing.reconciliation.layouts import LayoutError
from privatenumber.billing.reconciliation.mappings import mapped_layouts
from privatenumber.billing.tariff.fields import TariffError
from privatenumber.billing.tariff.packages import read_order
from privatenumber.billing.tariff.prices import PriceListError
from privatenumber.billing.tariff.reading import price_book_of, read_price_book
from privatenumber.bindings.numbers_csv import read_number_table
from privatenumber.csv_table import FileRefused
from privatenumber.numbers_in_text import holds_number, safe_actor
from privatenumber.phone import InvalidNumber, normalise
from privatenumber.privacy import scrub
from privatenumber.recordings.addresses import allowed_hosts, checked
from privatenumber.recordings.wav import NotARecording, read_header
from privatenumber.settings import Application, SettingsError, WebhookTargets
from privatenumber.signing import (
    Scheme,
    SignatureError,
    created_moment,
    matches,
    read_push_token,
    read_request_token,
)
from privatenumber.sms_parts import parts
from privatenumber.times import parse_time
from privatenumber.webhooks.targets import check_form

TEXTS = st.sampled_from(AWKWARD_TEXTS) | st.text(max_size=30)
Refusal = TypeVar("Refusal", bound=Exception)


def refused(read: Callable[[], object], kind: type[Refusal]) -> Refusal | None:
    """The refusal that reading ends with, None when it does not; another exception comes out."""
    try:
        read()
    except kind as refusal:
        return refusal
    return None


@st.composite
def altered(draw: st.DrawFn, text: str) -> str:
    """A text that somebody has cut, doubled or written into, up to three times."""
    for _ in range(draw(st.integers(0, 3))):
        begin = draw(st.integers(0, len(text)))
        end = draw(st.integers(begin, min(len(text), begin + 12)))
        text = text[:begin] + draw(TEXTS | st.just(text[begin:end] * 2)) + text[end:]
    return text


@st.composite
def headers_of(draw: st.DrawFn) -> dict[str, str]:
    """Headers of a signed request, some of them altered, left out or of both schemes."""
    found = {
        **signed_headers(scheme=draw(st.sampled_from(list(Scheme)))),
        **(signed_headers() if draw(st.booleans()) else {}),
    }
    names = draw(st.sets(st.sampled_from(sorted(found)), max_size=2))
    return {name: draw(altered(value)) if name in names else value for name, value in found.items()}


@effort(150)
@given(headers=headers_of(), strict=st.booleans())
def test_headers_are_a_token_or_a_signature_problem(headers: Mapping[str, str], strict: bool) -> None:
    """auth.md §4, §6."""
    for read in (read_push_token, read_request_token):
        with suppress(SignatureError):
            token = read(headers, schemes=list(Scheme), strict=strict)
            matches(token, ["", SECRET, "密"])
            assert created_moment(token, strict=strict).tzinfo is UTC


COLUMNS = ("record_id", "app_key", "x_number", "caller", "callee", "answer_time", "end_time", "duration_s")
GOOD = ("r-1", APP_KEY, "+8617010000002", "+8613800138001", "+8613800138002",
        "2026-09-02 10:00:00", "2026-09-02 10:01:00", "60")  # fmt: skip
CHARGES = ("period", "item", "number_type", "quantity", "unit_price", "amount")
CHARGE = ("2026-09", "rent", "virtual", "1", "5", "5.00")
NUMBER, ISSUED, *_ = (tuple(line.split(",")) for line in number_table(TENANT, date(2026, 9, 1)).splitlines())
TABLES: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "calls": (COLUMNS, GOOD),
    "bill": (CHARGES, CHARGE),
    "numbers": (NUMBER, ISSUED),
}
CELLS = TEXTS | st.sampled_from(
    ["1e5", "1,000.00", "0x10", "-0", "99999999999999999999", "2026/9/2 1:2", "45902.5", "١٢"]
)


@st.composite
def files(draw: st.DrawFn) -> bytes:
    """A table with some cells, headers or bytes wrong, as CSV in either encoding or as XLSX."""
    header, row = TABLES[draw(st.sampled_from(sorted(TABLES)))]
    rows = [header, *([row] * draw(st.integers(0, 3)))]
    for _ in range(draw(st.integers(0, 2))):
        at, cell = draw(st.integers(0, len(rows) - 1)), draw(st.integers(0, len(header) - 1))
        rows[at] = (*rows[at][:cell], draw(CELLS), *rows[at][cell + 1 :])
    if draw(st.integers(0, 3)) == 0:
        plain = [[draw(st.just(cell)) if cell.isprintable() else "?" for cell in one] for one in rows]
        data = table(*plain)
    else:
        separator = draw(st.sampled_from([",", ";", "\t"]))
        text = draw(st.sampled_from(["\n", "\r\n", "\r"])).join(separator.join(one) for one in rows)
        data = text.encode(draw(st.sampled_from(["utf-8", "utf-8-sig", "gb18030"])), errors="replace")
    for _ in range(draw(st.integers(0, 2))):
        at = draw(st.integers(0, len(data)))
        data = data[:at] + draw(st.binary(max_size=6)) + data[at + draw(st.integers(0, 4)) :]
    return data


def calls_in(data: bytes) -> object:
    return exports_in.whole(exports_in.open_calls(lambda: io.BytesIO(data)))


def sms_in(data: bytes) -> object:
    return exports_in.whole(exports_in.open_sms(lambda: io.BytesIO(data)))


READERS: Mapping[str, Callable[[bytes], object]] = {
    "numbers": read_number_table,
    "calls": calls_in,
    "sms": sms_in,
    "bill": exports_in.read_bill,
    "statistics": lambda data: console_files.read_statistics(data),
    "quota": lambda data: console_files.read_quota(data),
    "inventory": lambda data: console_files.read_numbers(data),
}


@pytest.mark.parametrize("reader", READERS)
def test_a_file_is_read_or_refused(reader: str) -> None:
    """billing-rules.md §9.2; a refusal shows no cell of the file."""

    @effort(60)
    @given(data=files() | st.binary(max_size=60) | st.binary(max_size=40).map(b"PK\x03\x04".__add__))
    @example(data=b"")
    @example(data=table(COLUMNS, GOOD)[:-30])
    def read(data: bytes) -> None:
        assert "3800138" not in str(refused(lambda: READERS[reader](data), FileRefused))

    read()


@st.composite
def spoilt_values(draw: st.DrawFn, value: Any) -> Any:
    """A value with up to three of its parts replaced."""
    for _ in range(draw(st.integers(0, 3))):
        value = replaced(value, draw(st.sampled_from(tuple(places(value)))), draw(POISON))
    return value


FULL_PRICES = {
    "usage_time": "end",
    "package_order": "expiry",
    "lists": [
        {
            **PRICES["lists"][0],  # type: ignore[dict-item]
            "packages": [{"minutes": 500, "parts": 50, "price": "38"}],
            "minute_seconds": 60,
            "zero_second_minutes": 1,
            "legs": {"AXYB": 1},
            "sms_limits": {"english": {"single": 160, "part": 154}, "other": {"single": 70, "part": 67}},
        }
    ],
}


@effort(150)
@given(value=spoilt_values(FULL_PRICES))
def test_prices_are_read_or_refused_by_field(value: Any) -> None:
    """As decoded JSON and as the text of a parameter."""
    for refusal in (
        refused(lambda: price_book_of(value), PriceListError),
        refused(lambda: read_price_book(json.dumps(value)), PriceListError),
    ):
        assert refusal is None or (refusal.field and refusal.rule)


@effort(100)
@given(value=spoilt_values(PACKAGE))
def test_a_package_is_read_or_refused_by_field(value: Any) -> None:
    refusal = refused(lambda: read_order(value), TariffError)
    assert refusal is None or (refusal.field and refusal.rule)


@effort(100)
@given(
    value=spoilt_values(
        {"calls": {"columns": {"x_number": ["号码"]}, "words": {}, "skip_lines": 1, "formats": ["YYYY"]}}
    )
)
def test_a_mapping_of_columns_is_read_or_refused(value: Any) -> None:
    with suppress(LayoutError):
        mapped_layouts(value)
    assert layouts.CALLS.required


@effort(150)
@given(value=spoilt_values(json.loads(applications_secret())))
def test_the_secret_of_the_applications_is_read_or_refused_without_its_content(value: Any) -> None:
    assert SECRET not in str(refused(lambda: parse_applications(json.dumps(value)), SettingsError))


APPLICATION: Application = next(iter(parse_applications(applications_secret()).values()))
ADDRESS = "https://files.obs.myhuaweicloud.com:443/bucket/a.wav?token=b&c=%20"


@effort(250)
@given(address=altered(ADDRESS) | TEXTS, domain=st.none() | TEXTS | altered("ostor.example.com"))
@example(address="https://files.myhuaweicloud.com\\@evil.example.com/", domain=None)
@example(address="https://files.myhuaweicloud.com:443@evil.example.com/", domain=None)
@example(address="https://evil.example.com%2f.myhuaweicloud.com/", domain=None)
@example(address="https://files.myhuaweicloud.com。evil.example.com/", domain=None)
def test_the_host_that_is_checked_is_the_host_that_is_reached(address: str, domain: str | None) -> None:
    """Whoever reads an accepted address after us, urllib3 and the standard library, reads the same host."""
    with suppress(AddressRefused):
        host = host_of(address, allow_http=True)
        assert host == parse_url(address).host == urlsplit(address).hostname
    with suppress(AddressRefused):
        checked(address, allowed_hosts(APPLICATION, domain), allow_http=False)
    for allowed in WebhookTargets:
        with suppress(AddressRefused):
            check_form(address, allowed)


#: The number of a person as somebody would dial it, and no part of longer digits.
DIALLED = re.compile(r"(?<![0-9A-Za-z])0{0,2}(?:86)?13800138001(?![0-9])")


@effort(200)
@given(text=altered("+86 138-0013-8001") | altered("075520000001") | TEXTS)
def test_a_number_is_normal_or_invalid(text: str) -> None:
    """numbers.md §1.3; what is normal stays as it is."""
    with suppress(InvalidNumber):
        found = normalise(text)
        assert found == normalise(found)
    assert holds_number(text) in (True, False)
    assert not DIALLED.search(safe_actor(f"arn:aws-cn:iam::1:user/{text}"))
    assert not DIALLED.search(scrub(f"bound {text}"))
    assert parts(text) >= 0


@effort(150)
@given(text=altered("2026-09-02 01:00:00") | altered("2026-09-02T01:00:00.120Z") | TEXTS)
def test_a_time_is_a_moment_or_a_value_error(text: str) -> None:
    with suppress(ValueError):
        moment: datetime = parse_time(text)
        assert moment.utcoffset() is not None


@effort(100)
@given(begin=st.binary(max_size=64), more=st.binary(max_size=16))
def test_the_head_of_a_recording_is_read_or_none(begin: bytes, more: bytes) -> None:
    """recording-and-call-stop.md §2: the platform sends WAV; whoever answers in its place sends anything."""
    wav = b"RIFF" + struct.pack("<I", len(begin)) + b"WAVEfmt " + begin + b"data" + more
    for head in (begin, wav, wav[: len(wav) // 2]):
        with suppress(NotARecording):
            found = read_header(head)
            assert found is None or 0 < found.sound_at <= len(head)
