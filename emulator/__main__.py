"""``python -m emulator``: run the platform on this machine.

When it listens it prints one JSON line with its address to standard output; the log goes to standard error.
"""

from __future__ import annotations

import argparse
import json
import logging
import signal
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from emulator.admin.routes import PREFIX
from emulator.certificates import in_folder
from emulator.platform import Emulator
from emulator.server import EmulatorServer, Https
from emulator.settings import EmulatorSettings

MAX_PORT: Final = 65_535


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser("emulator", description="The Private Number platform on a laptop.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=_port, default=0, help="0 takes a free one")
    parser.add_argument("--https-port", type=_port, help="serve HTTPS, too; 0 takes a free one")
    parser.add_argument(
        "--tls-folder", type=Path, help="ca.pem, server.pem, server.key; made when they are not there"
    )
    parser.add_argument("--seed", type=int, default=1, help="repeats every id and every choice")
    parser.add_argument("--clock", choices=("real", "virtual"), default="real")
    parser.add_argument("--start", type=_moment, help="first moment of the clock, e.g. 2026-09-02T01:00:00Z")
    parser.add_argument("--strictness", choices=("lenient", "strict"), default="lenient")
    parser.add_argument(
        "--settings", type=Path, help='JSON file with settings, e.g. {"push": {"parallel": 4}}'
    )
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="one setting, e.g. push.timeout_s=2"
    )
    parser.add_argument("--log-level", choices=("debug", "info", "warning", "error"), default="info")
    return parser.parse_args(argv)


def settings_from(given: argparse.Namespace) -> EmulatorSettings:
    """Combine file, single settings and options, later ones winning. Raises ValueError."""
    values: dict[str, Any] = json.loads(given.settings.read_text()) if given.settings else {}
    values = {**values, "seed": given.seed, "strictness": given.strictness}
    for assignment in given.set:
        name, sign, text = assignment.partition("=")
        if not sign:
            raise ValueError(f"--set takes NAME=VALUE, not {assignment!r}")
        *groups, last = name.split(".")
        place = values
        for group in groups:
            place = place.setdefault(group, {})
        place[last] = _value(text)
    return EmulatorSettings.model_validate(values)


def main(argv: Sequence[str] | None = None) -> int:
    """Run until interrupted; return the exit status."""
    given = arguments(argv)
    logging.basicConfig(
        level=given.log_level.upper(),
        stream=sys.stderr,
        format="%(asctime)s %(levelname)s %(name)s %(message)s",
    )
    # httpx logs whole addresses, and a callback address carries a secret token.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        settings = settings_from(given)
        server = _server(given, settings, _https(given))
    except (ValueError, OSError) as error:
        sys.stderr.write(f"emulator: {error}\n")
        return 2
    # uvicorn stops gracefully on both signals and then raises them again; here that is a normal end.
    signal.signal(signal.SIGTERM, lambda number, frame: None)
    with suppress(KeyboardInterrupt):
        server.run()
    return 0


def _server(given: argparse.Namespace, settings: EmulatorSettings, https: Https | None) -> EmulatorServer:
    """Take the addresses that were asked for. Raises OSError."""
    server = EmulatorServer(
        Emulator(settings, clock=given.clock, start=given.start),
        host=given.host,
        port=given.port,
        https=https,
        on_listening=lambda address: _announce(server, given.clock, settings, https),
    )
    return server


def _https(given: argparse.Namespace) -> Https | None:
    if given.https_port is None:
        return None
    folder = given.tls_folder or Path(tempfile.mkdtemp(prefix="emulator-tls-"))
    return Https(given.https_port, in_folder(folder, given.host))


def _announce(server: EmulatorServer, clock: str, settings: EmulatorSettings, https: Https | None) -> None:
    address = server.address
    line = {"address": address, "admin": address + PREFIX, "clock": clock, "seed": settings.seed}
    if https is not None:
        line |= {"https": server.secure_address, "ca": str(https.files.authority)}
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def _port(text: str) -> int:
    if not (text.isdecimal() and 0 <= int(text) <= MAX_PORT):
        raise argparse.ArgumentTypeError(f"must be 0 to {MAX_PORT}")
    return int(text)


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise argparse.ArgumentTypeError("must be a time, e.g. 2026-09-02T01:00:00Z") from None


if __name__ == "__main__":
    sys.exit(main())
