"""Every setting of the emulator in one typed model (protocol: emulator-decisions.md).

Names follow the decisions: ``emu.push.retry_minutes`` is ``EmulatorSettings.push.retry_minutes``. Durations
are seconds unless a name says otherwise. A setting marked "L/S" takes its default from ``strictness`` unless
it is set itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from ipaddress import ip_network
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from emulator.bounds import LARGEST, too_large

Strictness = Literal["lenient", "strict"]

STRICTNESS_DEFAULTS: Mapping[str, Mapping[Strictness, Mapping[str, Any]]] = {
    "auth": {
        "lenient": {"created_tolerance_s": 29_100, "nonce_reuse_s": None},
        "strict": {"created_tolerance_s": 300, "nonce_reuse_s": 0},
    },
    "numbers": {"lenient": {"validation": "platform"}, "strict": {"validation": "strict"}},
    "calls": {
        "lenient": {"record_without_hint": "connect"},
        "strict": {"record_without_hint": "intercept"},
    },
    "push": {"lenient": {"success": "2xx"}, "strict": {"success": "200"}},
}


def _block(text: str) -> str:
    """Take an address or a block of addresses as it is written. ValueError: it is neither."""
    ip_network(text, strict=False)
    return text


AddressBlock = Annotated[str, AfterValidator(_block)]


class _Group(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="after")
    def _within_bounds(self) -> _Group:
        beyond = [name for name, value in self if too_large(value)]
        if beyond:
            raise ValueError(f"{', '.join(beyond)}: at most {LARGEST}")
        return self


class HttpSettings(_Group):
    """Transport of the API (auth.md §1). ``allow_plain`` false: the API is served over HTTPS only."""

    allow_plain: bool = True
    connection_close: bool = True


class NetSettings(_Group):
    """Callers that are not served, as addresses outside mainland China are not: blocks (auth.md §1)."""

    drop_cidrs: tuple[AddressBlock, ...] = ()


class AppSettings(_Group):
    """Settings of applications in the console: when a changed one takes effect (notifications.md §2.7)."""

    change_delay_s: int = Field(0, ge=0)


class LockoutSettings(_Group):
    """Lock-out of an address after failed authentications (auth.md §9)."""

    threshold: int = Field(10, ge=0)
    window_s: int = Field(600, ge=1)
    lock_s: int = Field(1800, ge=1)
    exempt: tuple[str, ...] = ("127.0.0.1", "::1")


class AuthSettings(_Group):
    """Authentication of API requests (auth.md §2-§9). ``nonce_reuse_s`` None: free while Created is."""

    schemes: tuple[Literal["aksk", "wsse"], ...] = ("aksk", "wsse")
    accept_hex_digest: bool = False
    created_tolerance_s: int = Field(29_100, ge=0)
    nonce_reuse_s: int | None = Field(None, ge=0)
    lockout: LockoutSettings = LockoutSettings()


class FlowSettings(_Group):
    """Flow control, requests per second; 0 = off (auth.md §11)."""

    app_tps: int = Field(0, ge=0)
    requester_tps: int = Field(0, ge=0)
    penalty_s: int = Field(0, ge=0)


class NumberSettings(_Group):
    """Reading of numbers and choice of X (numbers.md §1.2, §2.1)."""

    validation: Literal["platform", "strict"] = "platform"
    mobile_home: dict[str, str] = Field(default_factory=dict)
    default_home_area: str = "0755"
    pick: Literal["random", "least_loaded", "ordered"] = "random"


class AreaSettings(_Group):
    """Extension of the table city code -> province (numbers.md §2)."""

    extra: dict[str, str] = Field(default_factory=dict)


class LimitSettings(_Group):
    """Capacities (numbers.md §4); ``binds_per_number_per_day`` 0 = off."""

    axb_pairs_per_x: int = Field(5000, ge=1)
    axyb_relations_per_y: int = Field(1000, ge=1)
    x_per_a: int = Field(5, ge=1)
    binds_per_number_per_day: int = Field(0, ge=0)


class QuerySettings(_Group):
    """Presentation of query results (numbers.md §7.5)."""

    subscribe_time_zone: Literal["Asia/Shanghai", "UTC"] = "Asia/Shanghai"


class CallSettings(_Group):
    """The call model (axb.md §6)."""

    no_answer_s: int = Field(60, ge=1)
    connect_timeout_s: int = Field(90, ge=1)
    record_without_hint: Literal["connect", "intercept"] = "connect"
    unregistered_a_code: Literal[8058, 8059] = 8058


class AxSettings(_Group):
    """AX calls (ax.md §6, §7)."""

    turn_off_code: int = Field(8104, ge=0)
    temp_callee_consumption: Literal["first_call", "expiry_only"] = "first_call"


class AxeSettings(_Group):
    """AXE (axe.md). ``default_bind_expired_hours`` 0: a binding without an end lives for ever."""

    default_bind_expired_hours: int = Field(0, ge=0, le=720)
    allocation: Literal["random", "sequential"] = "random"
    query_returns_bind_values: bool = True
    first_digit_s: int = Field(10, ge=1)
    next_digit_s: int = Field(5, ge=1)
    callback_record_on: Literal["callout", "answer"] = "callout"


class AxybSettings(_Group):
    """AXYB (axyb.md §1). ``max_yb_per_ax`` 0: no limit."""

    auto_y: bool = True
    max_yb_per_ax: int = Field(0, ge=0)


class XSettings(_Group):
    """X mode (x.md §2)."""

    allow_other_display: bool = False


class BlockSettings(_Group):
    """How long a question to the customer's server may take, in seconds (x.md §2, notifications.md §6.5)."""

    call_timeout_s: float = Field(5.0, gt=0)
    sms_timeout_s: float = Field(5.0, gt=0)


