"""Environment and applications' secret: typed, demanded when used, silent about values (auth.md §12)."""

import json
from decimal import Decimal
from ipaddress import ip_network
from typing import Any

import pytest

from privatenumber.applications import parse_applications
from privatenumber.settings import (
    VARIABLES,
    Mode,
    NonceCheck,
    PackageAllocation,
    PushSignature,
    RentAllocation,
    Settings,
    SettingsError,
)
from privatenumber.signing import Scheme

ENTRY: dict[str, Any] = {
    "id": "ride",
    "app_key": "demoAppKey0000000000000001",
    "secrets": ["demoAppSecret0000000001"],
    "mode": "AXB",
    "base_url": "https://platform.example/",
    "callback_token": "callback-token-0001",
}

X = "+8617010000001"


def secret_of(*entries: dict[str, Any]) -> str:
    return json.dumps({"applications": list(entries)})


def test_a_missing_mandatory_variable_is_named_when_it_is_used() -> None:
    settings = Settings.from_environment({"BINDINGS_TABLE": " Bindings ", "BILLS_TABLE": " "})
    assert settings.bindings_table == "Bindings"
    with pytest.raises(SettingsError, match="BILLS_TABLE"):
        _ = settings.bills_table


def test_every_variable_has_a_property_of_its_name() -> None:
    """The template and this model must not drift apart."""
    assert all(isinstance(getattr(Settings, name.lower()), property) for name in VARIABLES)


def test_defaults_are_the_careful_ones() -> None:
    """auth.md §6."""
    settings = Settings.from_environment({})
    assert settings.push_signature is PushSignature.REQUIRED
    assert settings.nonce_check is NonceCheck.LOG
    assert settings.margin_seconds == 3600
    assert settings.source_cidrs == ()
    assert settings.outbound_proxy is None
    assert settings.price_list is None
    assert settings.budgets is None


def test_costs_are_spread_and_numbers_judged_as_decided() -> None:
    """billing-rules.md §8.3, §10; operations.md §16."""
    settings = Settings.from_environment({})
    assert settings.rent_allocation is RentAllocation.NUMBER
    assert settings.package_allocation is PackageAllocation.PER_UNIT
    assert settings.idle_days == 30
    assert settings.close_day == 3
    assert settings.tolerance_line == Decimal("0.01")
    assert settings.complaint_limit == Decimal("0.0001")


@pytest.mark.parametrize("text", ["0", "2", "29", "-3", "soon"])
def test_a_day_to_close_on_that_not_every_month_has_or_is_too_early_is_refused(text: str) -> None:
    """billing-rules.md §9.4: on the 3rd at the earliest."""
    with pytest.raises(SettingsError, match="CLOSE_DAY"):
        assert Settings.from_environment({"CLOSE_DAY": text}).close_day


@pytest.mark.parametrize("text", ["1", "-0.01", "0,01", "1e-2", "0.0000001"])
def test_a_tolerance_of_bills_that_is_no_part_of_a_yuan_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="TOLERANCE_LINE"):
        _ = Settings.from_environment({"TOLERANCE_LINE": text}).tolerance_line


@pytest.mark.parametrize("text", ["0", "0.0", "1", "0.1.1", "1e-4", "-0.1", "0.0000000001"])
def test_a_limit_of_complaints_that_is_no_share_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="COMPLAINT_LIMIT"):
        _ = Settings.from_environment({"COMPLAINT_LIMIT": text}).complaint_limit


def test_networks_are_read_from_a_comma_list() -> None:
    settings = Settings.from_environment({"SOURCE_CIDRS": "192.0.2.0/24, 2001:db8::/32,"})
    assert settings.source_cidrs == (ip_network("192.0.2.0/24"), ip_network("2001:db8::/32"))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SOURCE_CIDRS", "192.0.2.1/24"),
        ("NONCE_CHECK", "sometimes"),
        ("PUSH_SIGNATURE", "maybe"),
        ("MARGIN_SECONDS", "-1"),
        ("AUDIT_DAYS", "long"),
        ("OUTBOUND_PROXY", "proxy:3128"),
    ],
)
def test_a_senseless_value_is_refused_by_name(name: str, value: str) -> None:
    settings = Settings.from_environment({name: value})
    with pytest.raises(SettingsError, match=name):
        getattr(settings, name.lower())


