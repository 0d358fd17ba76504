"""States of private numbers and their causes, in our own words (notifications.md §7, numbers.md §3)."""

from dataclasses import dataclass
from functools import cache

from privatenumber.codes.texts import Text, Texts, number_of, rows_of, texts_of


@dataclass(frozen=True, slots=True)
class NumberState:
    """A pushed ``status``: whether X takes new bindings, and whether those it has still serve calls and SMS.

    All three are None for a status that no table knows: nothing is concluded from it.
    """

    status: int | None
    new_bindings: bool | None
    in_service: bool | None
    texts: Texts

    @property
    def known(self) -> bool:
        """Whether the status is in our table."""
        return self.status is not None


def number_state(status: int | str | None) -> NumberState:
    """The state of a ``status``, as number or text; never raises."""
    found = _states().get(number_of(status) or 0)
    return found or NumberState(None, None, None, _other())


def number_cause(cause: int | str | None) -> Texts:
    """Why X is unavailable; never raises. Unknown causes are "other" (notifications.md §7)."""
    return _causes().get(number_of(cause) or 0) or _other()


def number_states() -> tuple[NumberState, ...]:
    """Every documented state."""
    return tuple(_states().values())


def number_causes() -> dict[int, Texts]:
    """Every documented cause by its value; 4 is not used."""
    return dict(_causes())


@cache
def _states() -> dict[int, NumberState]:
    return {
        int(row["status"]): NumberState(
            status=int(row["status"]),
            new_bindings=row["new_bindings"] == "yes",
            in_service=row["calls"] == "yes",
            texts=texts_of(row),
        )
        for row in rows_of("number_states.csv")
    }


@cache
def _causes() -> dict[int, Texts]:
    return {int(row["cause"]): texts_of(row) for row in rows_of("number_causes.csv")}


@cache
def _other() -> Texts:
    return Texts(
        Text("Another state or cause of X that our tables do not know", "X 的其他状态或原因，不在我们的表中"),
        Text("The platform may have added a value", "平台可能新增了取值"),
        Text("Look at X in the console; ask the provider", "在控制台查看该 X；向服务商询问"),
    )
