"""What a deployment is told from outside: environment variables and the secret that holds the applications.

Logic never reads ``os.environ``. A function is given only the variables it needs, so a variable is demanded
when it is used, and the error names it.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any, Final
from urllib.parse import urlsplit

from privatenumber.signing import Scheme

VARIABLES: Final = frozenset(
    {
        "APPLICATIONS_SECRET",
        "BILLS_TABLE",
        "BINDINGS_TABLE",
        "EXCHANGE_BUCKET",
        "KEY_ID",
        "MARGIN_SECONDS",
        "NONCE_CHECK",
        "OUTBOUND_PROXY",
        "PRICE_LIST",
        "PUSH_SIGNATURE",
        "SOURCE_CIDRS",
        "WORK_QUEUE_URL",
    }
)
"""Every variable the layer knows; the template sets no other."""

_APPLICATION_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", re.ASCII)
_CALLBACK_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{16,128}", re.ASCII)
_MAX_SECRETS: Final = 2


class SettingsError(ValueError):
    """A setting that is missing or makes no sense; the message names it and what to do, never its value."""


class Mode(StrEnum):
    """The five modes of the platform; an application has exactly one for life (numbers.md §4)."""

    AX = "AX"
    AXB = "AXB"
    AXE = "AXE"
    AXYB = "AXYB"
    X = "X"


class NonceCheck(StrEnum):
    """What a nonce seen before means on a push (auth.md §6 step 7)."""

    OFF = "off"
    LOG = "log"
    ENFORCE = "enforce"


class PushSignature(StrEnum):
    """What a failed verification means on a push (auth.md §6, second table)."""

    REQUIRED = "required"
    OPTIONAL = "optional"
    OFF = "off"


@dataclass(frozen=True, slots=True, repr=False)
class Application:
    """One application of the platform: credentials, address and mode (auth.md §12).

    The first of ``secrets`` signs, all verify. ``callback_token`` is the secret part of the callback path.
    """

    id: str
    app_key: str
    secrets: tuple[str, ...]
    mode: Mode
    base_url: str
    scheme: Scheme
    callback_token: str
    proxy_url: str | None = None

    def __repr__(self) -> str:
        return f"Application(id={self.id!r}, mode={self.mode.value!r}, base_url={self.base_url!r})"


@dataclass(frozen=True, slots=True, repr=False)
class Settings:
    """The environment as typed properties; reading one that is mandatory and unset raises SettingsError."""

    variables: Mapping[str, str]

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> "Settings":
        """Take what concerns the layer out of ``os.environ``; blank counts as unset."""
        return cls({name: value.strip() for name in VARIABLES if (value := environ.get(name, "")).strip()})

    @property
    def bindings_table(self) -> str:
        """Name of the Bindings table."""
        return self._required("BINDINGS_TABLE")

    @property
    def bills_table(self) -> str:
        """Name of the Bills table."""
        return self._required("BILLS_TABLE")

    @property
    def work_queue_url(self) -> str:
        """URL of the queue between sweep and worker."""
        return self._required("WORK_QUEUE_URL")

    @property
    def applications_secret(self) -> str:
        """ARN or name of the secret that :func:`parse_applications` reads."""
        return self._required("APPLICATIONS_SECRET")

    @property
    def key_id(self) -> str:
        """KMS key that wraps the keyring."""
        return self._required("KEY_ID")

    @property
    def exchange_bucket(self) -> str:
        """Bucket of imports and exports."""
        return self._required("EXCHANGE_BUCKET")

    @property
    def source_cidrs(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """Networks pushes may come from; empty admits every address."""
        blocks = (part.strip() for part in self.variables.get("SOURCE_CIDRS", "").split(","))
        try:
            return tuple(ip_network(block) for block in blocks if block)
        except ValueError:
            raise SettingsError(
                "SOURCE_CIDRS: must be a comma-separated list of networks like 192.0.2.0/24"
            ) from None

    @property
    def outbound_proxy(self) -> str | None:
        """Proxy for platform requests of applications that name none of their own."""
        proxy = self.variables.get("OUTBOUND_PROXY")
        return _http_url(proxy, "OUTBOUND_PROXY") if proxy else None

    @property
    def nonce_check(self) -> NonceCheck:
        """Default ``log``."""
        return NonceCheck(self._choice("NONCE_CHECK", NonceCheck, NonceCheck.LOG))

    @property
    def push_signature(self) -> PushSignature:
        """Default ``required``."""
        return PushSignature(self._choice("PUSH_SIGNATURE", PushSignature, PushSignature.REQUIRED))

    @property
    def price_list(self) -> str | None:
        """Dated price lists as JSON text, or None for the built-in ones."""
        return self.variables.get("PRICE_LIST")

    @property
    def margin_seconds(self) -> int:
        """How much later than ours the platform's own expiry of a binding is set; default one hour."""
        text = self.variables.get("MARGIN_SECONDS", "3600")
        if not (text.isascii() and text.isdigit()):
            raise SettingsError("MARGIN_SECONDS: must be a whole number of seconds")
        return int(text)

    def _required(self, name: str) -> str:
        value = self.variables.get(name)
        if value is None:
            raise SettingsError(
                f"{name}: not set; give the function this environment variable in template.yaml"
            )
        return value

    def _choice(self, name: str, choices: Iterable[str], default: str) -> str:
        value = self.variables.get(name, default).lower()
        allowed = [str(choice) for choice in choices]
        if value not in allowed:
            raise SettingsError(f"{name}: must be one of {', '.join(allowed)}")
        return value


def parse_applications(secret_json: str) -> Mapping[str, Application]:
    """Read the secret ``{"applications": [...]}`` into applications by id, in the order given.

    Fields of one: ``id``, ``app_key``, ``secrets`` (one, or two during a rotation), ``mode``, ``base_url``,
    ``callback_token``, and optionally ``auth_scheme`` (``aksk``, the default, or ``wsse``) and ``proxy_url``.
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
        base_url=_http_url(_text(entry, "base_url", place), f"{place}.base_url"),
        scheme=Scheme(_member(entry, "auth_scheme", place, [s.value for s in Scheme], Scheme.AKSK)),
        callback_token=token,
        proxy_url=_http_url(_text(entry, "proxy_url", place), f"{place}.proxy_url") if proxy else None,
    )


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


def _secrets(value: Any, place: str) -> tuple[str, ...]:
    good = isinstance(value, list) and 1 <= len(value) <= _MAX_SECRETS
    if not good or not all(isinstance(secret, str) and secret.strip() for secret in value):
        raise SettingsError(
            f"{place}.secrets: must be a list of one or two texts; the first signs, both verify"
        )
    return tuple(secret.strip() for secret in value)


def _http_url(value: str, name: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise SettingsError(f"{name}: must be an http or https address without query")
    return value.rstrip("/")
