"""What of a stored binding is read in two rooms: the words of its states, and what is sealed in it.

Sealed are the real numbers and the references of its people, as the members of one JSON object: those who
bind write it (`bindings.records`), those who answer questions of the platform read it (`calls.relations`).
"""

from __future__ import annotations

from typing import Final

ACTIVE: Final = "ACTIVE"
"""State of a binding that is in force."""
HELD: Final = "held"
"""State of a partner who may be reached."""

A: Final = "a"
B: Final = "b"
PENDING: Final = "pending_"
"""Before `A` and `B` of terms that the platform was not told yet."""
PARTNERS: Final = "partners"
"""Numbers by the id of the partner."""
CALLEE: Final = "callee"
CALLEE_REFERENCE: Final = "callee_reference"
CALLBACK_NUMBER: Final = "callback_number"
USER_REFERENCE: Final = "user_reference"


def binding_context(binding_id: str) -> str:
    """What the sealed part of a binding is bound to."""
    return f"binding#{binding_id}"
