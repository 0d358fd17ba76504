"""`python -m storm.mutants`: puts known defects back, one at a time, into a copy; each must be found.

The list is `mutants.toml`. A test that fails without the defect, too, finds nothing: each is run once before.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from builders.events import ROOT

LIST: Final = Path(__file__).with_name("mutants.toml")
SEED: Final = 3
ORDERS: Final = 40
"""The storm in which a defect has to show."""

_SHARED: Final = (".venv", ".local")
_STORM_LIMIT_S: Final = 1800


@dataclass(frozen=True, slots=True)
class Edit:
    """One place of a defect: `old` stands there once."""

    file: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Mutant:
    """One known defect: why it is one, its places, and what finds it: tests, or a judgement of a storm."""

    name: str
    why: str
    edits: tuple[Edit, ...]
    tests: tuple[str, ...] = ()
    judgement: str = ""

    @property
    def finder(self) -> str:
        """What finds it, for people."""
        return f"judgement {self.judgement}" if self.judgement else " ".join(self.tests)


def read_mutants(path: Path = LIST) -> list[Mutant]:
    """Read the list. Raises ValueError for one that nothing finds."""
    found = [_mutant(one) for one in tomllib.loads(path.read_text(encoding="utf-8"))["mutant"]]
    for mutant in found:
        if bool(mutant.tests) == bool(mutant.judgement):
            raise ValueError(f"{mutant.name}: name tests or a judgement")
    return found


def _mutant(one: Mapping[str, Any]) -> Mutant:
    edits = tuple(Edit(each["file"], each["old"], each["new"]) for each in one["edit"])
    return Mutant(one["name"], one["why"], edits, tuple(one.get("tests", ())), one.get("judgement", ""))


def apply(mutant: Mutant, root: Path) -> None:
    """Put the defect into a copy. Raises ValueError when a place of it is not there exactly once."""
    for edit in mutant.edits:
        path = root / edit.file
        text = path.read_text(encoding="utf-8")
        if text.count(edit.old) != 1:
            raise ValueError(f"{mutant.name}: {edit.file} holds its place {text.count(edit.old)} times")
        path.write_text(text.replace(edit.old, edit.new), encoding="utf-8")


def take_back(mutant: Mutant, root: Path) -> None:
    """Take the defect out of the copy again."""
    for edit in mutant.edits:
        shutil.copyfile(ROOT / edit.file, root / edit.file)


def copy_project(root: Path) -> None:
    """Copy what git knows or would add; environments are shared."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],  # noqa: S607
        cwd=ROOT, capture_output=True, check=True, text=True,
    )  # fmt: skip
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, root / name)
    for name in _SHARED:
        (root / name).symlink_to(ROOT / name)


def broken(mutant: Mutant, root: Path) -> bool:
    """Whether what is to find the defect says that something is broken in the copy."""
    if mutant.judgement:
        return mutant.judgement in broken_judgements(root)
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *mutant.tests]
    return _run(command, root).returncode != 0


def broken_judgements(root: Path) -> frozenset[str]:
    """Play the storm in the copy; the judgements that are not true. Raises RuntimeError without any."""
    out = root / "storm-report"
    shutil.rmtree(out, ignore_errors=True)
    command = [sys.executable, "-W", "ignore", "-m", "storm", "--out", str(out)]
    ran = _run([*command, "--seed", str(SEED), "--orders", str(ORDERS)], root)
    verdicts = out / f"seed-{SEED}-orders-{ORDERS}" / "verdicts.json"
    if not verdicts.exists():
        raise RuntimeError(f"the storm was not judged: {ran.stderr[-2000:]}")
    found: dict[str, bool] = json.loads(verdicts.read_text(encoding="utf-8"))
    return frozenset(name for name, holds in found.items() if not holds)


def _run(command: list[str], root: Path) -> subprocess.CompletedProcess[str]:
    paths = os.pathsep.join(str(root / each) for each in ("layers/privatenumber", ".", "tests"))
    environment = {**os.environ, "PYTHONPATH": paths, "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(  # noqa: S603 - our own tests
        command,
        cwd=root,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=_STORM_LIMIT_S,
    )


def hunt(mutants: Iterable[Mutant], root: Path) -> list[str]:
    """Try each in the copy; the names of those that were not found, or that cannot be told."""
    wanted = list(mutants)
    judged = any(mutant.judgement for mutant in wanted)
    unsound = set(broken_judgements(root)) if judged else set()
    tested = {mutant.finder: mutant for mutant in wanted if mutant.tests}
    unsound |= {finder for finder, mutant in tested.items() if broken(mutant, root)}
    left: list[str] = []
    for mutant in wanted:
        if {mutant.finder, mutant.judgement} & unsound:
            _say(f"CANNOT TELL  {mutant.name}: {mutant.finder} is broken without it")
            left.append(mutant.name)
            continue
        apply(mutant, root)
        try:
            found = broken(mutant, root)
        finally:
            take_back(mutant, root)
        _say(f"{'found      ' if found else 'NOT FOUND  '}  {mutant.name}: {mutant.finder}")
        left += [] if found else [mutant.name]
    return left


def main(arguments: list[str] | None = None) -> int:
    """Hunt all, or those whose name holds a text; 0 when each was found."""
    parser = argparse.ArgumentParser(prog="storm.mutants", description=__doc__)
    parser.add_argument("--only", default="", help="a part of names")
    given = parser.parse_args(arguments)
    chosen = [mutant for mutant in read_mutants() if given.only in mutant.name]
    with tempfile.TemporaryDirectory() as folder:
        copy_project(Path(folder))
        left = hunt(chosen, Path(folder))
    _say(f"{len(chosen) - len(left)} of {len(chosen)} were found")
    return 1 if left or not chosen else 0


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main())
