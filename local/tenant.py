"""The company of the local stack: one AXB application, its keys and its three X numbers.

Credentials here open nothing but the emulator on this machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from privatenumber.times import beijing_day, utc_now


@dataclass(frozen=True, slots=True)
class Tenant:
    """What the console of the platform would show for the application."""

    id: str
    app_key: str
    app_secret: str
    callback_token: str
    area_code: str
    numbers: tuple[str, ...]


APPLICATION = Tenant(
    id="ride-hailing",
    app_key="demoAppKey0000000000000001",
    app_secret="demoAppSecret0000000001",
    callback_token="local-callback-path-token-0000001",
    area_code="0755",
    numbers=("+8617010000001", "+8617010000002", "+8617010000003"),
)


def application_secret(platform_url: str, *more: Tenant) -> dict[str, Any]:
    """Return the document of the applications' secret, as an operator would fill it in."""
    return {
        "applications": [
            {
                "id": tenant.id,
                "app_key": tenant.app_key,
                "secrets": [tenant.app_secret],
                "mode": "AXB",
                "base_url": platform_url,
                "auth_scheme": "aksk",
                "callback_token": tenant.callback_token,
            }
            for tenant in (APPLICATION, *more)
        ]
    }


def platform_application(api_url: str, tenant: Tenant = APPLICATION) -> dict[str, Any]:
    """Return the application's settings in the platform's console: keys, mode and push addresses."""
    callbacks = f"{api_url}/callbacks/{tenant.id}/{tenant.callback_token}"
    return {
        "secrets": [tenant.app_secret],
        "mode": "AXB",
        "urls": {"status": f"{callbacks}/status", "fee": f"{callbacks}/fee"},
    }


def platform_numbers(tenant: Tenant = APPLICATION) -> dict[str, Any]:
    """Return the order of numbers as the platform issues it: virtual numbers, today."""
    return {
        "app_key": tenant.app_key,
        "numbers": [
            {"number": x, "area_code": tenant.area_code, "type": "virtual", "issued_on": _today()}
            for x in tenant.numbers
        ],
    }


def number_table(tenant: Tenant = APPLICATION) -> str:
    """Return the console's number table as CSV (billing-rules.md 9.2), for `POST /numbers/import`."""
    header = "x_number,number_type,app_key,city_code,state,issued_on"
    rows = [f"{x},virtual,{tenant.app_key},{tenant.area_code},normal,{_today()}" for x in tenant.numbers]
    return "\n".join([header, *rows]) + "\n"


def _today() -> str:
    return beijing_day(utc_now()).isoformat()
