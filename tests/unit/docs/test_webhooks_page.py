"""docs/webhooks.md tells every type that a webhook can ask for."""

from __future__ import annotations

import re
from pathlib import Path

from privatenumber.store.announcement_types import DESCRIPTIONS, AnnouncementType

PAGE = (Path(__file__).parents[3] / "docs/webhooks.md").read_text(encoding="utf-8")


def test_the_page_lists_the_types_as_they_are() -> None:
    told = dict(re.findall(r"^\| `([a-z]+\.[a-z]+)` \| (.+) \|$", PAGE, re.MULTILINE))
    assert told == {type_.value: DESCRIPTIONS[type_] for type_ in AnnouncementType}
