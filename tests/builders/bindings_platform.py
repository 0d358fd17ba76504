"""The platform as a dictionary: what the binding interfaces of every mode answer when all goes well."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from privatenumber.platform.client import NoAnswer, Response

Scripted = tuple[int, str] | Exception

AXYB_PATH = "/rest/omp/xyrelationnumber/v1.0"
CALLEE_PATH = "/rest/caas/privatenumber/calleenumber/v1.0"
STOP_PATH = "/rest/httpsessions/callStop/v2.0"


class DictPlatform:
    """The binding interfaces of every mode in memory; it answers from a script first.

    A scripted answer is (HTTP status, code); a scripted exception is raised after the request had its effect.
    """

    def __init__(self) -> None:
        self.bindings: dict[str, dict[str, Any]] = {}
        self.partners: dict[str, str] = {}
        """Y -> B."""
        self.callees: list[dict[str, Any]] = []
        self.sessions: set[str] = set()
        self.script: deque[Scripted] = deque()
        self.requests: list[str] = []

    def send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None,
        *,
        connect_s: float,
        read_s: float,
    ) -> Response:
        self.requests.append(method)
        scripted = self.script.popleft() if self.script else None
        if isinstance(scripted, tuple):
            return _said(*scripted)
        parts = urlsplit(url)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        answer = self._do(parts.path, method, query, json.loads(body) if body else {})
        if scripted is not None:
            raise scripted
        return answer

    def _do(self, path: str, method: str, query: dict[str, str], body: dict[str, Any]) -> Response:
        if path == STOP_PATH:
            return self._stop(body["sessionid"])
        if path == AXYB_PATH and ("subscriptionId" in body or query.keys() & {"yNum", "bNum"}):
            return self._partner(method, query, body)
        if method == "POST":
            return self._bind(body)
        if method == "GET":
            return self._query(query)
        identity = {**query, **body}["subscriptionId"]
        if identity not in self.bindings:
            return _said(403, "1012007")
        if path == CALLEE_PATH:
            self.callees.append(body)
        elif method == "PUT":
            self.bindings[identity] |= body
        else:
            del self.bindings[identity]
        return _said(200, "0")

    def _bind(self, body: dict[str, Any]) -> Response:
        """Each mode reads the members of its own answer (axb.md §2, ax.md §2, axe.md §2, axyb.md §2)."""
        identity = f"3f2b8c10-6a4d-4e57-9b21-{len(self.requests):012d}"
        self.bindings[identity] = body
        effective = {name: body.get(name, 0) for name in ("callDirection", "duration", "maxDuration")}
        named = {
            name: body[name]
            for name in ("relationNum", "privateNum", "virtualNum", "extendNum") & body.keys()
        }
        chosen = {} if named else {"relationNumber": self._free_x()}
        return _said(200, "0", subscriptionId=identity, **named, **chosen, **effective)

    def _free_x(self) -> str:
        """The X that the platform chooses: AXYB names none (axyb.md §1)."""
        return f"+8617021{len(self.requests):06d}"

    def _partner(self, method: str, query: dict[str, str], body: dict[str, Any]) -> Response:
        """A YB comes or goes (axyb.md §2.2, §3)."""
        identity = {**query, **body}["subscriptionId"]
        if identity not in self.bindings:
            return _said(403, "1016001")
        if method == "DELETE":
            known = self.partners.pop(query.get("yNum", ""), None)
            return _said(200, "0") if known else _said(403, "1016001")
        y = f"+8617022{len(self.requests):06d}"
        self.partners[y] = body["origNum"]
        return _said(200, "0", subscriptionId=identity, relationNumber=y)

    def _stop(self, session: str) -> Response:
        """End a call (recording-and-call-stop.md §3)."""
        if session not in self.sessions:
            return _said(500, "1020152")
        self.sessions.remove(session)
        return _said(200, "0")

    def _query(self, query: dict[str, str]) -> Response:
        wanted = {name: query[name] for name in ("relationNum", "callerNum", "calleeNum") if name in query}
        rows = [
            {"subscriptionId": identity, "callDirection": 0, "duration": 0, "maxDuration": 0, **binding}
            for identity, binding in self.bindings.items()
            if wanted.items() <= binding.items()
        ]
        if not rows:
            return _said(403, "1012007")
        return _said(200, "0", totalCount=len(rows), pageIndex=1, pageSize=50, relationNumList=rows)


def no_answer() -> NoAnswer:
    """The answer is lost after the platform did its work."""
    return NoAnswer("lost")


def _said(status: int, code: str, **more: Any) -> Response:
    envelope = {"resultcode": code, "resultdesc": "Success" if code == "0" else "refused", **more}
    return Response(status, {"content-type": "application/json"}, json.dumps(envelope).encode())
