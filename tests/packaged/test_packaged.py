"""Every file of events/ against what `sam build` made, in an interpreter that sees what Lambda would give it.

AWS's own runtime client feeds the function; nothing is imported that was not built or is not Lambda's own.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from builders.events import EVENTS, case_of, event_files, function_of, read_event
from builders.pushes import signed_now
from privatenumber.times import utc_now

if TYPE_CHECKING:
    from packaged.conftest import Lambda

pytestmark = pytest.mark.packaged

#: What some cases must come to; of the others it is enough that they are answered.
STATUS = {
    "bindings-create": 201,
    "bindings-create-ax": 201,
    "bindings-create-axe": 201,
    "bindings-create-axyb": 201,
    "bindings-create-x": 201,
    "bindings-create-x-anyone": 201,
    "bindings-create-invalid": 422,
    "bindings-read": 200,
    "bindings-change": 200,
    "bindings-release": 200,
    "bills-package-add": 201,
    "bills-prices-put": 200,
    "bills-prices-put-invalid": 422,
    "bills-statement": 404,
    "bills-statement-invalid": 422,
    "bills-statements": 200,
    "bills-upload": 201,
    "callbacks-event-disconnect": 200,
    "callbacks-fee": 200,
    "callbacks-fee-batch": 200,
    "callbacks-not-json": 400,
    "callbacks-refused": 401,
    "callbacks-wrong-path": 404,
    "webhooks-create": 201,
    "webhooks-create-private": 422,
    "webhooks-list": 200,
    "webhooks-read": 404,
}


@pytest.fixture(scope="module")
def binding_id(deployed: Lambda) -> str:
    """Id of a binding that exists, for the events that name one."""
    event = read_event(EVENTS / "bindings-create.json")
    wanted = {**json.loads(event["body"]), "order": "order-0001", "a": "13800138008", "b": "13800138009"}
    headers = {**event["headers"], "idempotency-key": "order-0001"}
    answer = deployed.invoke("BindingsFunction", {**event, "headers": headers, "body": json.dumps(wanted)})
    return str(json.loads(answer.payload["body"])["id"])


@pytest.fixture
def prepare(binding_id: str) -> Any:
    """Make an event true of today: a binding that exists, a signature that is fresh."""

    def prepared(path: Path) -> Any:
        event = read_event(path)
        if "id" in (event.get("pathParameters") or {}):
            event["pathParameters"]["id"] = binding_id
        return signed_now(event, utc_now()) if function_of(path) == "CallbacksFunction" else event

    return prepared


@pytest.mark.parametrize("path", event_files(), ids=case_of)
def test_a_sample_event_is_answered_by_the_packaged_function(
    path: Path, deployed: Lambda, prepare: Any
) -> None:
    event = prepare(path)
    answer = deployed.invoke(function_of(path), event)
    assert not answer.failed, f"{answer.payload}\n{answer.log}"
    if "routeKey" in event:
        status = answer.payload["statusCode"]
        assert status == STATUS.get(case_of(path), status), f"{answer.payload}\n{answer.log}"
        assert status != 500, f"{answer.payload}\n{answer.log}"
    if "Records" in event:
        assert isinstance(answer.payload["batchItemFailures"], list)


def test_a_name_that_says_no_function_is_an_error() -> None:
    with pytest.raises(KeyError):
        function_of(EVENTS / "other.json")