def test_an_application_is_read_with_its_defaults() -> None:
    application = parse_applications(secret_of(ENTRY))["ride"]
    assert application.mode is Mode.AXB
    assert application.scheme is Scheme.AKSK
    assert application.base_url == "https://platform.example"
    assert application.proxy_url is None
    assert application.tps == 10  # auth.md §11


def test_scheme_and_proxy_are_settable_per_application() -> None:
    entry = {**ENTRY, "auth_scheme": "wsse", "proxy_url": "http://proxy.example:3128", "note": "ignored"}
    application = parse_applications(secret_of(entry))["ride"]
    assert (application.scheme, application.proxy_url) == (Scheme.WSSE, "http://proxy.example:3128")


def test_the_budget_of_an_application_is_settable_and_can_be_off() -> None:
    """auth.md §11: `tps`, 0 = no limit."""
    for tps in (0, 1, 1000):
        assert parse_applications(secret_of({**ENTRY, "tps": tps}))["ride"].tps == tps


def test_how_numbers_are_judged_is_settable_per_application() -> None:
    """A quarantine can be off, an intake is off unless somebody wants it."""
    usual = parse_applications(secret_of(ENTRY))["ride"]
    assert (usual.intake_hours, usual.connect_calls, usual.connect_percent, usual.probe_hours) == (
        0,
        20,
        10,
        24,
    )
    told = {"intake_hours": 24, "connect_calls": 50, "connect_percent": 0, "probe_hours": 48}
    own = parse_applications(secret_of({**ENTRY, **told}))["ride"]
    assert (own.intake_hours, own.connect_calls, own.connect_percent, own.probe_hours) == (24, 50, 0, 48)
    for field, bad in (
        ("connect_percent", 51),
        ("connect_calls", 4),
        ("probe_hours", 0),
        ("intake_hours", 721),
    ):
        with pytest.raises(SettingsError, match=field):
            parse_applications(secret_of({**ENTRY, field: bad}))


def test_numbers_of_an_application_may_have_been_ordered_for_several_enterprises() -> None:
    """operations.md §5: the enterprise is a matter of the order, not of the application."""
    assert parse_applications(secret_of(ENTRY))["ride"].enterprise == ""
    told = {"enterprise": "North", "enterprises": {"South": ["+8617010000001"], "West": ["+8617010000002"]}}
    own = parse_applications(secret_of({**ENTRY, **told}))["ride"]
    assert own.enterprise == "North"
    assert own.enterprises == (("+8617010000001", "South"), ("+8617010000002", "West"))


@pytest.mark.parametrize(
    "value", [[], {"South": "+8617010000001"}, {"South": ["17010000001"]}, {"a": [X], "b": [X]}]
)
def test_a_list_of_enterprises_that_makes_no_sense_is_refused(value: object) -> None:
    with pytest.raises(SettingsError, match="enterprises"):
        parse_applications(secret_of({**ENTRY, "enterprises": value}))


def test_an_application_does_not_show_its_secrets() -> None:
    shown = repr(parse_applications(secret_of(ENTRY)))
    assert ENTRY["secrets"][0] not in shown
    assert ENTRY["callback_token"] not in shown


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("id", "with#hash"),
        ("id", ""),
        ("app_key", 'quo"te'),
        ("app_key", None),
        ("secrets", []),
        ("secrets", ["a", "b", "c"]),
        ("secrets", "demoAppSecret"),
        ("secrets", [""]),
        ("mode", "AXZ"),
        ("base_url", "ftp://platform.example"),
        ("base_url", "https://platform.example?x=1"),
        ("auth_scheme", "basic"),
        ("callback_token", "short"),
        ("callback_token", "slash/slash/slash/slash"),
        ("proxy_url", "nowhere"),
        ("tps", -1),
        ("tps", 1001),
        ("tps", "77"),
        ("tps", True),
    ],
)
def test_a_bad_field_is_named_without_its_value(field: str, value: Any) -> None:
    with pytest.raises(SettingsError) as refused:
        parse_applications(secret_of({**ENTRY, field: value}))
    assert field in str(refused.value)
    assert not value or str(value) not in str(refused.value)


@pytest.mark.parametrize("other", [{**ENTRY, "app_key": "other"}, {**ENTRY, "id": "other"}])
def test_ids_and_keys_are_unique(other: dict[str, Any]) -> None:
    """auth.md §12: every request belongs to exactly one application."""
    with pytest.raises(SettingsError, match="unique"):
        parse_applications(secret_of(ENTRY, other))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"applications":{}}', '{"applications":["x"]}'])
def test_another_shape_of_secret_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="applications"):
        parse_applications(text)
