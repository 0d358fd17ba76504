"""The list of defects that are put back on purpose, and how one is put into a copy."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from builders.events import ROOT
from storm import mutants
from storm.mutants import Edit, Mutant, apply, read_mutants

MUTANTS = read_mutants()


def test_there_are_ten_at_least() -> None:
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS) >= 10


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_each_place_of_a_defect_is_still_there(mutant: Mutant) -> None:
    """A list whose places have moved would find nothing and say so only when it is run."""
    for edit in mutant.edits:
        assert (ROOT / edit.file).read_text(encoding="utf-8").count(edit.old) == 1
        assert edit.new != edit.old
    assert all((ROOT / test.partition("::")[0]).exists() for test in mutant.tests)
    assert mutant.why


def test_a_defect_is_put_into_the_copy_only(tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text("a = 1\n", encoding="utf-8")
    apply(Mutant("m", "w", (Edit("one.py", "a = 1", "a = 2"),), ("t",)), tmp_path)
    assert (tmp_path / "one.py").read_text(encoding="utf-8") == "a = 2\n"


def test_a_place_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text("a = 1\na = 1\n", encoding="utf-8")
    with pytest.raises(ValueError, match="2 times"):
        apply(Mutant("m", "w", (Edit("one.py", "a = 1", "a = 2"),), ("t",)), tmp_path)


def test_a_defect_that_nothing_is_to_find_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "list.toml"
    path.write_text('[[mutant]]\nname = "m"\nwhy = "w"\nedit = []\n', encoding="utf-8")
    with pytest.raises(ValueError, match="name tests or a judgement"):
        read_mutants(path)


def test_a_finder_that_is_broken_without_the_defect_finds_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mutant = Mutant("m", "w", (Edit("README.md", "# ", "## "),), ("t",))
    monkeypatch.setattr(mutants, "broken", lambda mutant, root: True)
    assert mutants.hunt([mutant], tmp_path) == ["m"]


def test_a_defect_that_is_found_is_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = (ROOT / "LICENSE").read_text(encoding="utf-8")
    (tmp_path / "LICENSE").write_text(written, encoding="utf-8")
    mutant = Mutant("m", "w", (Edit("LICENSE", "Version 2.0, January 2004", "gone"),), ("t",))

    def finds(mutant: Mutant, root: Path) -> bool:
        return "gone" in (root / "LICENSE").read_text(encoding="utf-8")

    monkeypatch.setattr(mutants, "broken", finds)
    assert mutants.hunt([mutant], tmp_path) == []
    assert (tmp_path / "LICENSE").read_text(encoding="utf-8") == written


def test_a_defect_that_nothing_finds_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copyfile(ROOT / "LICENSE", tmp_path / "LICENSE")
    mutant = Mutant("m", "w", (Edit("LICENSE", "Version 2.0, January 2004", "gone"),), (), "bills")
    monkeypatch.setattr(mutants, "broken_judgements", lambda root: [])
    assert mutants.hunt([mutant], tmp_path) == ["m"]


def test_tests_that_do_not_run_find_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A defect that spoils the sources, or a test that is gone, is no finding."""
    shutil.copyfile(ROOT / "LICENSE", tmp_path / "LICENSE")
    mutant = Mutant("m", "w", (Edit("LICENSE", "Version 2.0, January 2004", "gone"),), ("t",))
    codes = iter((0, 4))
    monkeypatch.setattr(
        mutants, "run_at", lambda root, command: subprocess.CompletedProcess(command, next(codes), "", "")
    )
    assert mutants.hunt([mutant], tmp_path) == ["m"]
    assert "gone" not in (tmp_path / "LICENSE").read_text(encoding="utf-8")
