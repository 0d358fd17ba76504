"""`python -m local.fuzz`: docs/openapi.yaml against the deployed stack, by schemathesis (`make fuzz`).

Starts a stack of its own, signs every request as a business system does, and ends with 1 when an answer is
not one that the document describes, a function failed, or a log shows a person's number.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import requests
import schemathesis
import yaml
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import HealthCheck, given, seed, settings
from hypothesis.errors import Unsatisfiable
from requests.auth import AuthBase
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from local.aws import REGION
from local.deploy import ROOT
from local.stack import Stack, up
from local.tenant import APPLICATION, BY_MODE

FOLDER: Final = ROOT / ".local" / "fuzz"
PEOPLE: Final = tuple(f"1380013800{n}" for n in range(1, 6))
CHECKS: Final = (status_code_conformance, content_type_conformance, response_schema_conformance)
#: No failure of ours: the pool is empty, or the platform pauses or refuses.
REFUSALS: Final = ("no-number-available", "platform-paused", "platform-refused")
#: What exists is asked for, or every request would end at the first field.
KNOWN: Final[dict[str, tuple[str, ...]]] = {
    "application": tuple(tenant.id for tenant in BY_MODE.values()),
    "x": tuple(x for tenant in BY_MODE.values() for x in tenant.numbers),
    **dict.fromkeys(("a", "b", "number", "callee"), PEOPLE),
}


class Signed(AuthBase):
    """Signs a request with the local stack's own credentials."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Add the headers of the signature."""
        kept = {name: value for name, value in request.headers.items() if name.lower() == "content-type"}
        to_sign = AWSRequest(request.method, request.url, data=request.body or b"", headers=kept)
        SigV4Auth(Credentials("test", "test"), "execute-api", REGION).add_auth(to_sign)
        request.headers.update(dict(to_sign.headers.items()))
        return request


def document() -> dict[str, Any]:
    """The document, with what exists as the allowed values of what is sent."""
    text = (ROOT / "docs" / "openapi.yaml").read_text(encoding="utf-8")
    found: dict[str, Any] = yaml.safe_load(text.replace("demo-axb", APPLICATION.id))
    for name, schema in found["components"]["schemas"].items():
        if name.endswith(("Body", "Change")):
            for field, known in KNOWN.items():
                if field in schema.get("properties", {}):
                    schema["properties"][field] = {"type": "string", "enum": list(known)}
    for parameter in _parameters(found):
        if parameter.get("name") in KNOWN:
            parameter["schema"] = {"type": "string", "enum": list(KNOWN[parameter["name"]])}
    return found


def _parameters(found: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from found["components"]["parameters"].values()
    for item in found["paths"].values():
        yield from item.get("parameters", ())
        for operation in item.values():
            if isinstance(operation, dict):
                yield from operation.get("parameters", ())


def fuzz(stack: Stack, *, seeded: int, examples: int, say: Callable[[str], None]) -> list[str]:
    """Send every operation what its schema allows and what it does not; what was found, in words."""
    session = requests.Session()
    session.auth, session.trust_env = Signed(), False
    findings: list[str] = []
    seen: dict[str, str] = {}
    read = list(schemathesis.openapi.from_dict(document()).get_all_operations())
    # What exists is ended last, so that everything else meets something.
    for result in sorted(read, key=lambda one: isinstance(one, Ok) and one.ok().method == "delete"):
        if not isinstance(result, Ok):
            findings.append(f"the document cannot be read: {result.err()}")
            continue
        operation, statuses, begun = result.ok(), Counter[int](), time.monotonic()
        for name, strategy in _strategies(operation, seen):
            run = _run(strategy, stack.api_url, session, statuses, seen)
            try:
                seed(seeded)(_quick(examples)(run))()
            except Unsatisfiable:
                continue  # a schema of which no wrong value can be made
            except Exception as failure:
                findings.append(f"{operation.label} ({name}): {type(failure).__name__}: {failure}")
        told = ", ".join(f"{count} x {status}" for status, count in sorted(statuses.items()))
        say(f"{operation.label:60} {time.monotonic() - begun:5.1f}s  {told}")
    return findings


def _strategies(operation: Any, seen: dict[str, str]) -> Iterator[tuple[str, Any]]:
    """The documented examples, what is allowed, what is not, and what is allowed of a thing that exists."""
    for strategy in operation.schema.get_strategies_from_examples(operation):
        yield "example", strategy
    for mode in schemathesis.GenerationMode:
        yield mode.value, operation.as_strategy(mode)
    room, place = operation.path.split("/")[1], re.search(r"{(\w+)}", operation.path)
    if place and room in seen:
        yield "known", operation.as_strategy(path_parameters={place[1]: seen[room]})


def _quick(examples: int) -> Callable[[Any], Any]:
    chosen: Callable[[Any], Any] = settings(
        max_examples=max(1, examples // 3),
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    return chosen


def _run(
    strategy: Any, url: str, session: requests.Session, statuses: Counter[int], seen: dict[str, str]
) -> Callable[[], None]:
    @given(case=strategy)
    def send(case: Any) -> None:
        try:
            response = case.call(base_url=url, session=session, timeout=60)
        except (requests.exceptions.InvalidHeader, UnicodeError):
            return  # no HTTP client sends it
        statuses[response.status_code] += 1
        if _of_the_gateway(response):
            return
        made = (
            re.match(r'{"id":"([^"]+)"', response.text) if response.status_code in (200, 201, 202) else None
        )
        if made:
            seen[case.path.split("/")[1]] = made[1]
        refusal = any(f":{kind}" in response.text for kind in REFUSALS)
        case.validate_response(response, checks=[*CHECKS, *(() if refusal else (not_a_server_error,))])

    run: Callable[[], None] = send
    return run


def _of_the_gateway(response: Any) -> bool:
    """Whether the request never reached us: another route, or a form that the gateway refuses.

    Its answers hold a `message` and nothing else; ours hold a problem.
    """
    if response.status_code not in (400, 403, 404, 405):
        return False
    try:
        body = response.json()
    except ValueError:
        return not response.text
    return isinstance(body, dict) and set(body) <= {"message", "Message"}


def failures(stack: Stack) -> list[str]:
    """Lines of the functions' logs that tell of an error, or show a person."""
    person = re.compile("|".join(PEOPLE))
    return [
        line[:1500]
        for line in stack.function_logs()
        if '"level":"ERROR"' in line or "Traceback" in line or person.search(line)
    ]


def main() -> int:
    """Fuzz a fresh stack."""
    parser = argparse.ArgumentParser(prog="python -m local.fuzz", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--examples", type=int, default=20, help="about so many requests per operation")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    given_to = parser.parse_args()
    stack = up(print, folder=given_to.folder.resolve(), tenants=tuple(BY_MODE.values()))
    try:
        for tenant in BY_MODE.values():
            stack.load_numbers(tenant).raise_for_status()
        found = fuzz(stack, seeded=given_to.seed, examples=given_to.examples, say=print)
        found += failures(stack)
    finally:
        stack.stop()
    for one in found:
        print(f"\n{one}", file=sys.stderr)
    print(f"{len(found)} findings")
    return int(bool(found))


if __name__ == "__main__":
    raise SystemExit(main())
