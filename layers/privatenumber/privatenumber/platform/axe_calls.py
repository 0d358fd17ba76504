"""AXE: bind, unbind, modify, query (axe.md §2 to §5)."""

from dataclasses import replace
from typing import Final

from privatenumber.codes.results import Outcome, lookup
from privatenumber.deadline import Deadline
from privatenumber.platform.axe import PATH, AxeBind, AxeBound, AxeModify, AxeRow, extension_of
from privatenumber.platform.caller import Caller, required
from privatenumber.platform.errors import Conflict, NotFound, error_for
from privatenumber.platform.fields import located
from privatenumber.platform.request import Request
from privatenumber.settings import Mode

NO_IDLE_EXTENSION: Final = "1020167"


class AxeCalls:
    """The AXE operations of one application."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def bind(self, bind: AxeBind, *, deadline: Deadline) -> AxeBound:
        """Bind (axe.md §2). Raises UnknownOutcome when it may have happened, NotSent when it has not.

        Without an extension to choose from, a named one is a Conflict, one of the platform's choice Full.
        """
        request = Request("axe.bind", "POST", PATH, Mode.AXE, False, body=bind.to_wire())
        try:
            return self._caller.read(request, AxeBound, deadline)
        except Conflict as error:
            if error.code != NO_IDLE_EXTENSION or bind.extension is not None:
                raise
            result = lookup(403, NO_IDLE_EXTENSION, "axe.bind")
            raise error_for("axe.bind", replace(result, outcome=Outcome.FULL)) from None

    def unbind(self, subscription_id: str, *, deadline: Deadline) -> None:
        """Release one binding by its id (axe.md §3); NotFound means it was gone already.

        An empty id is refused here with ValueError: the platform would take it as absent.
        """
        query = {"subscriptionId": required(subscription_id)}
        self._caller.call(Request("axe.unbind", "DELETE", PATH, Mode.AXE, True, query), deadline)

    def modify(self, modify: AxeModify, *, deadline: Deadline) -> None:
        """Change a binding (axe.md §4). Idempotent by content; a life restarts when repeated."""
        request = Request("axe.modify", "PUT", PATH, Mode.AXE, True, body=modify.to_wire())
        self._caller.call(request, deadline)

    def find(self, x: str, extension: str, a: str, *, deadline: Deadline) -> AxeRow | None:
        """The binding of A behind an extension of X, None when nobody or somebody else stands there."""
        try:
            row = self.at(x, extension, deadline=deadline)
        except NotFound:
            return None
        return row if row.a == a else None

    def at(self, x: str, extension: str, *, deadline: Deadline) -> AxeRow:
        """The binding behind an extension of X, whoever stands there (axe.md §5). Raises NotFound."""
        query = {"virtualNum": located(x), "extendNum": extension_of(extension)}
        return self._query(query, deadline)

    def query(self, subscription_id: str, *, deadline: Deadline) -> AxeRow:
        """One binding by its id (axe.md §5). Raises NotFound."""
        return self._query({"subscriptionId": required(subscription_id)}, deadline)

    def _query(self, query: dict[str, str], deadline: Deadline) -> AxeRow:
        return self._caller.read(Request("axe.query", "GET", PATH, Mode.AXE, True, query), AxeRow, deadline)
