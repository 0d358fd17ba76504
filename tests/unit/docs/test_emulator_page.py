"""docs/emulator.md names exactly the routes and faults that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from starlette.routing import Route

from emulator.admin.routes import PREFIX, admin_application
from emulator.faultparams import API_PARAMS, PUSH_PARAMS
from emulator.platform import Emulator

PAGE = (Path(__file__).parents[3] / "docs" / "emulator.md").read_text("utf-8")
pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def test_the_page_lists_every_route_and_no_other() -> None:
    emulator = Emulator()
    known = {
        (method, PREFIX + route.path)
        for route in admin_application(emulator).routes
        if isinstance(route, Route)
        for method in (route.methods or set()) - {"HEAD"}
    }
    await emulator.close()
    assert set(re.findall(r"^\| `([A-Z]+) (\S+)` \|", PAGE, re.MULTILINE)) == known


def test_the_page_lists_every_fault_and_no_other() -> None:
    listed = re.findall(r"^\| (api|push) \| `(\w+)` \|", PAGE, re.MULTILINE)
    assert set(listed) == {("api", kind) for kind in API_PARAMS} | {("push", kind) for kind in PUSH_PARAMS}
