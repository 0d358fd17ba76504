"""Who is in a call: the emulator answers "busy" by itself (axb.md §6.3)."""


class Engaged:
    """Numbers that are in a call or ringing, by call."""

    def __init__(self) -> None:
        self._calls_of: dict[str, set[str]] = {}
        self._numbers_in: dict[str, list[str]] = {}

    def add(self, number: str, session_id: str) -> None:
        """Note that a number takes part in a call."""
        self._calls_of.setdefault(number, set()).add(session_id)
        self._numbers_in.setdefault(session_id, []).append(number)

    def busy(self, number: str, *, but: str) -> bool:
        """Tell whether a number takes part in a call other than the one named."""
        return bool(self._calls_of.get(number, set()) - {but})

    def remove(self, session_id: str) -> None:
        """Note that a call is over."""
        for number in self._numbers_in.pop(session_id, ()):
            self._calls_of[number].discard(session_id)
            if not self._calls_of[number]:
                del self._calls_of[number]
