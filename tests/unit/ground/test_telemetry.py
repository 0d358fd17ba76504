"""What comes out of the loggers: JSON, scrubbed, from the layer's rooms too (numbers.md §6, U-D15)."""

import json
import logging
import subprocess
import sys
from collections.abc import Iterator

import pytest

from privatenumber.telemetry import get_logger, get_metrics


@pytest.fixture(autouse=True)
def _package_logger() -> Iterator[None]:
    """Leave the layer's loggers to other tests as they were."""
    package = logging.getLogger("privatenumber")
    handlers, level, propagate = package.handlers, package.level, package.propagate
    yield
    package.handlers, package.propagate = handlers, propagate
    package.setLevel(level)


def test_no_log_line_carries_a_number(capsys: pytest.CaptureFixture[str]) -> None:
    """U-D15: message, extra fields and exceptions."""
    logger = get_logger("scrubbed")
    logger.info("bound +8613800138001", extra={"party": "13800138002"})
    try:
        raise ValueError("no such number +8613800138003")
    except ValueError:
        logger.exception("failed")
    written = capsys.readouterr().out
    assert "+86138****8001" in written
    assert not [number for number in ("13800138001", "13800138002", "13800138003") if number in written]


def test_rooms_of_the_layer_log_through_the_function(capsys: pytest.CaptureFixture[str]) -> None:
    get_logger("rooms")
    logging.getLogger("privatenumber.platform").info("platform request", extra={"api": "axb.bind"})
    line = json.loads(capsys.readouterr().out)
    assert (line["service"], line["message"], line["api"]) == ("rooms", "platform request", "axb.bind")
    assert line["timestamp"].endswith(("Z", "+00:00"))


def test_libraries_do_not_write_addresses_and_bodies() -> None:
    """urllib3's debug lines hold the query, and the query holds numbers."""
    get_logger("quiet")
    assert not logging.getLogger("urllib3.connectionpool").isEnabledFor(logging.DEBUG)
    assert not logging.getLogger("botocore.endpoint").isEnabledFor(logging.DEBUG)


def test_metrics_carry_namespace_and_service() -> None:
    metrics = get_metrics("bindings")
    assert (metrics.namespace, metrics.service) == ("PrivateNumber", "bindings")


def test_the_ground_floor_does_not_import_pydantic() -> None:
    """Cold start is a feature: the receiver pays for nothing it does not use."""
    rooms = (
        "times signing phone privacy codes.results codes.causes settings telemetry store.clients store.items"
    )
    rooms += " store.keyring store.pauses store.secrets"
    imports = "; ".join(f"import privatenumber.{room}" for room in rooms.split())
    heavy = "('pydantic', 'cryptography', 'aws_xray_sdk')"
    code = f"{imports}; import sys; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=_environment()
    )
    assert done.stdout.strip() == "[]"


def _environment() -> dict[str, str]:
    return {"PYTHONPATH": "layers/privatenumber", "AWS_DEFAULT_REGION": "cn-north-1", "PATH": ""}