class CallStopSettings(_Group):
    """Terminate call (recording-and-call-stop.md §3)."""

    modes: tuple[str, ...] = ("AX", "AXB", "AXE", "AXYB", "X")
    ended_code: Literal["1020152", "1010002"] = "1020152"


class SmsSettings(_Group):
    """SMS (notifications.md §6.1)."""

    from_suffix_number: Literal["national", "global"] = "national"


class RecordingSettings(_Group):
    """Recordings (recording-and-call-stop.md). ``url_ttl_s`` never reaches beyond ``retention_s``."""

    short_call: Literal["not_recorded", "recorded", "flag_without_file"] = "not_recorded"
    delivery: Literal["api", "direct_url"] = "api"
    domain: str = "ostor.example.com"
    retention_s: int = Field(604_800, ge=1)
    url_ttl_s: int = Field(259_200, ge=1)


class PushSettings(_Group):
    """Delivery of pushes (notifications.md §2.6, §8)."""

    scheme: Literal["aksk", "wsse"] = "aksk"
    success: Literal["2xx", "200"] = "2xx"
    timeout_s: float = Field(5.0, gt=0)
    parallel: int = Field(16, ge=1)
    tls_verify: bool = True
    resign: bool = True
    user_data: bool = True
    retry_base: Literal["offset", "successive"] = "offset"
    retry_minutes: tuple[float, ...] = (1, 4, 9, 106, 203, 300)
    sms_retry_minutes: tuple[float, ...] = (1, 4, 9, 106, 203, 300)
    empty_optional: Literal["omit", "empty"] = "omit"


class CdrSettings(_Group):
    """CDRs and their batching (notifications.md §5, §12)."""

    merge_window_ms: int = Field(1000, ge=0)
    max_batch: int = Field(50, ge=1, le=50)
    delay_ms: int = Field(0, ge=0)
    arranged_fields: tuple[Literal["areaCode", "callRelDirection", "callDuration"], ...] = ()
    extra_fields: tuple[Literal["voiceCheckType"], ...] = ()
    service_type: dict[str, str] = Field(
        default_factory=lambda: {"AX": "003", "AXB": "004", "AXE": "004", "AXYB": "004", "X": "004"}
    )


class ByNumberType(_Group):
    """A price in CNY for both number types."""

    virtual: Decimal
    carrier: Decimal


class PackagePrice(_Group):
    """A yearly package: call minutes of all numbers, SMS parts of virtual ones, CNY (billing-rules.md §5)."""

    minutes: int = Field(ge=1)
    parts: int = Field(ge=0)
    price: Decimal = Field(ge=0)


class PriceSettings(_Group):
    """``account.price.*``: what the emulator's own books charge, CNY (billing-rules.md §2, §5, §9.5)."""

    rent: ByNumberType = ByNumberType(virtual=Decimal(5), carrier=Decimal(15))
    call: ByNumberType = ByNumberType(virtual=Decimal("0.10"), carrier=Decimal("0.10"))
    sms: ByNumberType = ByNumberType(virtual=Decimal("0.28"), carrier=Decimal("0.27"))
    packages: tuple[PackagePrice, ...] = (
        PackagePrice(minutes=500, parts=50, price=Decimal(38)),
        PackagePrice(minutes=5_000, parts=150, price=Decimal(280)),
        PackagePrice(minutes=50_000, parts=1_000, price=Decimal(2_500)),
        PackagePrice(minutes=500_000, parts=10_000, price=Decimal(22_500)),
    )


class ArrearsSettings(_Group):
    """Arrears of the account (numbers.md §3)."""

    resume_delay_s: int = Field(600, ge=0)
    record_code: Literal["1010029", "1012007"] = "1010029"


class EmulatorSettings(BaseModel):
    """All settings of one emulator.

    ``signing_clock`` says which clock signatures live on, in both directions: the emulator's own (the
    documented behaviour) or the machine's, for a demonstration that drives the emulator's clock far ahead of
    its clients.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    strictness: Strictness = "lenient"
    seed: int = 1
    session_id_style: Literal["classic", "with_numbers"] = "classic"
    signing_clock: Literal["emulator", "machine"] = "emulator"
    http: HttpSettings = HttpSettings()
    net: NetSettings = NetSettings()
    app: AppSettings = AppSettings()
    auth: AuthSettings = AuthSettings()
    flow: FlowSettings = FlowSettings()
    numbers: NumberSettings = NumberSettings()
    areas: AreaSettings = AreaSettings()
    limits: LimitSettings = LimitSettings()
    query: QuerySettings = QuerySettings()
    calls: CallSettings = CallSettings()
    ax: AxSettings = AxSettings()
    axe: AxeSettings = AxeSettings()
    axyb: AxybSettings = AxybSettings()
    x: XSettings = XSettings()
    block: BlockSettings = BlockSettings()
    callstop: CallStopSettings = CallStopSettings()
    sms: SmsSettings = SmsSettings()
    recording: RecordingSettings = RecordingSettings()
    push: PushSettings = PushSettings()
    cdr: CdrSettings = CdrSettings()
    price: PriceSettings = PriceSettings()
    arrears: ArrearsSettings = ArrearsSettings()

    @model_validator(mode="before")
    @classmethod
    def _defaults_by_strictness(cls, data: Any) -> Any:
        if not isinstance(data, Mapping):
            return data
        filled = dict(data)
        strictness: Strictness = "strict" if filled.get("strictness") == "strict" else "lenient"
        for group, choices in STRICTNESS_DEFAULTS.items():
            given = filled.get(group) or {}
            if isinstance(given, Mapping):
                filled[group] = {**choices[strictness], **given}
        return filled

    @property
    def strict(self) -> bool:
        """Whether only the documented form is accepted."""
        return self.strictness == "strict"
