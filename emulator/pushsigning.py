"""Signatures of pushes, right ones and the wrong ones that a fault orders (auth.md §2, §3, §6)."""

import random
from datetime import datetime, timedelta

from emulator.clock import Scheduler
from emulator.deliveries import Delivery
from emulator.pushfaults import damage
from emulator.settings import EmulatorSettings
from emulator.world import World
from privatenumber.signing import Scheme, sign

_OLD_AGE_S = 86_400


class PushSigner:
    """Signs each attempt anew with the application's first secret, or repeats its header (`push.resign`)."""

    def __init__(
        self, world: World, clock: Scheduler, settings: EmulatorSettings, chance: random.Random
    ) -> None:
        self._world = world
        self._clock = clock
        self._settings = settings
        self._chance = chance
        self._last_nonce: dict[str, str] = {}

    def headers(self, delivery: Delivery) -> dict[str, str]:
        """Return the headers of the next attempt. KeyError when the application is gone."""
        if delivery.headers is not None and not self._settings.push.resign:
            return delivery.headers
        harm = damage(delivery.fault, len(delivery.attempts))
        secret = self._world.applications[delivery.app_key].secrets[0]
        delivery.headers = sign(
            Scheme.WSSE if harm == "wsse" else Scheme(self._settings.push.scheme.upper()),
            delivery.app_key,
            f"not-{secret}" if harm == "bad_signature" else secret,
            created=self._created(delivery, harm),
            nonce=self._nonce(delivery.app_key, harm),
        )
        return delivery.headers

    def _created(self, delivery: Delivery, harm: str | None) -> datetime:
        machine = self._settings.signing_clock == "machine"
        now = self._clock.machine_now() if machine else self._clock.now()
        if harm != "old_created" or delivery.fault is None:
            return now
        return now - timedelta(seconds=float(delivery.fault.params.get("age_s", _OLD_AGE_S)))

    def _nonce(self, app_key: str, harm: str | None) -> str:
        if harm == "repeat_nonce" and app_key in self._last_nonce:
            return self._last_nonce[app_key]
        self._last_nonce[app_key] = f"{self._chance.getrandbits(128):032x}"
        return self._last_nonce[app_key]
