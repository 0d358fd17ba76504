"""People in a row, and the row without them. Pure.

A person stands in a row as a token, alone or inside a key of an index, at any depth. A token is 130 bits of a
keyed hash, so wherever its text is found, it is that person.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, Final

from privatenumber.privacy import TOKEN_LENGTH, is_pseudonym

KEYS: Final = frozenset({"pk", "sk"})
_PEOPLE: Final = frozenset(
    {
        *("caller", "callee", "calling", "called", "sender", "receiver"),
        *("a_token", "b_token", "callee_token", "token", "person", "counterpart"),
    }
)
"""Attributes that hold one person each, and nothing else."""

Renamed = Callable[[str], str]


def texts(value: Any) -> Iterator[str]:
    """Every text in a value, names of members too: they can hold an id."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, member in value.items():
            yield str(name)
            yield from texts(member)
    elif isinstance(value, list | tuple | set | frozenset):
        for member in value:
            yield from texts(member)


def named_in(value: Any, tokens: Collection[str]) -> frozenset[str]:
    """Those of some people who stand anywhere in a value."""
    found = list(texts(value))
    return frozenset(token for token in tokens if any(token in text for text in found))


def people_in(value: Any) -> frozenset[str]:
    """Everybody who stands in a row and has not been erased yet."""
    found: set[str] = set()
    if isinstance(value, Mapping):
        for name, member in value.items():
            if name in _PEOPLE and isinstance(member, str):
                found |= {member} if _is_person(member) else set()
            else:
                found |= people_in(member)
    elif isinstance(value, list | tuple):
        for member in value:
            found |= people_in(member)
    return frozenset(found)


def without(value: Any, people: Collection[str], renamed: Renamed) -> Any:
    """The value with a pseudonym wherever one of these people stood."""
    if isinstance(value, str):
        for token in people:
            value = value.replace(token, renamed(token))
        return value
    if isinstance(value, Mapping):
        return {
            without(name, people, renamed): without(member, people, renamed) for name, member in value.items()
        }
    if isinstance(value, list | tuple):
        return [without(member, people, renamed) for member in value]
    if isinstance(value, set | frozenset):
        return {without(member, people, renamed) for member in value}
    return value


def _is_person(text: str) -> bool:
    return len(text) == TOKEN_LENGTH and not is_pseudonym(text)
