"""AXYB: bind AX, bind YB, unbind, query (axyb.md §2 to §4). Every request repeats the key in its query."""

from privatenumber.deadline import Deadline
from privatenumber.platform.axyb import PATH, AxybBindAx, AxybBindYb, AxybBound, AxybRow, AxybRows
from privatenumber.platform.caller import Caller, required
from privatenumber.platform.fields import located
from privatenumber.platform.request import Request
from privatenumber.settings import Mode


class AxybCalls:
    """The AXYB operations of one application."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def bind_ax(self, bind: AxybBindAx, *, deadline: Deadline) -> AxybBound:
        """Give A an X of the platform's choice. Raises UnknownOutcome when it may have happened."""
        request = Request("axyb.bind", "POST", PATH, Mode.AXYB, False, self._key(), bind.to_wire())
        return self._caller.read(request, AxybBound, deadline)

    def bind_yb(self, bind: AxybBindYb, *, deadline: Deadline) -> AxybBound:
        """Give B a Y under an AX. Raises Conflict for a B who has one, UnknownOutcome."""
        request = Request("axyb.bind", "POST", PATH, Mode.AXYB, False, self._key(), bind.to_wire())
        return self._caller.read(request, AxybBound, deadline)

    def unbind_ax(self, subscription_id: str, *, deadline: Deadline) -> None:
        """End an AX with all its YB; NotFound means it was gone already."""
        self._unbind({"subscriptionId": required(subscription_id)}, deadline)

    def unbind_y(self, subscription_id: str, y: str, *, deadline: Deadline) -> None:
        """End the YB of one Y. An empty Y is refused here: to the platform it would mean all of them."""
        self._unbind({"subscriptionId": required(subscription_id), "yNum": located(y)}, deadline)

    def unbind_b(self, subscription_id: str, b: str, *, deadline: Deadline) -> None:
        """End the YB of one B. An empty B is refused here: to the platform it would mean all of them."""
        self._unbind({"subscriptionId": required(subscription_id), "bNum": located(b)}, deadline)

    def query(
        self, *, deadline: Deadline, subscription_id: str | None = None, x: str | None = None
    ) -> tuple[AxybRow, ...]:
        """Every relation of an id, else of an X (axyb.md §4). Raises NotFound for none."""
        if subscription_id is not None:
            query = self._key() | {"subscriptionId": required(subscription_id)}
        else:
            query = self._key() | {"relationNum": located(x)}
        request = Request("axyb.query", "GET", PATH, Mode.AXYB, True, query)
        return self._caller.read(request, AxybRows, deadline).rows

    def _unbind(self, query: dict[str, str], deadline: Deadline) -> None:
        request = Request("axyb.unbind", "DELETE", PATH, Mode.AXYB, True, self._key() | query)
        self._caller.call(request, deadline)

    def _key(self) -> dict[str, str]:
        return {"app_key": self._caller.application.app_key}
