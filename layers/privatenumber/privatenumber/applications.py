"""Reading the secret that holds the applications: credentials, mode and policy of each (auth.md §12)."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any, Final

from privatenumber.call_policy import (
    MAX_LIMIT,
    MAX_ORPHAN_HOURS,
    MAX_REOPEN_MINUTES,
    CallPolicy,
    OrphanCalls,
    Within,
)
from privatenumber.settings import (
    MAX_CONTACT_HOURS,
    Application,
    Mode,
    SettingsError,
    SmsDefault,
    http_url,
)
from privatenumber.signing import Scheme

_APPLICATION_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", re.ASCII)
_HOSTS: Final = re.compile(r"(?:\*\.)?(?:[a-z0-9-]{1,63}\.)+[a-z0-9-]{1,63}", re.ASCII)
_CALLBACK_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{16,128}", re.ASCII)
_MAX_SECRETS: Final = 2
_TONE: Final = re.compile(r"[0-9A-Za-z_.@-]{1,128}", re.ASCII)
_X: Final = re.compile(r"\+861[3-9][0-9]{9}", re.ASCII)


def parse_applications(secret_json: str) -> Mapping[str, Application]:
    """Read the secret ``{"applications": [...]}`` into applications by id, in the order given.

    Fields of one: ``id``, ``app_key``, ``secrets`` (one, or two during a rotation), ``mode``, ``base_url``,
    ``callback_token``, and optionally ``auth_scheme`` (``aksk``, the default, or ``wsse``), ``proxy_url``,
    ``tps`` (10), ``axe_digits`` (1 to 4, the default), ``cool_off_seconds`` (0), ``close_tone`` (a file),
    ``sms_default`` (``discard``, the default, or ``forward``), ``contact_hours`` (24), ``recording_hosts``
    (names such as ``*.example.com``), ``recording_allow_http``, ``intake_hours`` (0), ``connect_calls`` (20),
    ``connect_percent`` (10), ``probe_hours`` (24), ``enterprise``, ``enterprises`` (``{<name>: [<x>, …]}``)
    and ``rules``, an object with the fields of `CallPolicy`.
    Unknown fields are ignored. Raises SettingsError naming application and field.
    """
    try:
        document = json.loads(secret_json)
    except ValueError:
        raise SettingsError("applications: the secret must be JSON") from None
    entries = document.get("applications") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        raise SettingsError('applications: the secret must be {"applications": [...]}')
    applications: dict[str, Application] = {}
    keys: set[str] = set()
    for position, entry in enumerate(entries):
        application = _application(entry, f"applications[{position}]")
        if application.id in applications or application.app_key in keys:
            raise SettingsError(f"applications[{position}]: id and app_key must be unique")
        applications[application.id] = application
        keys.add(application.app_key)
    return applications


def _application(entry: Any, place: str) -> Application:
    if not isinstance(entry, dict):
        raise SettingsError(f"{place}: must be an object")
    token = _text(entry, "callback_token", place)
    if not _CALLBACK_TOKEN.fullmatch(token):
        raise SettingsError(
            f"{place}.callback_token: must be 16 to 128 letters, digits, - or _ (it is part of a URL)"
        )
    identity = _text(entry, "id", place)
    if not _APPLICATION_ID.fullmatch(identity):
        raise SettingsError(f"{place}.id: must be 1 to 64 letters, digits, _ . or -")
    proxy = entry.get("proxy_url")
    return Application(
        id=identity,
        app_key=_text(entry, "app_key", place),
        secrets=_secrets(entry.get("secrets"), place),
        mode=Mode(_member(entry, "mode", place, [mode.value for mode in Mode])),
        base_url=http_url(_text(entry, "base_url", place), f"{place}.base_url"),
        scheme=Scheme(_member(entry, "auth_scheme", place, [s.value for s in Scheme], Scheme.AKSK)),
        callback_token=token,
        proxy_url=http_url(_text(entry, "proxy_url", place), f"{place}.proxy_url") if proxy else None,
        tps=_whole(entry, "tps", place, least=0, most=1000, default=10),
        cool_off_s=_whole(entry, "cool_off_seconds", place, least=0, most=30 * 86_400, default=0),
        axe_digits=_whole(entry, "axe_digits", place, least=1, most=4, default=4),
        close_tone=_tone(entry, "close_tone", place),
        sms_default=SmsDefault(
            _member(entry, "sms_default", place, [d.upper() for d in SmsDefault], SmsDefault.DISCARD).lower()
        ),
        contact_hours=_whole(entry, "contact_hours", place, least=1, most=MAX_CONTACT_HOURS, default=24),
        recording_hosts=_hosts(entry.get("recording_hosts"), f"{place}.recording_hosts"),
        recording_allow_http=_flag(entry, "recording_allow_http", place),
        intake_hours=_whole(entry, "intake_hours", place, least=0, most=720, default=0),
        connect_calls=_whole(entry, "connect_calls", place, least=5, most=1000, default=20),
        connect_percent=_whole(entry, "connect_percent", place, least=0, most=50, default=10),
        probe_hours=_whole(entry, "probe_hours", place, least=1, most=720, default=24),
        enterprise=_text(entry, "enterprise", place) if entry.get("enterprise") else "",
        enterprises=_enterprises(entry.get("enterprises"), f"{place}.enterprises"),
        rules=_rules(entry.get("rules"), f"{place}.rules"),
    )


def _rules(value: Any, place: str) -> CallPolicy:
    """Unlike elsewhere an unknown field is an error: a limit that is misspelt would silently not hold."""
    entry = {} if value is None else value
    if not isinstance(entry, dict):
        raise SettingsError(f"{place}: must be an object")
    known = {each.name for each in fields(CallPolicy)}
    for name in entry:
        if name not in known:
            raise SettingsError(f"{place}: has a field that is no rule; rules are {', '.join(sorted(known))}")
    limits = {
        name: _whole(entry, name, place, least=0, most=MAX_LIMIT, default=0)
        for name in known
        if "_per_" in name
    }
    everywhere, anywhere = [Within.APPLICATION, Within.X], list(Within)
    return CallPolicy(
        **limits,
        answers_within=Within(_word(entry, "answers_within", place, anywhere, Within.APPLICATION)),
        frequency_within=Within(_word(entry, "frequency_within", place, everywhere, Within.APPLICATION)),
        black_list=_flag(entry, "black_list", place),
        orphan_calls=OrphanCalls(_word(entry, "orphan_calls", place, list(OrphanCalls), OrphanCalls.LEAVE)),
        orphan_hours=_whole(entry, "orphan_hours", place, least=1, most=MAX_ORPHAN_HOURS, default=72),
        reopen_within_minutes=_whole(
            entry, "reopen_within_minutes", place, least=1, most=MAX_REOPEN_MINUTES, default=120
        ),
        reopen_minutes=_whole(entry, "reopen_minutes", place, least=1, most=MAX_REOPEN_MINUTES, default=30),
    )


def _word(entry: Mapping[str, Any], field: str, place: str, allowed: Sequence[str], default: str) -> str:
    value = entry.get(field, default)
    if value not in allowed:
        raise SettingsError(f"{place}.{field}: must be one of {', '.join(allowed)}")
    return str(value)


def _text(entry: Mapping[str, Any], field: str, place: str) -> str:
    value = entry.get(field)
    if not isinstance(value, str) or not value.strip() or not value.isprintable() or '"' in value:
        raise SettingsError(f"{place}.{field}: must be a text that is not empty")
    return value.strip()


def _member(entry: Mapping[str, Any], field: str, place: str, allowed: list[str], default: str = "") -> str:
    value = str(entry.get(field) or default).upper()
    if value not in allowed:
        raise SettingsError(f"{place}.{field}: must be one of {', '.join(allowed)}")
    return value


def _tone(entry: Mapping[str, Any], field: str, place: str) -> str | None:
    value = entry.get(field)
    if not value:
        return None
    if not isinstance(value, str) or not _TONE.fullmatch(value):
        raise SettingsError(f"{place}.{field}: must be a file name of letters, digits, -, _, . and @")
    return value


def _whole(entry: Mapping[str, Any], field: str, place: str, *, least: int, most: int, default: int) -> int:
    value = entry.get(field, default)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise SettingsError(f"{place}.{field}: must be a whole number from {least} to {most}")
    return value


def _secrets(value: Any, place: str) -> tuple[str, ...]:
    good = isinstance(value, list) and 1 <= len(value) <= _MAX_SECRETS
    if not good or not all(isinstance(secret, str) and secret.strip() for secret in value):
        raise SettingsError(
            f"{place}.secrets: must be a list of one or two texts; the first signs, both verify"
        )
    return tuple(secret.strip() for secret in value)


def _hosts(value: Any, name: str) -> tuple[str, ...]:
    given = [] if value is None else value
    if not isinstance(given, list) or not all(isinstance(host, str) for host in given):
        raise SettingsError(f"{name}: must be a list of host names")
    hosts = tuple(host.strip().lower() for host in given)
    if not all(map(_HOSTS.fullmatch, hosts)):
        raise SettingsError(f"{name}: must hold names such as obs.example.com or *.example.com")
    return hosts


def _enterprises(value: Any, name: str) -> tuple[tuple[str, str], ...]:
    given = {} if value is None else value
    if not isinstance(given, dict) or not all(isinstance(of_one, list) for of_one in given.values()):
        raise SettingsError(f"{name}: must be an object of names, each with a list of X numbers")
    pairs = tuple((x, enterprise) for enterprise, of_one in given.items() for x in of_one)
    if not all(isinstance(x, str) and _X.fullmatch(x) for x, _ in pairs):
        raise SettingsError(f"{name}: X numbers must have the form +8617012345678")
    if len({x for x, _ in pairs}) < len(pairs):
        raise SettingsError(f"{name}: an X number belongs to one enterprise")
    return pairs


def _flag(entry: Mapping[str, Any], field: str, place: str) -> bool:
    value = entry.get(field, False)
    if not isinstance(value, bool):
        raise SettingsError(f"{place}.{field}: must be true or false")
    return value
