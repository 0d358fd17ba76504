"""Child processes of the local stack: start, wait until ready, stop, nothing left behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")


class StackError(RuntimeError):
    """Something of the local stack did not start or answer; the message says where to look."""


def free_port() -> int:
    """Return a TCP port of the loopback interface that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@dataclass(frozen=True, slots=True)
class Child:
    """A started process and the file its output goes to."""

    name: str
    pid: int
    log: Path

    def alive(self) -> bool:
        """Say whether the process still runs (a finished child is reaped first)."""
        with suppress(ChildProcessError):  # what another process started (`make up`) is not ours to reap
            os.waitpid(self.pid, os.WNOHANG)
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        return True

    def stop(self, patience_s: float = 5.0) -> None:
        """End the process and its whole group: first politely, after `patience_s` by force."""
        for sign in (signal.SIGTERM, signal.SIGKILL):
            if not self._signal_group(sign) or wait_until(lambda: not self.alive(), patience_s, every_s=0.05):
                break
        # Children that did not listen; they have nothing to finish without it.
        self._signal_group(signal.SIGKILL)

    def _signal_group(self, sign: int) -> bool:
        """Send a signal to the process's group; False when nobody is left in it."""
        try:
            os.killpg(self.pid, sign)
        except ProcessLookupError:
            return False
        return True


def start(name: str, command: Sequence[str], *, log_dir: Path, env: Mapping[str, str], cwd: Path) -> Child:
    """Start `command` in a process group of its own; its output goes to `<log_dir>/<name>.log`."""
    log_dir.mkdir(parents=True, exist_ok=True)
    log = log_dir / f"{name}.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
            env={**os.environ, **env}, cwd=cwd, start_new_session=True,
        )  # fmt: skip
    # Child waits for it by its id; a Popen that nobody waits for complains when it is collected.
    process.returncode = 0
    return Child(name, process.pid, log)


def wait_until(ready: Callable[[], T], timeout_s: float, *, every_s: float = 0.1) -> T:
    """Ask `ready` until it answers something true or `timeout_s` is over; return its last answer."""
    end = time.monotonic() + timeout_s
    while not (answer := ready()) and time.monotonic() < end:
        time.sleep(every_s)
    return answer


def run(command: Sequence[str], *, log: Path, env: Mapping[str, str], cwd: Path) -> None:
    """Run `command` to its end, output to `log`; raise StackError with the tail of it when it fails."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as out:
        code = subprocess.call(
            command, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
            env={**os.environ, **env}, cwd=cwd,
        )  # fmt: skip
    if code:
        raise StackError(
            f"`{' '.join(command[:2])}` failed with exit code {code}; {log} ends with:\n{tail(log)}"
        )


def tail(log: Path, lines: int = 25) -> str:
    """Return the last lines of a log file."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
