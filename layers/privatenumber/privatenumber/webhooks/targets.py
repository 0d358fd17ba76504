"""Where a webhook may lead: to the deployment's event bus, or to an https host of the public internet.

Whoever may make webhooks chooses addresses that we then connect to from inside: none may lead to us. The form
is checked and the name resolved when a target is set; the name is resolved and looked at again for each
delivery, which connects to what was looked at (`network.ways_to`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from privatenumber.addresses import AddressRefused, host_of, is_dns_name
from privatenumber.deadline import Deadline, OutOfTime, in_time
from privatenumber.network import Resolve, ways_to
from privatenumber.settings import WebhookTargets
from privatenumber.store.webhooks import TO_BUS

RESOLVE_S: Final = 5.0
RULES: Final[Mapping[str, str]] = {
    "form": "must be an https address of a host's name, without user, password and fragment",
    "scheme": "must begin with https://",
    "host": "must name a host by its full DNS name, not by a number",
    "network": "must not lead to a private, local or reserved network",
    "name": "must be a host that can be resolved",
}
"""What an address that is refused has to do, by the part it is refused for."""


def check_form(target: str, allowed: WebhookTargets) -> None:
    """Look at the text of a target. Raises AddressRefused."""
    if target == TO_BUS:
        return
    anywhere = allowed is WebhookTargets.ANY
    host = host_of(target, allow_http=anywhere)
    if not anywhere and not is_dns_name(host):
        raise AddressRefused("host")


def check(target: str, allowed: WebhookTargets, resolve: Resolve) -> None:
    """Look at the text of a target and at what its name leads to now. Raises AddressRefused."""
    check_form(target, allowed)
    if target == TO_BUS:
        return
    anywhere = allowed is WebhookTargets.ANY
    try:
        in_time(lambda: ways_to(target, resolve=resolve, anywhere=anywhere), Deadline.after(RESOLVE_S))
    except (OSError, OutOfTime):
        raise AddressRefused("name") from None
