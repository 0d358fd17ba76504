"""A diagnosis for programs and for people, in one of the two languages."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

from privatenumber.calls.diagnosis.model import Diagnosis
from privatenumber.codes.texts import Text

Language = Literal["en", "zh"]
_WEIGHTED: Final = re.compile(r"\s*([A-Za-z*]{1,8})(?:-[A-Za-z0-9-]{1,32})?\s*(?:;\s*q=([0-9.]{1,5}))?\s*")
_LABELS: Final[Mapping[str, Text]] = {
    "next": Text("What to do", "处理建议"),
    "evidence": Text("Evidence", "依据"),
    "nothing": Text("Nothing is known of it", "没有相关记录"),
}


def language(wanted: str | None, accepted: str | None) -> Language:
    """The language of an answer: ``lang`` when it names one, else by ``Accept-Language``, else English."""
    if wanted is not None and wanted.strip().lower().startswith("zh"):
        return "zh"
    if wanted is not None and wanted.strip().lower().startswith("en"):
        return "en"
    return max(_accepted(accepted or ""), key=lambda known: known[1], default=("en", 0.0))[0]


def views(diagnoses: Sequence[Diagnosis], lang: Language) -> list[dict[str, Any]]:
    """The findings as JSON, the heaviest first."""
    return [
        {
            "situation": one.situation,
            "severity": one.severity.value,
            "confidence": one.confidence.value,
            "who_can_act": one.acts.value,
            "title": in_language(one.title, lang),
            "explanation": in_language(one.explanation, lang),
            "next_step": in_language(one.next_step, lang),
            "evidence": [
                {
                    "what": in_language(found.what, lang),
                    "value": in_language(found.value, lang),
                    "source": found.source,
                }
                for found in one.evidence
            ],
            "checklist": list(one.checklist),
        }
        for one in diagnoses
    ]


def as_text(diagnoses: Sequence[Diagnosis], lang: Language) -> str:
    """The findings as a support person reads them."""
    if not diagnoses:
        return in_language(_LABELS["nothing"], lang) + "\n"
    return "\n".join(_paragraph(n, one, lang) for n, one in enumerate(diagnoses, 1))


def in_language(text: Text, lang: Language) -> str:
    """One of the two."""
    return text.zh if lang == "zh" else text.en


def _paragraph(number: int, one: Diagnosis, lang: Language) -> str:
    colon, stop = ("：", "。") if lang == "zh" else (": ", ".")
    lines = [
        f"{number}. {in_language(one.title, lang)} [{one.severity.value}, {one.confidence.value}]",
        f"   {in_language(one.explanation, lang)}{stop}",
        f"   {in_language(_LABELS['next'], lang)}{colon}{in_language(one.next_step, lang)}{stop}",
    ]
    if one.evidence:
        lines.append(f"   {in_language(_LABELS['evidence'], lang)}{colon.rstrip()}")
    lines += [
        f"   - {in_language(found.what, lang)}{colon}{in_language(found.value, lang)} ({found.source})"
        for found in one.evidence
    ]
    return "\n".join(lines) + "\n"


def _accepted(header: str) -> list[tuple[Language, float]]:
    """Our languages in the header with their weights, in its order."""
    found: list[tuple[Language, float]] = []
    for part in header.split(","):
        named = _WEIGHTED.fullmatch(part)
        if named is None:
            continue
        try:
            weight = float(named[2] or 1)
        except ValueError:
            continue
        match named[1].lower():
            case "zh":
                found.append(("zh", weight))
            case "en" | "*":
                found.append(("en", weight))
    return found
