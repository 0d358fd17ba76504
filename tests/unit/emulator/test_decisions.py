"""Every decision that can be set is a setting, with its default (emulator-decisions.md)."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from emulator.admin.models import ApplicationInput
from emulator.settings import EmulatorSettings
from emulator.world import Account

NONE: tuple[str, ...] = ()
MINUTES = (1, 4, 9, 106, 203, 300)
DECISIONS: list[tuple[int, str, Any]] = [
    (1, "emu.strictness", "lenient"),
    (3, "emu.http.allow_plain", True),
    (4, "emu.http.connection_close", True),
    (5, "emu.net.drop_cidrs", NONE),
    (8, "emu.seed", 1),
    (9, "emu.app.change_delay_s", 0),
    (10, "emu.auth.schemes", ("aksk", "wsse")),
    (11, "emu.push.scheme", "aksk"),
    (20, "emu.auth.accept_hex_digest", False),
    (21, "emu.auth.created_tolerance_s", 29_100),
    (23, "emu.auth.nonce_reuse_s", None),
    (24, "emu.auth.lockout.threshold", 10),
    (24, "emu.auth.lockout.window_s", 600),
    (24, "emu.auth.lockout.lock_s", 1800),
    (25, "emu.auth.lockout.exempt", ("127.0.0.1", "::1")),
    (27, "app.ip_allowlist", []),
    (28, "emu.flow.app_tps", 0),
    (28, "emu.flow.requester_tps", 0),
    (28, "emu.flow.penalty_s", 0),
    (30, "app.status", "normal"),
    (31, "account.frozen", False),
    (32, "app.secrets", ["secret"]),
    (38, "emu.push.resign", True),
    (50, "emu.push.user_data", True),
    (51, "app.voice_files", None),
    (55, "emu.query.subscribe_time_zone", "Asia/Shanghai"),
    (56, "emu.numbers.validation", "platform"),
    (59, "emu.areas.extra", {}),
    (60, "emu.numbers.mobile_home", {}),
    (60, "emu.numbers.default_home_area", "0755"),
    (62, "emu.numbers.pick", "random"),
    (66, "emu.arrears.resume_delay_s", 600),
    (67, "emu.calls.unregistered_a_code", 8058),
    (68, "app.registered_a", None),
    (69, "emu.limits.x_per_a", 5),
    (70, "emu.limits.axb_pairs_per_x", 5000),
    (71, "emu.limits.axyb_relations_per_y", 1000),
    (72, "emu.limits.binds_per_number_per_day", 0),
    (81, "emu.ax.turn_off_code", 8104),
    (88, "emu.ax.temp_callee_consumption", "first_call"),
    (107, "emu.axe.default_bind_expired_hours", 0),
    (112, "app.axe_digits", 4),
    (113, "emu.axe.allocation", "random"),
    (121, "emu.axe.query_returns_bind_values", True),
    (122, "emu.axe.first_digit_s", 10),
    (122, "emu.axe.next_digit_s", 5),
    (123, "app.axe.repeat_count", 3),
    (125, "emu.axe.callback_record_on", "callout"),
    (126, "app.axe.callback_default", "none"),
    (135, "emu.axyb.max_yb_per_ax", 0),
    (136, "emu.axyb.auto_y", True),
    (142, "emu.block.call_timeout_s", 5),
    (142, "emu.block.sms_timeout_s", 5),
    (147, "emu.x.allow_other_display", False),
    (159, "emu.calls.record_without_hint", "connect"),
    (161, "emu.calls.no_answer_s", 60),
    (162, "emu.calls.connect_timeout_s", 90),
    (163, "app.caller_blacklist", []),
    (163, "app.callee_blacklist", []),
    (165, "emu.session_id_style", "classic"),
    (166, "emu.recording.short_call", "not_recorded"),
    (167, "emu.recording.retention_s", 604_800),
    (168, "emu.recording.url_ttl_s", 259_200),
    (169, "emu.recording.delivery", "api"),
    (170, "emu.recording.domain", "ostor.example.com"),
    (171, "emu.arrears.record_code", "1010029"),
    (175, "emu.callstop.modes", ("AX", "AXB", "AXE", "AXYB", "X")),
    (176, "emu.callstop.ended_code", "1020152"),
    (188, "emu.push.success", "2xx"),
    (189, "emu.push.timeout_s", 5),
    (189, "emu.push.parallel", 16),
    (189, "emu.push.tls_verify", True),
    (190, "emu.push.retry_base", "offset"),
    (190, "emu.push.retry_minutes", MINUTES),
    (191, "emu.push.sms_retry_minutes", MINUTES),
    (194, "emu.push.empty_optional", "omit"),
    (196, "emu.cdr.service_type", {"AX": "003", "AXB": "004", "AXE": "004", "AXYB": "004", "X": "004"}),
    (198, "emu.cdr.merge_window_ms", 1000),
    (198, "emu.cdr.max_batch", 50),
    (198, "emu.cdr.delay_ms", 0),
    (199, "emu.cdr.arranged_fields", NONE),
    (199, "emu.cdr.extra_fields", NONE),
    (200, "emu.sms.from_suffix_number", "national"),
    (201, "app.sms_content", True),
    (202, "app.push_num_status", False),
    (207, "app.commercial", True),
    (207, "app.sms", True),
    (207, "app.sms_keywords", []),
    (207, "app.sms_forbidden_words", []),
]
"""Each row whose setting is the emulator's, an application's or an account's; the others are fixed."""


