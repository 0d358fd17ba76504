"""An SMS as it is read back from the Bills table (keys: ``fact_rows``)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from privatenumber.sms_parts import TextSize, noted_size
from privatenumber.times import from_iso


@dataclass(frozen=True, slots=True)
class SmsFact:
    """A stored SMS notice (notifications.md §6.2, billing-rules.md §4).

    ``sms``, ``calling`` and ``called`` are tokens, ``x`` is a private number, the text is only in ``sealed``.
    ``split_num`` is what the platform says was sent; ``parts_received`` and ``parts_forwarded`` are counted
    from the text as it came and as the platform forwards it, where the text is delivered; the sizes say the
    same to whoever counts by other limits (rows of old have none). ``at_number`` is
    what the end of A's text says in AX: ``valid``, ``missing`` or ``malformed``; ``at_fault`` what is wrong
    with it, ``receiver`` the token of whom it names; ``sender_appended`` whether A gets ``[From…]``. These
    codes are explained in `codes.sms_receivers`.
    """

    key: tuple[str, str]
    application: str
    mode: str | None
    sms: str | None
    notify_mode: str | None
    at: datetime | None
    subscription_id: str | None
    x: str | None = field(repr=False)
    calling: str | None
    called: str | None
    send_result: int | None
    split_num: int | None
    direction: int | None
    at_number: str | None
    at_fault: str | None
    receiver: str | None
    sender_appended: bool
    parts_received: int | None
    parts_forwarded: int | None
    digest: str
    received_at: datetime
    flags: tuple[str, ...]
    sealed: bytes = field(repr=False)
    size_received: TextSize | None = None
    size_forwarded: TextSize | None = None


def read_sms(item: Mapping[str, Any]) -> SmsFact:
    """An `SmsFact` from a decoded row of the table."""
    received, forwarded = _size(item, "received"), _size(item, "forwarded")
    return SmsFact(
        key=(item["pk"], item["sk"]),
        application=item["application"],
        mode=item.get("mode"),
        sms=item.get("sms"),
        notify_mode=item.get("notify_mode"),
        at=from_iso(item["at"]) if "at" in item else None,
        subscription_id=item.get("subscription_id"),
        x=item.get("x"),
        calling=item.get("calling"),
        called=item.get("called"),
        send_result=_integer(item, "send_result"),
        split_num=_integer(item, "split_num"),
        direction=_integer(item, "direction"),
        at_number=item.get("at_number"),
        at_fault=item.get("at_fault"),
        receiver=item.get("receiver"),
        sender_appended=item.get("sender_appended", False),
        parts_received=None if received is None else received.parts(),
        parts_forwarded=None if forwarded is None else forwarded.parts(),
        digest=item["digest"],
        received_at=from_iso(item["received_at"]),
        flags=tuple(item.get("flags", ())),
        sealed=bytes(item["sealed"]),
        size_received=received,
        size_forwarded=forwarded,
    )


def _size(item: Mapping[str, Any], text: str) -> TextSize | None:
    note = item.get(f"size_{text}")
    return None if note is None else noted_size(note)


def _integer(item: Mapping[str, Any], name: str) -> int | None:
    value = item.get(name)
    return None if value is None else int(value)
