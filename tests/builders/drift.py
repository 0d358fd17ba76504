"""Drift runs over a desk, and changes made behind our back: through the platform's own API, not our books."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from builders.bindings import APPLICATION, Desk, demo_application
from builders.emulator import X1
from privatenumber.bindings.drift_model import Run, RunState
from privatenumber.bindings.drift_service import DriftService
from privatenumber.deadline import Deadline
from privatenumber.platform.ax import AxBind, AxModify
from privatenumber.platform.axb import AxbBind, AxbModify
from privatenumber.platform.axe import AxeBind
from privatenumber.platform.axyb import AxybBindAx
from privatenumber.platform.client import MemoryPauses, PlatformClient, Urllib3Transport
from privatenumber.settings import Mode
from privatenumber.store.drift import DriftStore


@dataclass
class Console:
    """Somebody else with the application's keys: what he does, our books do not know."""

    client: PlatformClient
    mode: Mode

    @property
    def _deadline(self) -> Deadline:
        return Deadline.after(20)

    def unbind(self, subscription_id: str) -> None:
        calls: dict[Mode, Any] = {
            Mode.AX: lambda: self.client.ax.unbind(subscription_id, deadline=self._deadline),
            Mode.AXB: lambda: self.client.axb.unbind(subscription_id, deadline=self._deadline),
            Mode.AXE: lambda: self.client.axe.unbind(subscription_id, deadline=self._deadline),
            Mode.AXYB: lambda: self.client.axyb.unbind_ax(subscription_id, deadline=self._deadline),
        }
        calls[self.mode]()

    def unbind_y(self, subscription_id: str, y: str) -> None:
        self.client.axyb.unbind_y(subscription_id, y, deadline=self._deadline)

    def bind(self, a: str, b: str, *, x: str = X1, extension: str | None = None, life_s: int = 7200) -> str:
        """Bind somebody to an X; the id. In AXYB the platform chooses X."""
        if self.mode is Mode.AX:
            return self.client.ax.bind(AxBind(a=a, x=x), deadline=self._deadline).subscription_id
        if self.mode is Mode.AXE:
            wish = AxeBind(a=a, x=x, extension=extension, life_minutes=life_s // 60)
            return self.client.axe.bind(wish, deadline=self._deadline).subscription_id
        if self.mode is Mode.AXYB:
            ax = AxybBindAx(a=a, area_code="0755", duration=life_s)
            return self.client.axyb.bind_ax(ax, deadline=self._deadline).subscription_id
        pair = AxbBind(a=a, b=b, x=x, duration=life_s)
        return self.client.axb.bind(pair, deadline=self._deadline).subscription_id

    def modify(self, subscription_id: str, **changes: Any) -> None:
        """Change a binding of AX or AXB."""
        if self.mode is Mode.AX:
            self.client.ax.modify(
                AxModify(subscription_id=subscription_id, **changes), deadline=self._deadline
            )
        else:
            self.client.axb.modify(
                AxbModify(subscription_id=subscription_id, **changes), deadline=self._deadline
            )


def console_of(desk: Desk) -> Console:
    """The console beside a desk."""
    client = PlatformClient(
        demo_application(desk.emulator.address, desk.mode),
        transport=Urllib3Transport(),
        pauses=MemoryPauses(desk.clock),
        clock=desk.clock,
        sleep=lambda seconds: None,
    )
    return Console(client, desk.mode)


def drift_of(desk: Desk, store: DriftStore | None = None) -> DriftService:
    """Drift repair over the books of a desk."""
    return DriftService(desk.engine, store or DriftStore(desk.table.client, desk.table.name))


def finish(desk: Desk, drift: DriftService, run: Run, *, ticks: int = 50) -> Run:
    """Tick until a run is done, letting time pass to whatever it waits for."""
    for _ in range(ticks):
        (now,) = [one for one in drift.runs(APPLICATION, limit=50) if one.id == run.id]
        if now.state is RunState.DONE:
            return now
        wait = (now.due_at - desk.clock()).total_seconds()
        if wait > 0:
            desk.advance(wait)
        desk.sweep()
        drift.tick([APPLICATION], left=lambda: 250.0)
    raise AssertionError("the run does not end")


def run_now(desk: Desk, *, repair: bool = True) -> list[dict[str, Any]]:
    """A whole run; every difference that it found and that was still there when it was looked at again."""
    drift = drift_of(desk)
    run = finish(desk, drift, drift.start(APPLICATION, actor="tester", repair=repair))
    return [one for one in found_by(drift, run) if one["state"] != "gone"]


def found_by(drift: DriftService, run: Run) -> list[dict[str, Any]]:
    """All differences of a run, page by page."""
    found: list[dict[str, Any]] = []
    after: str | None = None
    while True:
        page = drift.report(APPLICATION, run.id, limit=3, after=after).differences
        found += [dict(item) for item in page.items]
        if page.cursor is None:
            return found
        after = page.cursor