def value_of(path: str) -> Any:
    """Find a setting by the name that the decisions give it."""
    prefix, _, name = path.partition(".")
    if prefix == "account":
        return getattr(Account(), name)
    if prefix == "app":
        return getattr(ApplicationInput(secrets=["secret"]), name.replace(".", "_"))
    found: Any = EmulatorSettings()
    for part in name.split("."):
        assert isinstance(found, BaseModel)
        found = getattr(found, part)
    return found


@pytest.mark.parametrize(
    ("row", "path", "default"), DECISIONS, ids=[f"{row}-{path}" for row, path, _ in DECISIONS]
)
def test_a_decision_is_a_setting_with_its_default(row: int, path: str, default: Any) -> None:
    assert value_of(path) == default


def test_every_setting_belongs_to_a_decision_or_is_named_here() -> None:
    """What no decision asks for serves demonstrations and money (billing-rules.md §10)."""
    settings = EmulatorSettings()
    paths = {f"emu.{path}" for path in _leaves(settings)}
    own = {
        "emu.signing_clock",
        "emu.price.packages",
        *(f"emu.price.{item}.{kind}" for item in ("rent", "call", "sms") for kind in ("virtual", "carrier")),
    }
    assert paths - {path for _, path, _ in DECISIONS} == own


@pytest.mark.parametrize(
    ("row", "path", "strict"),
    [
        (21, "auth.created_tolerance_s", 300),
        (23, "auth.nonce_reuse_s", 0),
        (56, "numbers.validation", "strict"),
        (159, "calls.record_without_hint", "intercept"),
        (188, "push.success", "200"),
    ],
)
def test_strict_changes_the_defaults_of_five(row: int, path: str, strict: Any) -> None:
    """Rows with a lenient and a strict value; a value of its own wins over both."""
    group, name = path.split(".")
    lenient = getattr(getattr(EmulatorSettings(), group), name)
    assert getattr(getattr(EmulatorSettings(strictness="strict"), group), name) == strict != lenient
    own = EmulatorSettings.model_validate({"strictness": "strict", group: {name: lenient}})
    assert getattr(getattr(own, group), name) == lenient


def test_a_block_that_is_none_is_refused() -> None:
    with pytest.raises(ValidationError):
        EmulatorSettings.model_validate({"net": {"drop_cidrs": ["203.0.113.0/33"]}})


def _leaves(model: BaseModel, prefix: str = "") -> list[str]:
    found: list[str] = []
    for name in type(model).model_fields:
        value = getattr(model, name)
        deeper = isinstance(value, BaseModel)
        found += _leaves(value, f"{prefix}{name}.") if deeper else [prefix + name]
    return found
