"""When a pool was full: an order was refused, and really could have no number."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from privatenumber.privacy import Keyring, token
from storm.judges.pools import Held, living, no_x_and_y, stood_on
from storm.orders import Order
from storm.platform import x_numbers
from storm.world import World


def full_at(world: World) -> Iterator[datetime]:
    """The moments at which an order was refused for want of a number, and there was none for it."""
    keyring, held = world.keyring(), list(_held(world))
    orders = {deal.order.id: deal.order for deal in world.business.deals}
    for refused in world.business.refused:
        order = orders.get(refused.key or "")
        if refused.problem != "no-number-available" or order is None:
            continue
        if order.mode == "AXYB":
            full = _full_at_platform(world, refused.at)
        else:
            full = _full_with_us(world, held, order, keyring, refused.at)
        if full:
            yield refused.at


def _full_at_platform(world: World, at: datetime) -> bool:
    """In AXYB the platform chooses."""
    book, now = world.emulator.world.axyb, world.emulator.scheduler.now()
    gone = {x for x, since in world.weather.console.returned.items() if since <= at}
    xs = {one.x for one in living((*book.ended, *book.all(now)), at)}
    ys = {one.y for one in living(book.ever_paired(now), at)}
    return no_x_and_y(set(x_numbers("AXYB")) - gone, xs, ys)


def _full_with_us(world: World, held: Sequence[Held], order: Order, keyring: Keyring, at: datetime) -> bool:
    """Elsewhere we do, among the numbers that are active; in AX an X is one person's."""
    people = [] if order.mode == "AX" else [order.a, order.b]
    taken = stood_on(held, order.mode, at, {token(keyring, who) for who in people})
    usable = {x for x in x_numbers(order.mode) if world.watches.numbers.active(x, at)}
    return usable <= taken


def _held(world: World) -> Iterator[Held]:
    for (_, sk), row in world.tables.table("BindingsTable").items():
        if sk == "BINDING" and row.get("x"):
            moments = world.watches.people.then.get(str(row["binding_id"]), [])
            yield str(row["mode"]), str(row["x"]), moments
