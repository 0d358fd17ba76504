"""The results of an SMS that others than its explanation act on (notifications.md §6.1, sms-results.csv)."""

from typing import Final

WHOLE: Final = 0
"""All parts went out."""

IN_PART: Final = 9
"""Some parts went out; how many only the platform knows (billing-rules.md §4)."""

SENT: Final = frozenset({WHOLE, IN_PART})
"""The receiver got it, or some of it."""

NOTHING: Final = frozenset(range(14)) - SENT
"""The other documented results: the receiver got none of it."""
