"""AX: bind, unbind, modify, query, set temporary callee (ax.md §2 to §6)."""

from privatenumber.deadline import Deadline
from privatenumber.platform.ax import CALLEE_PATH, PATH, AxBind, AxBound, AxCallee, AxModify, AxRow, AxRows
from privatenumber.platform.caller import Caller, required
from privatenumber.platform.errors import NotFound
from privatenumber.platform.fields import located
from privatenumber.platform.request import Request
from privatenumber.settings import Mode


class AxCalls:
    """The AX operations of one application."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def bind(self, bind: AxBind, *, deadline: Deadline) -> AxBound:
        """Bind (ax.md §2). Raises UnknownOutcome when it may have happened, NotSent when it has not."""
        request = Request("ax.bind", "POST", PATH, Mode.AX, False, body=bind.to_wire())
        return self._caller.read(request, AxBound, deadline)

    def unbind(self, subscription_id: str, *, deadline: Deadline) -> None:
        """Release one binding by its id (ax.md §3); NotFound means it was gone already.

        An empty id is refused here with ValueError: the platform would take it as absent.
        """
        query = {"subscriptionId": required(subscription_id)}
        self._caller.call(Request("ax.unbind", "DELETE", PATH, Mode.AX, True, query), deadline)

    def modify(self, modify: AxModify, *, deadline: Deadline) -> None:
        """Change a binding (ax.md §4). Idempotent by content."""
        request = Request("ax.modify", "PUT", PATH, Mode.AX, True, body=modify.to_wire())
        self._caller.call(request, deadline)

    def set_callee(self, callee: AxCallee, *, deadline: Deadline) -> None:
        """Say whom A reaches by dialling X next (ax.md §6). A repetition only starts its life anew."""
        request = Request("ax.set_callee", "PUT", CALLEE_PATH, Mode.AX, True, body=callee.to_wire())
        self._caller.call(request, deadline)

    def find(self, x: str, a: str, *, deadline: Deadline) -> AxRow | None:
        """The binding of A on X, None when X carries nobody or somebody else (ax.md §8)."""
        try:
            rows = self.query(x=x, deadline=deadline)
        except NotFound:
            return None
        return next((row for row in rows if (row.x, row.a) == (x, a)), None)

    def query(
        self,
        *,
        deadline: Deadline,
        subscription_id: str | None = None,
        a: str | None = None,
        x: str | None = None,
    ) -> tuple[AxRow, ...]:
        """Bindings by id, else all of A, else the one of X (ax.md §5). Raises NotFound for none."""
        if subscription_id is not None:
            query = {"subscriptionId": required(subscription_id)}
        elif a is not None:
            query = {"origNum": located(a)}
        else:
            query = {"privateNum": located(x)}
        return self._caller.read(
            Request("ax.query", "GET", PATH, Mode.AX, True, query), AxRows, deadline
        ).rows
