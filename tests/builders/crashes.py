"""Killing the process at a chosen point: before or after any write and any platform call."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, TypeVar, cast

T = TypeVar("T")

WRITES = frozenset(
    {
        "create",
        "create_stray",
        "replace",
        "move",
        "arrive",
        "take_out_when_full",
        "hold",
        "let_go",
        "close",
    }
)
PLATFORM_CALLS = frozenset(
    {
        "bind",
        "find",
        "modify",
        "impose",
        "unbind",
        "bind_partner",
        "find_partner",
        "unbind_partner",
        "set_callee",
    }
)


class Killed(BaseException):
    """The process ends here: no handler of the code under test may catch it."""


@dataclass
class Fuse:
    """Burns once, at boundary `at`. Counted from 0, each call has two: before it and after it."""

    at: int | None = None
    passed: int = 0
    burnt: bool = False

    def boundary(self) -> None:
        here, self.passed = self.passed, self.passed + 1
        if here == self.at:
            self.burnt = True
            raise Killed

    def set(self, at: int | None) -> None:
        self.at, self.passed, self.burnt = at, 0, False


def fragile(target: T, calls: Collection[str], fuse: Fuse) -> T:
    """The same object, with a boundary before and after each of the named calls."""
    return cast(T, _Fragile(target, calls, fuse))


class _Fragile:
    def __init__(self, target: object, calls: Collection[str], fuse: Fuse) -> None:
        self._target = target
        self._calls = calls
        self._fuse = fuse

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._target, name)
        return self._wrapped(found) if name in self._calls else found

    def _wrapped(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*args: Any, **named: Any) -> Any:
            self._fuse.boundary()
            try:
                return call(*args, **named)
            finally:
                self._fuse.boundary()

        return wrapped
