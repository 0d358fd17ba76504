"""Run a built function as Lambda would, without Docker: AWS's runtime client behind a local Runtime API.

    python -m local.lambda_runtime BindingsFunction events/bindings-list.json --env BINDINGS_TABLE=...

The function's process sees what it will see in Lambda and nothing else: the built function, the built layer,
and a folder with the packages that Lambda's Python runtime brings (boto3 and the runtime client). No
site-packages.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from packaging.requirements import Requirement

from local.runtime_api import RuntimeApi
from local.template import Function, functions

ROOT = Path(__file__).resolve().parent.parent
BUILT_TEMPLATE = ROOT / ".aws-sam" / "build" / "template.yaml"
RUNTIME_PACKAGES = ("awslambdaric", "boto3")
REGION = "cn-north-1"
START_LIMIT_S = 30.0


class InvocationFailed(RuntimeError):
    """The process ended or gave no answer in time; the message ends with its output."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What an invocation gave: its payload (its error when `failed`), its time, and all output so far."""

    payload: Any
    failed: bool
    duration_s: float
    log: str


def runtime_directory(target: Path) -> Path:
    """Fill `target` with links to the packages of Lambda's Python runtime, taken from this interpreter's."""
    target.mkdir(parents=True, exist_ok=True)
    for name in _closure(RUNTIME_PACKAGES):
        distribution = importlib.metadata.distribution(name)
        for top in {Path(file).parts[0] for file in distribution.files or () if ".." not in Path(file).parts}:
            link = target / top
            if top != "__pycache__" and not link.is_symlink():
                link.symlink_to(Path(str(distribution.locate_file(top))).resolve())
    return target


def _closure(names: tuple[str, ...]) -> Iterator[str]:
    pending, seen = list(names), set[str]()
    while pending:
        name = pending.pop()
        if name in seen:
            continue
        seen.add(name)
        yield name
        for text in importlib.metadata.requires(name) or ():
            wanted = Requirement(text)
            if wanted.marker is None or wanted.marker.evaluate({"extra": ""}):
                pending.append(wanted.name)


class FunctionProcess:
    """A function in an interpreter of its own; a context manager that may be invoked any number of times."""

    def __init__(self, function: Function, runtime: Path, environment: Mapping[str, str]) -> None:
        """Start the process.

        `environment` gives the variables of the template whose value only a deployment knows, and may add
        others (AWS_ENDPOINT_URL). Raises ValueError when one of the template's is not given.
        """
        unknown = {name for name, value in function.environment.items() if value is None}
        if missing := unknown - environment.keys():
            raise ValueError(f"{function.name} needs a value for {', '.join(sorted(missing))}")
        self._function = function
        account = "000000000000"
        self._api = RuntimeApi(f"arn:aws:lambda:{REGION}:{account}:function:{function.name}")
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - closed in close(), it lives as long as the process
        literal = {name: value for name, value in function.environment.items() if value is not None}
        self._process = subprocess.Popen(
            [sys.executable, "-S", "-m", "awslambdaric", function.handler],
            cwd=function.code,
            env={**_lambda_environment(function, runtime, self._api.address), **literal, **environment},
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )

    def invoke(self, event: Any) -> Answer:
        """Feed an event and wait for the answer.

        Raises InvocationFailed when the process ends before it answers, or exceeds the function's time-out.
        """
        begin = time.monotonic()
        self._api.submit(event, timeout_s=self._function.timeout_s)
        limit = begin + self._function.timeout_s + START_LIMIT_S
        while time.monotonic() < limit:
            outcome = self._api.outcome(wait_s=0.2)
            if outcome is not None:
                return Answer(outcome.payload, outcome.failed, time.monotonic() - begin, self.log())
            if self._process.poll() is not None:
                raise InvocationFailed(
                    f"{self._function.name} ended with {self._process.returncode}:\n{self.log()}"
                )
        raise InvocationFailed(f"{self._function.name} gave no answer in time:\n{self.log()}")

    def log(self) -> str:
        """Return what the process has written so far."""
        end = os.fstat(self._log.fileno()).st_size
        return os.pread(self._log.fileno(), end, 0).decode(errors="replace")

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        self._api.close()
        self._log.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _lambda_environment(function: Function, runtime: Path, address: str) -> dict[str, str]:
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    path = [function.code, *(layer / "python" for layer in function.layers), runtime]
    return {
        "AWS_LAMBDA_RUNTIME_API": address,
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mb),
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{function.name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": "local",
        "AWS_LAMBDA_LOG_FORMAT": "JSON",
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{version}",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_SESSION_TOKEN": "test",
        "AWS_EC2_METADATA_DISABLED": "true",
        "LAMBDA_TASK_ROOT": str(function.code),
        "_HANDLER": function.handler,
        "PYTHONPATH": os.pathsep.join(map(str, path)),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PATH": os.defpath,
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
    }


def main() -> int:
    """Invoke one built function with one event and print what it gives."""
    parser = argparse.ArgumentParser(prog="python -m local.lambda_runtime", description=__doc__)
    parser.add_argument("function", help="logical id, such as BindingsFunction")
    parser.add_argument("event", type=Path, help="JSON file")
    parser.add_argument("--env", action="append", default=[], metavar="NAME=VALUE")
    options = parser.parse_args()
    chosen = next((f for f in functions(BUILT_TEMPLATE) if f.name == options.function), None)
    if chosen is None:
        parser.error(f"no {options.function} in {BUILT_TEMPLATE}; `make build` first")
    runtime = runtime_directory(ROOT / ".local" / "lambda-runtime")
    given = dict(pair.split("=", 1) for pair in options.env)
    with FunctionProcess(chosen, runtime, given) as process:
        answer = process.invoke(json.loads(options.event.read_text(encoding="utf-8")))
    print(answer.log, file=sys.stderr)
    print(json.dumps(answer.payload, ensure_ascii=False, indent=2))
    return int(answer.failed)


if __name__ == "__main__":
    raise SystemExit(main())
