"""From a push that came through the door to what is written for it, and to what is put apart of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta

from privatenumber.calls.desk import Bundle, Desk
from privatenumber.calls.guard import Admitted, Arrival, DoorPolicy, NonceMemory
from privatenumber.calls.quarantine import Envelope, body_token, entry_for, single
from privatenumber.calls.reception import Reception
from privatenumber.platform.pushes import BadEntry, Push, PushKind
from privatenumber.privacy import Keyring
from privatenumber.settings import Application, Kept, NonceCheck
from privatenumber.store.fact_writes import NonceUse, QuarantineEntry

#: Where the console may point each kind; number states without an address go to that of call status.
_OWN_ROUTES = {
    PushKind.CDR: {"fee"},
    PushKind.SMS: {"sms"},
    PushKind.NUMBER_STATE: {"number", "status"},
}


class Bundler:
    """Makes the writes of a push.

    Parameters
    ----------
    keyring : Callable
        The deployment's keys; called only for a sender who knows the secret path.
    policy : DoorPolicy
    kept : Kept
        How long what is stored stays.
    """

    def __init__(self, keyring: Callable[[], Keyring], policy: DoorPolicy, kept: Kept) -> None:
        self._keyring = keyring
        self._policy = policy
        self._kept = kept
        self._nonces = NonceMemory()

    def bundle(
        self,
        arrival: Arrival,
        admitted: Admitted,
        push: Push,
        by_app_key: Mapping[str, Application],
        *,
        asked: bool = False,
    ) -> Bundle:
        """What is to be written for a push; ``asked``: it is a question."""
        application, keyring = admitted.application, self._keyring()
        notes = [*admitted.flags, *push.notes, *self._nonce_notes(arrival, admitted, keyring)]
        if arrival.route not in _OWN_ROUTES.get(push.kind, {"status"}):
            notes.append("wrong_route")
        flags = (*admitted.flags, *(note for note in push.notes if note != "long_list"))
        reception = Reception(
            application.id, arrival.received_at, keyring, flags, application.mode, self._kept
        )
        desk = Desk(reception, by_app_key)
        for entry in push.entries:
            desk.take(entry, application)
        quarantined = [
            self._unreadable(arrival, push.kind, bad, admitted, keyring) for bad in (*push.bad, *desk.bad)
        ]
        nonce = self._nonce_use(arrival, admitted, keyring, asked=asked)
        return Bundle(reception, desk.facts, quarantined, nonce, (*notes, *desk.notes))

    def apart(
        self, arrival: Arrival, application: str, reason: str, *, flags: tuple[str, ...] = ()
    ) -> QuarantineEntry:
        """The whole request, to be put apart."""
        return entry_for(
            Envelope(arrival.route, arrival.headers, arrival.body, flags),
            application=application,
            reason=reason,
            keyring=self._keyring(),
            received_at=arrival.received_at,
        )

    def _unreadable(
        self, arrival: Arrival, kind: PushKind, bad: BadEntry, admitted: Admitted, keyring: Keyring
    ) -> QuarantineEntry:
        return entry_for(
            Envelope(arrival.route, {}, single(kind, bad, arrival.body), admitted.flags),
            application=admitted.application.id,
            reason=f"unreadable: {bad.reason}",
            keyring=keyring,
            received_at=arrival.received_at,
        )

    def _nonce_notes(self, arrival: Arrival, admitted: Admitted, keyring: Keyring) -> tuple[str, ...]:
        token = admitted.token
        if token is None or self._policy.nonce_check is not NonceCheck.LOG:
            return ()
        reused = self._nonces.reused(
            token.username,
            token.nonce,
            body_token(keyring, arrival.body),
            now=arrival.received_at,
            tolerance_s=self._policy.tolerance_s,
        )
        return ("nonce_reused",) if reused else ()

    def _nonce_use(
        self, arrival: Arrival, admitted: Admitted, keyring: Keyring, *, asked: bool
    ) -> NonceUse | None:
        """The use of the nonce, where it is held against later pushes: of a question in every setting.

        Its answer names a person, and the signature does not cover what is asked (auth.md §3).
        """
        token = admitted.token
        if token is None or not (asked or self._policy.nonce_check is NonceCheck.ENFORCE):
            return None
        return NonceUse(
            admitted.application.id,
            token.username,
            token.nonce,
            body_token(keyring, arrival.body),
            arrival.received_at,
            arrival.received_at + timedelta(seconds=2 * self._policy.tolerance_s),
        )
