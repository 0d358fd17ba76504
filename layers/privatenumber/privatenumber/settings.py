"""What a deployment is told from outside: environment variables and the secret that holds the applications.

Logic never reads ``os.environ``. A function is given only the variables it needs, so a variable is demanded
when it is used, and the error names it.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Final
from urllib.parse import urlsplit

from privatenumber.call_policy import (
    NO_RULES,
    CallPolicy,
)
from privatenumber.signing import Scheme

VARIABLES: Final = frozenset(
    {
        "APPLICATIONS_SECRET",
        "AUDIT_DAYS",
        "BILLING_QUEUE_URL",
        "BILLS_TABLE",
        "BINDINGS_TABLE",
        "BLOCK_SECONDS",
        "BUDGETS",
        "CALL_DAYS",
        "COMPLAINT_LIMIT",
        "DRIFT_REQUESTS_PER_SECOND",
        "EXCHANGE_BUCKET",
        "IDLE_DAYS",
        "CLOSE_DAY",
        "IMPORT_LAYOUTS",
        "JOBS_QUEUE_URL",
        "KEY_ID",
        "MARGIN_SECONDS",
        "MISSING_ALARM_MINUTES",
        "MISSING_WARN_MINUTES",
        "NONCE_CHECK",
        "OUTBOUND_PROXY",
        "PACKAGE_ALLOCATION",
        "PRICE_LIST",
        "PUSH_SIGNATURE",
        "QUIET_MINUTES",
        "RECONCILIATIONS_QUEUE_URL",
        "RECORDINGS_BUCKET",
        "RECORDING_DAYS",
        "RECORDING_RETRY_SECONDS",
        "RENT_ALLOCATION",
        "REPORTS_QUEUE_URL",
        "SMS_DAYS",
        "SOURCE_CIDRS",
        "TOLERANCE_LINE",
        "WEBHOOKS_BUS",
        "WEBHOOKS_QUEUE_URL",
        "WEBHOOK_TARGETS",
        "WORK_QUEUE_URL",
    }
)
"""Every variable the layer knows; the template sets no other."""
_MEMORY: Final = "AWS_LAMBDA_FUNCTION_MEMORY_SIZE"
"""What Lambda itself sets."""

_RETENTION_S: Final = 7 * 86_400
_SHARE: Final = re.compile(r"0\.[0-9]{1,9}", re.ASCII)
_BELOW_ONE: Final = re.compile(r"0(?:\.[0-9]{1,6})?", re.ASCII)
_SECONDS: Final = re.compile(r"[0-9]{1,2}(?:\.[0-9]{1,3})?", re.ASCII)
CLOSE_DAY: Final = 3
"""The first day on which last month may be closed, and on which it is: records come late, and rents twice."""
TOLERANCE_LINE: Final = Decimal("0.01")
"""What the amount of a line of the bill may differ by, in CNY (billing-rules.md §9.3)."""
KEPT_DAYS: Final = 400
"""How long what was pushed is kept, unless the deployment says otherwise (operations.md §13)."""
MAX_CONTACT_HOURS: Final = 720
"""Longest memory of who spoke to whom last."""


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
    """What a nonce seen before means on a push that only tells (auth.md §6 step 7).

    That of a question is held against others in every setting; ``enforce`` refuses where the others close.
    """

    OFF = "off"
    LOG = "log"
    ENFORCE = "enforce"


class SmsDefault(StrEnum):
    """What becomes of an SMS that names no receiver (notifications.md §6.5)."""

    DISCARD = "discard"
    FORWARD = "forward"
    """To whom the sender was in touch with last, if that is fresh enough."""


class WebhookTargets(StrEnum):
    """Where webhooks may lead; ``any`` is for a stack on a laptop, whose receivers are on loopback."""

    PUBLIC = "public"
    ANY = "any"


class RentAllocation(StrEnum):
    """Who bears the rent of an X (billing-rules.md §8.3)."""

    NUMBER = "number"
    ORDERS = "orders"
    """Those who used it, in proportion to their minutes and parts; of an X that nobody used, nobody."""


class PackageAllocation(StrEnum):
    """Who bears the price of a package (billing-rules.md §8.3)."""

    PER_UNIT = "per_unit"
    """Those who use it, by the value of what they use; what is left at its end, nobody."""
    NONE = "none"
    """The account, in the month in which it is bought."""


class PushSignature(StrEnum):
    """What a failed verification means on a push (auth.md §6, second table)."""

    REQUIRED = "required"
    OPTIONAL = "optional"
    OFF = "off"


@dataclass(frozen=True, slots=True, repr=False)
class Application:
    """One application of the platform: credentials, address and mode (auth.md §12).

    The first of ``secrets`` signs, all verify. ``callback_token`` is the secret part of the callback path.
    ``close_tone`` is heard by a caller who is connected to nobody; ``contact_hours`` is how long somebody
    counts as the last counterpart, to whom ``sms_default`` may forward what names no receiver (AX) or comes
    from whom A reached as the callee of a moment (X mode; x.md §2, notifications.md §6.5).
    ``recording_hosts`` replaces the hosts that recordings are fetched from by default; only with
    ``recording_allow_http`` may that be without TLS (recording-and-call-stop.md §2).
    """

    id: str
    app_key: str
    secrets: tuple[str, ...]
    mode: Mode
    base_url: str
    scheme: Scheme
    callback_token: str
    proxy_url: str | None = None
    tps: int = 10
    """Requests to the platform in any second, of all environments together; 0 = no limit (auth.md §11)."""
    cool_off_s: int = 0
    """So long after they left an X its people do not meet it again (users.md U-S06)."""
    axe_digits: int = 4
    """Digits of an extension, fixed by the platform when the application was made (axe.md §1.1)."""
    close_tone: str | None = None
    sms_default: SmsDefault = SmsDefault.DISCARD
    contact_hours: int = 24
    recording_hosts: tuple[str, ...] = ()
    recording_allow_http: bool = False
    intake_hours: int = 0
    """So long a new X waits in quarantine before it is bound; 0: not at all."""
    connect_calls: int = 20
    """So many of an X's last calls are looked at."""
    connect_percent: int = 10
    """An X that connects fewer of them is quarantined while others connect; 0: none ever is."""
    probe_hours: int = 24
    """So long a quarantine lasts at least."""
    enterprise: str = ""
    """The enterprise for which its X numbers were ordered (operations.md §5), for statistics."""
    enterprises: tuple[tuple[str, str], ...] = ()
    """X numbers of another enterprise, each with its name."""
    rules: CallPolicy = NO_RULES
    """Limits, black list, and what is done about calls without a binding; all off by default."""

    def __repr__(self) -> str:
        return f"Application(id={self.id!r}, mode={self.mode.value!r}, base_url={self.base_url!r})"


