"""What bills and reconciliations say to people, one catalogue per language with the same keys."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from importlib import import_module


class Language(StrEnum):
    """Languages that a statement can be written in."""

    EN = "en"
    ZH = "zh"


class Words:
    """The texts of one language. A catalogue is loaded when its language is first asked for."""

    def __init__(self, language: Language = Language.EN) -> None:
        self.language = language
        self._texts: Mapping[str, str] = import_module(f"{__name__}.{language}").TEXTS

    def __getitem__(self, key: str) -> str:
        return self._texts[key]

    def say(self, key: str, **values: object) -> str:
        """A sentence with its values filled in; `count` also chooses between one and many."""
        if values.get("count") == 1 and f"{key}.one" in self._texts:
            key = f"{key}.one"
        return self._texts[key].format(**values)

    def code(self, family: str, code: str) -> str:
        """The word for a code; a code that no catalogue knows stands for itself.

        What belongs to nobody stands under keys like ``#unassigned`` in every view.
        """
        family = "owner" if code.startswith("#") else family
        return self._texts.get(f"{family}.{code}", code)
