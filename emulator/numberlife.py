"""The life of X numbers: issue, states, transfer, return, and what arrears do to them (numbers.md §3).

operations.md §6 gives the states, notifications.md §7 says which of their changes are pushed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from emulator.clock import Handle, Scheduler
from emulator.inventory import Account, ConsoleState, Number, NumberStatus
from emulator.numstatus import push_number_status
from emulator.pushes import Pusher
from emulator.settings import EmulatorSettings
from emulator.world import World
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

    def order(self, numbers: Sequence[Number], after_s: int = 0) -> list[Number]:
        """Issue numbers, now or so many seconds later; a number without a date is issued on that day.

        Issued ones are returned. ValueError: the account is in arrears, or a number is in use.
        """
        for number in numbers:
            known = self._world.numbers.get(number.x)
            if known is not None and known.owned_by(known.app_key) and known.app_key != number.app_key:
                raise ValueError("the number belongs to another application; transfer it")
            if self._world.account_of(number.app_key).frozen:
                raise ValueError("the account is in arrears: nothing can be ordered")
        if after_s == 0:
            return self._issue(numbers)

        async def issue() -> None:
            self._issue(numbers)

        self._scheduler.after(after_s, issue, "issue of numbers")
        return []

    def activate(self, x: str) -> Number:
        """Put a number that waited for its real-name registration into use. KeyError, ValueError."""
        if self._world.numbers[x].console is not ConsoleState.PENDING_REAL_NAME:
            raise ValueError("the number does not wait for activation")
        return self._put(replace(self._world.numbers[x], console=ConsoleState.IN_USE))

    def switch_sms(self, x: str, on: bool) -> Number:
        """Switch SMS of a number on or off, for its bindings, too. KeyError: unknown number."""
        return self._put(replace(self._world.numbers[x], sms=on))

    def change(self, x: str, status: NumberStatus, cause: str | None = None) -> Number:
        """Set the state of a number and push it when it is another one.

        A deleted number (10 with cause 1) loses its bindings and counts as unsubscribed today. During arrears
        the state is also the one that comes back after them. KeyError: unknown number. ValueError: a cause
        that does not exist, or with another status than 10; a number that was returned.
        """
        if cause is not None and (status is not NumberStatus.UNAVAILABLE or cause not in CAUSES):
            raise ValueError(f"a cause stands with status 10 only and is one of {', '.join(sorted(CAUSES))}")
        before = self._world.numbers[x]
        _check_there(before)
        changed = replace(before, status=status, cause=cause)
        if changed.deleted and changed.unsubscribed_on is None:
            changed = replace(changed, unsubscribed_on=beijing_day(self._scheduler.now()))
        if x in self._before_arrears:
            self._before_arrears[x] = (status, cause)
        self._put(changed)
        if (before.status, before.cause) != (status, cause):
            push_number_status(self._world, self._pusher, [changed])
        return changed

    def unsubscribe(self, x: str) -> Number:
        """Give a number back: its bindings go, 10 with cause 1 is pushed. KeyError, ValueError."""
        _check_there(self._world.numbers[x])
        returned = self._returned(self._world.numbers[x], "1")
        push_number_status(self._world, self._pusher, [returned])
        return returned

    def transfer(self, x: str, app_key: str, takes_s: int = 0) -> Number:
        """Move a number to another application, which removes its bindings and is not pushed.

        While it lasts the number is being transferred. KeyError: unknown number. ValueError: unknown
        application, or a number that was returned.
        """
        number = self._world.numbers[x]
        _check_there(number)
        if app_key not in self._world.applications:
            raise ValueError("no such application")
        leaving = self._put(replace(number, console=ConsoleState.TRANSFERRING))
        if takes_s == 0:
            return self._arrive(x, app_key)

        async def arrive() -> None:
            if self._world.numbers[x].console is ConsoleState.TRANSFERRING:
                self._arrive(x, app_key)

        self._scheduler.after(takes_s, arrive, "transfer of a number")
        return leaving

    def enter_arrears(self, account_id: str) -> Account:
        """Freeze an account: its APIs refuse, its numbers are suspended. KeyError: unknown account."""
        account = self._world.accounts[account_id]
        handle = self._resuming.pop(account_id, None)
        if handle is not None:
            handle.cancel()
        if account.frozen:
            return account
        account.frozen, account.frozen_since = True, self._scheduler.now()
        for numbers in self._numbers_of(account_id):
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

    def release(self, account_id: str) -> Account:
        """Take the numbers of an account that did not pay: returned for good, 10 with cause 2 is pushed.

        KeyError: unknown account. ValueError: it is not in arrears.
        """
        account = self._world.accounts[account_id]
        if not account.frozen:
            raise ValueError("the account is not in arrears")
        for numbers in self._numbers_of(account_id):
            released = [self._returned(number, "2") for number in numbers]
            push_number_status(self._world, self._pusher, released)
        return account

    def _resume(self, account: Account) -> None:
        account.frozen, account.frozen_since = False, None
        self._resuming.pop(account.id, None)
        for found in self._numbers_of(account.id):
            numbers = [number for number in found if number.x in self._before_arrears]
            self._set_all(numbers, [self._before_arrears.pop(number.x) for number in numbers])

    def _issue(self, numbers: Sequence[Number]) -> list[Number]:
        today = beijing_day(self._scheduler.now())
        return [self._put(replace(number, issued_on=number.issued_on or today)) for number in numbers]

    def _arrive(self, x: str, app_key: str) -> Number:
        return self._put(replace(self._world.numbers[x], app_key=app_key, console=ConsoleState.IN_USE))

    def _returned(self, number: Number, cause: str) -> Number:
        today = beijing_day(self._scheduler.now())
        status, gone = NumberStatus.UNAVAILABLE, ConsoleState.RETURNED
        self._before_arrears.pop(number.x, None)
        return self._put(
            replace(number, status=status, cause=cause, console=gone, unsubscribed_on=today),
        )

    def _put(self, number: Number) -> Number:
        self._world.put_number(number, self._scheduler.now())
        return number

    def _set_all(self, numbers: Sequence[Number], states: Sequence[tuple[NumberStatus, str | None]]) -> None:
        now = self._scheduler.now()
        changed = [
            self._world.set_number_status(number.x, status, cause, now)
            for number, (status, cause) in zip(numbers, states, strict=True)
            if (number.status, number.cause) != (status, cause)
        ]
        push_number_status(self._world, self._pusher, changed)

    def _numbers_of(self, account_id: str) -> Iterator[list[Number]]:
        """Yield the numbers of each application of an account, without those that are gone."""
        for application in list(self._world.applications.values()):
            if application.account == account_id:
                yield [n for n in self._world.numbers_of(application.app_key) if not n.deleted]


def _check_there(number: Number) -> None:
    if number.console is ConsoleState.RETURNED:
        raise ValueError("the number was returned for good; order another one")
