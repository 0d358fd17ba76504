"""Signatures of webhooks, held against a receiver that knows nothing of ours; users.md U-N14."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from builders.webhooks import verify
from privatenumber.webhooks.signature import Secret, at, from_bytes, headers, new_secret, rotated, to_bytes

NOW = datetime(2026, 3, 1, 8, tzinfo=UTC)
BODY = b'{"id":"e1"}'


def test_the_published_example_is_signed_as_published() -> None:
    """The example of the Standard Webhooks specification."""
    secret = Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    signed = headers(
        [secret],
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        b'{"test": 2432232314}',
        datetime.fromtimestamp(1614265330, UTC),
    )
    assert signed == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_a_receiver_with_the_secret_verifies_what_is_sent() -> None:
    secret = new_secret()
    assert verify(secret.text, headers([secret], "e1", BODY, NOW), BODY, now=NOW)


@pytest.mark.parametrize("change", ["body", "id", "secret", "time"])
def test_whatever_is_changed_on_the_way_is_seen(change: str) -> None:
    secret = new_secret()
    signed = dict(headers([secret], "e1", BODY, NOW))
    signed |= {"webhook-id": "e2"} if change == "id" else {}
    signed |= {"webhook-timestamp": str(int(NOW.timestamp()) + 1)} if change == "time" else {}
    known = new_secret() if change == "secret" else secret
    assert not verify(known.text, signed, BODY + b" " if change == "body" else BODY, now=NOW)


def test_what_was_recorded_and_is_sent_again_later_is_too_old() -> None:
    secret = new_secret()
    signed = headers([secret], "e1", BODY, NOW)
    assert not verify(secret.text, signed, BODY, now=NOW + timedelta(minutes=6))


def test_during_a_rotation_either_secret_verifies() -> None:
    old = new_secret()
    new, still = rotated([old], NOW)
    signed = headers([new, still], "e1", BODY, NOW)
    assert verify(old.text, signed, BODY, now=NOW)
    assert verify(new.text, signed, BODY, now=NOW)


def test_a_day_after_a_rotation_the_old_secret_signs_no_more() -> None:
    old = new_secret()
    known = rotated([old], NOW)
    later = NOW + timedelta(days=1)
    signed = headers(known, "e1", BODY, later)
    assert not verify(old.text, signed, BODY, now=later)
    assert [one.text for one in at(known, later)] == [known[0].text]


def test_a_rotation_that_is_asked_for_twice_is_one() -> None:
    """Else a lost answer and its repetition would put out the secret that the receiver has."""
    once = rotated([new_secret()], NOW)
    assert rotated(once, NOW + timedelta(hours=1)) == once


def test_secrets_are_kept_as_they_are() -> None:
    known = rotated([new_secret()], NOW)
    assert from_bytes(to_bytes(known)) == known


def test_a_secret_is_not_in_what_is_printed_of_it() -> None:
    secret = new_secret()
    assert secret.text not in repr(secret)
