"""Questions to the customer's server: signed like every push, asked once, answered in time or not at all.

X mode asks about each call and SMS, AX about SMS without a receiver (notifications.md §4.5, §6.5).
"""

from __future__ import annotations

from dataclasses import dataclass

from emulator.deliveries import PushKind
from emulator.events import Body
from emulator.pushes import Pusher, address_for
from emulator.pushfaults import altered, copies
from emulator.world import Application

NEVER_ASKED = frozenset({"lose", "delay"})
"""Faults of pushes that leave a question without an answer in time."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, of whom, and how many seconds the answer may take."""

    application: Application
    kind: PushKind
    body: Body
    timeout_s: float


async def ask(pusher: Pusher, question: Question) -> bytes | None:
    """Ask; return the body of a usable answer, None for no address, no answer in time or another status.

    A question that a fault duplicates is asked again; only the first answer counts.
    """
    url = address_for(question.application, question.kind, question.body)
    if not url:
        return None
    fault = pusher.fault_for(question.application, question.kind, question.body)
    if fault is not None and fault.kind in NEVER_ASKED:
        return None
    body = altered(question.body, fault)
    answer = await pusher.ask(question.application, question.kind, url, body, question.timeout_s, fault)
    for _ in range(copies(fault)):
        await pusher.ask(question.application, question.kind, url, body, question.timeout_s, None)
    return answer
