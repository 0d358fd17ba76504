from collections.abc import Iterator

import pytest

from builders.dynamodb import (
    NotAvailable,
    Table,
    dynamodb_local_or_skip,
    local_client,
    moto_client,
    new_table,
    running_dynamodb_local,
)
from builders.emulator import X1, X2, X3, RunningEmulator, running_emulator
from emulator.clock import VIRTUAL_START


@pytest.fixture(scope="session")
def dynamodb_local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a running DynamoDB Local; skipped where there is none, unless it is required."""
    try:
        with running_dynamodb_local(tmp_path_factory.mktemp("dynamodb-local")) as endpoint:
            yield endpoint
    except NotAvailable as reason:
        dynamodb_local_or_skip(reason)


@pytest.fixture
def local_table(dynamodb_local: str) -> Iterator[Table]:
    """An empty Bindings table on DynamoDB Local, which is slower the more tables it has."""
    made = new_table(local_client(dynamodb_local))
    yield made
    made.client.delete_table(TableName=made.name)


@pytest.fixture(params=["moto", pytest.param("dynamodb_local", marks=pytest.mark.dynamodb_local)])
def table(request: pytest.FixtureRequest) -> Iterator[Table]:
    """An empty Bindings table, on moto and on DynamoDB Local."""
    if request.param == "dynamodb_local":
        yield request.getfixturevalue("local_table")
        return
    with moto_client() as client:
        yield new_table(client)


@pytest.fixture(scope="session")
def _served_emulator() -> Iterator[RunningEmulator]:
    with running_emulator(ready=False) as running:
        yield running


@pytest.fixture
def emulator(_served_emulator: RunningEmulator) -> RunningEmulator:
    """An emulator on a virtual clock with one AXB application and three numbers, over real HTTP."""
    _served_emulator.admin.reset(now=VIRTUAL_START.isoformat())
    _served_emulator.admin.application()
    _served_emulator.admin.numbers(X1, X2, X3)
    return _served_emulator
