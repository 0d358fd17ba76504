"""AXB: bind, unbind, modify, query (axb.md §2 to §5)."""

from typing import Final

from privatenumber.deadline import Deadline
from privatenumber.platform.axb import PATH, AxbBind, AxbBound, AxbModify, AxbPage, AxbRow
from privatenumber.platform.caller import Caller, required
from privatenumber.platform.errors import NotFound
from privatenumber.platform.fields import located
from privatenumber.platform.request import Request
from privatenumber.settings import Mode

SHORTEST_PAGE: Final = 10
LONGEST_PAGE: Final = 100


class AxbCalls:
    """The AXB operations of one application."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def bind(self, bind: AxbBind, *, deadline: Deadline) -> AxbBound:
        """Bind (axb.md §2). Raises UnknownOutcome when it may have happened, NotSent when it has not."""
        request = Request("axb.bind", "POST", PATH, Mode.AXB, False, body=bind.to_wire())
        return self._caller.read(request, AxbBound, deadline)

    def unbind(self, subscription_id: str, *, deadline: Deadline) -> None:
        """Release one binding by its id (axb.md §3); NotFound means it was gone already.

        An empty id is refused here with ValueError: the platform would take it as absent.
        """
        query = {"subscriptionId": required(subscription_id)}
        self._caller.call(Request("axb.unbind", "DELETE", PATH, Mode.AXB, True, query), deadline)

    def modify(self, modify: AxbModify, *, deadline: Deadline) -> None:
        """Change a binding (axb.md §4). Idempotent by content; a ``duration`` restarts when repeated."""
        request = Request("axb.modify", "PUT", PATH, Mode.AXB, True, body=modify.to_wire())
        self._caller.call(request, deadline)

    def find(self, x: str, a: str, b: str, *, deadline: Deadline) -> AxbRow | None:
        """The binding A-X-B in just these roles, None when the platform has none (axb.md §5)."""
        try:
            page = self.query(x=x, a=a, b=b, deadline=deadline)
        except NotFound:
            return None
        return next((row for row in page.rows if (row.x, row.a, row.b) == (x, a, b)), None)

    def query(
        self,
        *,
        deadline: Deadline,
        subscription_id: str | None = None,
        x: str | None = None,
        a: str | None = None,
        b: str | None = None,
        page_index: int = 1,
        page_size: int = 50,
    ) -> AxbPage:
        """One page of bindings, by id or by X with optional A and B (axb.md §5). Raises NotFound for none.

        Pages count from 1 and hold 10 to 100 rows; anything else is refused here with ValueError, since the
        platform would silently answer another page.
        """
        if page_index < 1 or not SHORTEST_PAGE <= page_size <= LONGEST_PAGE:
            raise ValueError(f"pages count from 1 and hold {SHORTEST_PAGE} to {LONGEST_PAGE} rows")
        if subscription_id is not None:
            query: dict[str, str | int] = {"subscriptionId": required(subscription_id)}
        else:
            parties = {"callerNum": a, "calleeNum": b}
            query = {"relationNum": located(x)}
            query |= {name: located(number) for name, number in parties.items() if number is not None}
            query |= {"pageIndex": page_index, "pageSize": page_size}
        return self._caller.read(Request("axb.query", "GET", PATH, Mode.AXB, True, query), AxbPage, deadline)
