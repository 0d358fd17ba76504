"""The certificate: what was asked for, what was erased, what stays and why. Holds no number and no token."""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from datetime import datetime

from privatenumber.erasure.remains import EXPIRES, STAYS
from privatenumber.store.erasures import Certificate, ErasureRow
from privatenumber.store.versions import canonical
from privatenumber.times import iso


def certificate_of(row: ErasureRow, *, now: datetime) -> Certificate:
    """The certificate of an erasure whose last look is over."""
    document = canonical(
        {
            "erasure": row.id,
            "subject": row.subject,
            "application": row.application,
            "people": list(row.people),
            "order": row.order,
            "older_than_days": row.older_than_days,
            "lift_bars": row.lift_bars,
            "requested_by": row.created_by,
            "reason": row.reason,
            "requested_at": iso(row.created_at),
            "finished_at": iso(now),
            "passes": row.passes + 1,
            "erased": dict(sorted(row.counts.items())),
            "left_in_use": list(row.in_use),
            "stays": [asdict(each) for each in STAYS],
            "expires_by_itself": [asdict(each) for each in EXPIRES],
        }
    ).decode()
    return Certificate(document, hashlib.sha256(document.encode()).hexdigest(), now)
