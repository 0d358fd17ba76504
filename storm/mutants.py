"""`python -m storm.mutants`: puts known defects back, one at a time, into a copy; each must be found.

The list is `mutants.toml`. A test that fails without the defect, too, finds nothing: each is run once before.
"""

from __future__ import annotations

import argparse
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
from storm.plan import make_plan
from storm.run import played_apart, run_at

LIST: Final = Path(__file__).with_name("mutants.toml")
SEED: Final = 3
ORDERS: Final = 40
"""The storm in which a defect has to show."""

_SHARED: Final = (".venv", ".local")
_PASSED: Final = 0
_FAILED: Final = 1
"""What pytest ends with; all else says that it did not run them."""


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
    """Whether what is to find the defect says that something is broken in the copy.

    Raises RuntimeError or TimeoutExpired when it says nothing.
    """
    if mutant.judgement:
        return mutant.judgement in broken_judgements(root)
    ran = run_at(root, [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *mutant.tests])
    if ran.returncode not in (_PASSED, _FAILED):
        raise RuntimeError(f"the tests did not run: {(ran.stdout + ran.stderr)[-2000:]}")
    return ran.returncode == _FAILED


def broken_judgements(root: Path) -> list[str]:
    """Play the storm in the copy; the judgements that something breaks. Raises RuntimeError without any."""
    return played_apart(make_plan(SEED, ORDERS), root / "storm-report", root)


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
        except (RuntimeError, subprocess.TimeoutExpired) as error:
            _say(f"CANNOT TELL  {mutant.name}: {error}")
            left.append(mutant.name)
            continue
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
