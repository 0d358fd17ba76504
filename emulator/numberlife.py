"""What happens to X numbers from outside: states, arrears (numbers.md §3, notifications.md §7)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from emulator.clock import Handle, Scheduler
from emulator.numstatus import push_number_status
from emulator.pushes import Pusher
from emulator.settings import EmulatorSettings
from emulator.world import Account, Application, Number, NumberStatus, World
from privatenumber.times import beijing_day

CAUSES = frozenset("12356789")


class NumberLife:
    """Changes states and tells the applications that want to know."""

    def __init__(
        self, world: World, scheduler: Scheduler, pusher: Pusher, settings: EmulatorSettings
    ) -> None:
        self._world = world
        self._scheduler = scheduler
        self._pusher = pusher
        self._settings = settings
        self._before_arrears: dict[str, tuple[NumberStatus, str | None]] = {}
        self._resuming: dict[str, Handle] = {}

    def change(self, x: str, status: NumberStatus, cause: str | None = None) -> Number:
        """Set the state of a number and push it when it is another one.

        A deleted number (10 with cause 1) loses its bindings and counts as unsubscribed today.
        KeyError: unknown number. ValueError: a cause that does not exist, or with another status than 10.
        """
        if cause is not None and (status is not NumberStatus.UNAVAILABLE or cause not in CAUSES):
            raise ValueError(f"a cause stands with status 10 only and is one of {', '.join(sorted(CAUSES))}")
        before = self._world.numbers[x]
        changed = self._world.set_number_status(x, status, cause, self._scheduler.now())
        if changed.deleted and changed.unsubscribed_on is None:
            changed = replace(changed, unsubscribed_on=beijing_day(self._scheduler.now()))
            self._world.put_number(changed, self._scheduler.now())
        if (before.status, before.cause) != (status, cause):
            push_number_status(self._world, self._pusher, [changed])
        return changed

    def enter_arrears(self, account_id: str) -> Account:
        """Freeze an account: its APIs refuse, its numbers are suspended. KeyError: unknown account."""
        account = self._world.accounts[account_id]
        handle = self._resuming.pop(account_id, None)
        if handle is not None:
            handle.cancel()
        if account.frozen:
            return account
        account.frozen = True
        for application in self._applications(account_id):
            numbers = [n for n in self._world.numbers_of(application.app_key) if not n.deleted]
            self._before_arrears |= {number.x: (number.status, number.cause) for number in numbers}
            self._set_all(numbers, [(NumberStatus.SUSPENDED, None)] * len(numbers))
        return account

    def pay(self, account_id: str) -> Account:
        """Pay the debt; service resumes ``arrears.resume_delay_s`` later. KeyError: unknown account."""
        account = self._world.accounts[account_id]

        async def resume() -> None:
            self._resume(account)

        if account.frozen and account_id not in self._resuming:
            delay_s = self._settings.arrears.resume_delay_s
            self._resuming[account_id] = self._scheduler.after(delay_s, resume, f"resume {account_id}")
        return account

    def _resume(self, account: Account) -> None:
        account.frozen = False
        self._resuming.pop(account.id, None)
        for application in self._applications(account.id):
            numbers = [
                number
                for number in self._world.numbers_of(application.app_key)
                if number.x in self._before_arrears and not number.deleted
            ]
            self._set_all(numbers, [self._before_arrears.pop(number.x) for number in numbers])

    def _set_all(self, numbers: Sequence[Number], states: Sequence[tuple[NumberStatus, str | None]]) -> None:
        now = self._scheduler.now()
        changed = [
            self._world.set_number_status(number.x, status, cause, now)
            for number, (status, cause) in zip(numbers, states, strict=True)
            if (number.status, number.cause) != (status, cause)
        ]
        push_number_status(self._world, self._pusher, changed)

    def _applications(self, account_id: str) -> Iterator[Application]:
        return (app for app in list(self._world.applications.values()) if app.account == account_id)
