"""The companies of the local stack: one application per mode, each with its keys and X numbers.

Credentials here open nothing but the emulator on this machine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from privatenumber.settings import Mode


@dataclass(frozen=True, slots=True)
class Tenant:
    """What the console of the platform would show for the application."""

    id: str
    app_key: str
    app_secret: str
    callback_token: str
    area_code: str
    numbers: tuple[str, ...]
    mode: Mode = Mode.AXB


APPLICATION = Tenant(
    id="ride-hailing",
    app_key="demoAppKey0000000000000001",
    app_secret="demoAppSecret0000000001",
    callback_token="local-callback-path-token-0000001",
    area_code="0755",
    numbers=("+8617010000001", "+8617010000002", "+8617010000003"),
)


def _of_mode(serial: int, mode: Mode, company: str) -> Tenant:
    return Tenant(
        id=company,
        app_key=f"demoAppKey{serial:016d}",
        app_secret=f"demoAppSecret{serial:010d}",
        callback_token=f"local-callback-path-token-{serial:07d}",
        area_code="0755",
        numbers=tuple(f"+861702000{serial:02d}{n:02d}" for n in (1, 2, 3)),
        mode=mode,
    )


BY_MODE: Mapping[Mode, Tenant] = {
    Mode.AXB: APPLICATION,
    Mode.AX: _of_mode(2, Mode.AX, "couriers"),
    Mode.AXE: _of_mode(3, Mode.AXE, "rentals"),
    Mode.AXYB: _of_mode(4, Mode.AXYB, "housekeeping"),
    Mode.X: _of_mode(5, Mode.X, "online-doctors"),
}
"""An application has one mode for life, so each mode has a company of its own."""


def application_secret(platform_url: str, *tenants: Tenant) -> dict[str, Any]:
    """Return the document of the applications' secret, as an operator would fill it in."""
    return {
        "applications": [
            {
                "id": tenant.id,
                "app_key": tenant.app_key,
                "secrets": [tenant.app_secret],
                "mode": tenant.mode.value,
                "base_url": platform_url,
                "auth_scheme": "aksk",
                "tps": 100,  # the emulator limits nothing unless it is told to
                "callback_token": tenant.callback_token,
                "recording_allow_http": True,  # the platform of this machine has no certificate
            }
            for tenant in tenants
        ]
    }


def platform_application(api_url: str, tenant: Tenant = APPLICATION) -> dict[str, Any]:
    """Return the application's settings in the platform's console: keys, mode and push addresses."""
    callbacks = f"{api_url}/callbacks/{tenant.id}/{tenant.callback_token}"
    return {
        "secrets": [tenant.app_secret],
        "mode": tenant.mode.value,
        "push_num_status": True,
        "urls": {
            "status": f"{callbacks}/status",
            "fee": f"{callbacks}/fee",
            "num_status": f"{callbacks}/number",
            "sms_notify": f"{callbacks}/sms",
            "sms_control": f"{callbacks}/sms",
        },
    }


def platform_numbers(tenant: Tenant = APPLICATION, issued_on: date | None = None) -> dict[str, Any]:
    """Return the order of numbers as the platform issues it: virtual numbers, on a Beijing day or today."""
    issued = {"issued_on": issued_on.isoformat()} if issued_on else {}
    return {
        "app_key": tenant.app_key,
        "numbers": [
            {"number": x, "area_code": tenant.area_code, "type": "virtual", **issued} for x in tenant.numbers
        ],
    }


def number_table(tenant: Tenant, issued_on: date) -> str:
    """Return the console's number table as CSV (billing-rules.md 9.2), for `POST /numbers/import`.

    `issued_on` is a Beijing day.
    """
    header = "x_number,number_type,app_key,city_code,state,issued_on"
    rows = [f"{x},virtual,{tenant.app_key},{tenant.area_code},normal,{issued_on}" for x in tenant.numbers]
    return "\n".join([header, *rows]) + "\n"
