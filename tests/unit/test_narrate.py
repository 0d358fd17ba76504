"""How the demo shows a page: in the browser of whoever sits in front of a screen, else by its path."""

from __future__ import annotations

import io
import webbrowser
from pathlib import Path

import pytest
from rich.console import Console

from local.narrate import Narrator

PAGE = Path("/somewhere/statement.html")


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What a browser was asked to open."""
    urls: list[str] = []

    def take(url: str) -> bool:
        urls.append(url)
        return True

    monkeypatch.setattr(webbrowser, "open", take)
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setenv("DISPLAY", ":0")
    return urls


def shown(*, terminal: bool) -> str:
    said = io.StringIO()
    Narrator(Console(file=said, force_terminal=terminal, no_color=True, soft_wrap=True)).show(PAGE)
    return said.getvalue()


def test_a_page_is_opened_on_a_terminal_with_a_screen(opened: list[str]) -> None:
    assert "reads the statement in the browser" in shown(terminal=True)
    assert opened == ["file:///somewhere/statement.html"]


def test_a_page_is_named_in_a_pipe(opened: list[str]) -> None:
    assert "the statement: /somewhere/statement.html" in shown(terminal=False)
    assert opened == []


def test_a_page_is_named_where_there_is_no_screen(opened: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY")
    assert "the statement: /somewhere/statement.html" in shown(terminal=True)
    assert opened == []


def test_titles_and_sums_stand_out_on_a_terminal_only() -> None:
    table = "STATEMENT 2026-09\nName    CNY\n───────────\na      1.00\n───────────\nTotal  1.00\n"
    plain, coloured = io.StringIO(), io.StringIO()
    Narrator(Console(file=plain, soft_wrap=True)).block(table)
    Narrator(Console(file=coloured, force_terminal=True, color_system="standard", soft_wrap=True)).block(
        table
    )
    assert "\x1b" not in plain.getvalue()
    assert "\x1b[1mTotal" in coloured.getvalue().replace(" " * 10, "").replace(
        "\x1b[1m" + " " * 10, "\x1b[1m"
    )