@dataclass(frozen=True, slots=True)
class Kept:
    """How long what was pushed is kept: calls with all that is sealed of them, and SMS with their texts."""

    calls: timedelta = timedelta(days=KEPT_DAYS)
    texts: timedelta = timedelta(days=KEPT_DAYS)


@dataclass(frozen=True, slots=True, repr=False)
class Settings:
    """The environment as typed properties; reading one that is mandatory and unset raises SettingsError."""

    variables: Mapping[str, str]

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> "Settings":
        """Take what concerns the layer out of ``os.environ``; blank counts as unset."""
        return cls(
            {
                name: value.strip()
                for name in {*VARIABLES, _MEMORY}
                if (value := environ.get(name, "")).strip()
            }
        )

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
    def jobs_queue_url(self) -> str:
        """URL of the queue of bulk jobs."""
        return self._required("JOBS_QUEUE_URL")

    @property
    def webhooks_queue_url(self) -> str:
        """URL of the queue of webhooks."""
        return self._required("WEBHOOKS_QUEUE_URL")

    @property
    def webhooks_bus(self) -> str:
        """Name or ARN of the event bus that webhooks with the target ``eventbridge`` are sent to."""
        return self._required("WEBHOOKS_BUS")

    @property
    def webhook_targets(self) -> WebhookTargets:
        """Default ``public``."""
        return WebhookTargets(self._choice("WEBHOOK_TARGETS", WebhookTargets, WebhookTargets.PUBLIC))

    @property
    def reports_queue_url(self) -> str:
        """URL of the queue of statistics and exports."""
        return self._required("REPORTS_QUEUE_URL")

    @property
    def billing_queue_url(self) -> str:
        """URL of the queue of closes that many workers share."""
        return self._required("BILLING_QUEUE_URL")

    @property
    def reconciliations_queue_url(self) -> str:
        """URL of the queue of reconciliations that were asked for."""
        return self._required("RECONCILIATIONS_QUEUE_URL")

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
    def recordings_bucket(self) -> str:
        """Bucket of archived recordings."""
        return self._required("RECORDINGS_BUCKET")

    @property
    def missing_warn_minutes(self) -> int:
        """How long a CDR, or what became of an SMS, may stay away; default 15 (notifications.md §8.3)."""
        return self._whole("MISSING_WARN_MINUTES", "15", "minutes")

    @property
    def missing_alarm_minutes(self) -> int:
        """When a CDR that stays away is probably lost; default 330 (notifications.md §8.3)."""
        return self._whole("MISSING_ALARM_MINUTES", "330", "minutes")

    @property
    def quiet_minutes(self) -> int:
        """How long pushes of a kind may stay away at a time at which they usually come; 0: however long."""
        return self._whole("QUIET_MINUTES", "30", "minutes")

    @property
    def audit_days(self) -> int:
        """Days for which the audit keeps what was done; default 400."""
        return self._whole("AUDIT_DAYS", "400", "days")

    @property
    def kept(self) -> Kept:
        """How long what was pushed is kept."""
        return Kept(timedelta(days=self.call_days), timedelta(days=self.sms_days))

    @property
    def call_days(self) -> int:
        """Days for which what was pushed of calls is kept; default 400."""
        return self._whole("CALL_DAYS", str(KEPT_DAYS), "days")

    @property
    def sms_days(self) -> int:
        """Days for which SMS are kept with their texts; default 400."""
        return self._whole("SMS_DAYS", str(KEPT_DAYS), "days")

    @property
    def recording_days(self) -> int:
        """Days for which the bucket keeps a recording; default 180."""
        return self._whole("RECORDING_DAYS", "180", "days")

    @property
    def recording_retry_seconds(self) -> tuple[int, ...]:
        """Moments of the attempts to fetch a recording, in seconds after its CDR, ascending.

        Default: at once, 10 min, 1 h, 6 h, then daily until day 6 (recording-and-call-stop.md §2).
        """
        text = self.variables.get("RECORDING_RETRY_SECONDS", "")
        parts = [part.strip() for part in text.split(",")] if text else []
        if not all(part.isascii() and part.isdigit() for part in parts):
            raise SettingsError("RECORDING_RETRY_SECONDS: must be a comma-separated list of whole numbers")
        offsets = tuple(map(int, parts)) or (0, 600, 3600, 21_600, *(86_400 * day for day in range(1, 7)))
        if offsets[-1] >= _RETENTION_S or list(offsets) != sorted(set(offsets)):
            raise SettingsError("RECORDING_RETRY_SECONDS: must ascend and end before day 7 (604800)")
        return offsets

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
        return http_url(proxy, "OUTBOUND_PROXY") if proxy else None

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
    def import_layouts(self) -> str | None:
        """How the console's files are laid out, as JSON text by kind of file, or None as built in."""
        return self.variables.get("IMPORT_LAYOUTS")

    @property
    def rent_allocation(self) -> RentAllocation:
        """Default ``number``."""
        return RentAllocation(self._choice("RENT_ALLOCATION", RentAllocation, RentAllocation.NUMBER))

    @property
    def package_allocation(self) -> PackageAllocation:
        """Default ``per_unit``."""
        allowed, default = PackageAllocation, PackageAllocation.PER_UNIT
        return PackageAllocation(self._choice("PACKAGE_ALLOCATION", allowed, default))

    @property
    def close_day(self) -> int:
        """Day of the month, Beijing time, from whose noon on last month is closed (billing-rules.md §9.4)."""
        day = self._whole("CLOSE_DAY", str(CLOSE_DAY), "days")
        if day not in range(CLOSE_DAY, 29):
            raise SettingsError(f"CLOSE_DAY: must be a day from {CLOSE_DAY} to 28")
        return day

    @property
    def tolerance_line(self) -> Decimal:
        """What a line of the bill may differ by as rounding, in CNY; default 0.01 (billing-rules.md §9.3)."""
        text = self.variables.get("TOLERANCE_LINE", str(TOLERANCE_LINE))
        if not _BELOW_ONE.fullmatch(text):
            raise SettingsError("TOLERANCE_LINE: must be an amount below 1 CNY with a point, such as 0.01")
        return Decimal(text)

    @property
    def memory_mb(self) -> int | None:
        """Memory of the function; None where nobody limits it."""
        return self._whole(_MEMORY, "0", "megabytes") or None

    @property
    def budgets(self) -> str | None:
        """Budgets of a month as JSON text, or None."""
        return self.variables.get("BUDGETS")

    @property
    def idle_days(self) -> int:
        """Days without any use after which an X counts as idle; default 30."""
        return self._whole("IDLE_DAYS", "30", "days")

    @property
    def complaint_limit(self) -> Decimal:
        """Complaints by number used in a month that close the business; default 0.0001 (operations.md §9)."""
        text = self.variables.get("COMPLAINT_LIMIT", "0.0001")
        if not _SHARE.fullmatch(text) or not Decimal(text) > 0:
            raise SettingsError("COMPLAINT_LIMIT: must be a share above 0 and below 1, such as 0.0001")
        return Decimal(text)

    @property
    def margin_seconds(self) -> int:
        """How much later than ours the platform's own expiry of a binding is set; default one hour."""
        return self._whole("MARGIN_SECONDS", "3600", "seconds")

    @property
    def block_seconds(self) -> float:
        """Time to answer a question of the platform; default 2, at most 4: after 5 it gives up (x.md)."""
        text = self.variables.get("BLOCK_SECONDS", "2")
        if not _SECONDS.fullmatch(text) or not 0 < float(text) <= 4:
            raise SettingsError("BLOCK_SECONDS: must be a number of seconds above 0, at most 4")
        return float(text)

    @property
    def drift_requests_per_second(self) -> float:
        """Pace of drift repair at the platform; default 5, so that business is not slowed by flow control."""
        text = self.variables.get("DRIFT_REQUESTS_PER_SECOND", "5")
        if not _SECONDS.fullmatch(text) or not float(text) > 0:
            raise SettingsError("DRIFT_REQUESTS_PER_SECOND: must be a number above 0, below 100")
        return float(text)

    def _whole(self, name: str, default: str, unit: str) -> int:
        text = self.variables.get(name, default)
        if not (text.isascii() and text.isdigit()):
            raise SettingsError(f"{name}: must be a whole number of {unit}")
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


def http_url(value: str, name: str) -> str:
    """An address without query, or SettingsError by the name of what holds it."""
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise SettingsError(f"{name}: must be an http or https address without query")
    return value.rstrip("/")
