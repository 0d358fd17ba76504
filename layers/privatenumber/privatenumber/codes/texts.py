"""What a code means to people, in English and Chinese, and the tables that say it.

A table is a CSV file beside this module with columns ``meaning_en`` … ``remedy_zh``; adding a row needs no
code (cause-codes.md §2). Tables are read when they are first asked for: an import costs nothing.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

LONGEST_CODE: Final = 7
"""Digits; what is longer may be a phone number."""


@dataclass(frozen=True, slots=True)
class Text:
    """One sentence a support person can say, in both languages."""

    en: str
    zh: str


@dataclass(frozen=True, slots=True)
class Texts:
    """What a code means, what usually causes it, and what to do about it."""

    meaning: Text
    cause: Text
    remedy: Text


_MAY_BE_NEW: Final = Text(
    "The platform's lists are not closed; it may have added a code", "平台的代码表并不固定，可能新增了代码"
)
_ASK: Final = Text(
    "Ask the provider with time, X and id, then add the code to the table",
    "带上时间、X 和标识向服务商询问，再把代码补充到表中",
)


def rows_of(table: str) -> tuple[Mapping[str, str], ...]:
    """The rows of one table, in the order of the file."""
    with Path(__file__).with_name(table).open(encoding="utf-8", newline="") as file:
        return tuple(csv.DictReader(file))


def texts_of(row: Mapping[str, str]) -> Texts:
    """The six texts of a row."""
    meaning, cause, remedy = (
        Text(row[f"{name}_en"], row[f"{name}_zh"]) for name in ("meaning", "cause", "remedy")
    )
    return Texts(meaning, cause, remedy)


def number_of(code: int | str | None) -> int | None:
    """A code as a number; codes arrive as both (cause-codes.md §2). None for what is no code."""
    text = str(code).strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) <= LONGEST_CODE else None


def shown(code: int | str | None) -> Text:
    """A code of no table as people see it. What is no code may be a phone number and is not repeated."""
    number = number_of(code)
    if number is not None:
        return Text(f"Unknown code {number}", f"未知代码 {number}")
    if code is None or not str(code).strip():
        return Text("No code was reported", "没有上报代码")
    return Text("Unreadable code", "无法识别的代码")


def unknown(code: int | str | None) -> Texts:
    """What can honestly be said of a code of no table."""
    return Texts(shown(code), _MAY_BE_NEW, _ASK)
