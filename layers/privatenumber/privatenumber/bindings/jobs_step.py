"""One item of a job, carried out once more: every act here may have been cut off anywhere before.

A bind repeats under the Idempotency-Key of its item, everything else by what the binding says now, so an item
that is executed twice has one effect.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from privatenumber.bindings.engine import Engine
from privatenumber.bindings.errors import BindingError, BindingNotFound
from privatenumber.bindings.jobs_items import read_bind, read_change, read_named
from privatenumber.bindings.jobs_model import Kind, Task
from privatenumber.bindings.jobs_move import move
from privatenumber.bindings.jobs_outcomes import NOT_BOUND, Done, Failed, Outcome, Wait, shown, told
from privatenumber.bindings.model import Binding, PartnerState, Party, Reason, State
from privatenumber.bindings.service import BindingService
from privatenumber.deadline import Deadline
from privatenumber.store.binding_keys import ORDER_INDEX, order_index_key

_OF_ORDER: Final = 100
"""Bindings of one order that are looked at."""


def do(engine: Engine, task: Task, deadline: Deadline) -> Outcome:
    """Carry out an item as far as it goes now. What nobody foresaw is raised."""
    engine = engine.acting(task.author, task.job.reason)
    try:
        return _ACTS[Kind(task.job.kind)](engine, task, deadline)
    except BindingError as error:
        return told(error)


def _bind(engine: Engine, task: Task, deadline: Deadline) -> Outcome:
    if task.row.made:
        known = engine.load(task.row.made)
        if known.state.final:
            return _bound(known)
    command = read_bind(task.content, application=task.job.application, key=task.key)
    return _bound(BindingService(engine).bind(command, deadline=deadline).binding)


def _bound(binding: Binding) -> Outcome:
    if binding.state is State.FAILED:
        return Failed(NOT_BOUND, {"code": binding.failure_code, "binding_id": binding.id})
    if binding.state is State.REQUESTED or not binding.settled:
        return Wait(made=binding.id)
    return shown(binding, "bound" if binding.state is State.ACTIVE else "ended")


def _change(engine: Engine, task: Task, deadline: Deadline) -> Outcome:
    identity, asked = read_change(task.content)
    _mine(engine, task, identity)
    binding = BindingService(engine).change(identity, deadline=deadline, **asked)
    return shown(binding, "changed") if binding.settled else Wait()


def _release(engine: Engine, task: Task, deadline: Deadline) -> Outcome:
    identity, order = read_named(task.content)
    if order is None:
        return _released(engine, task, _mine(engine, task, identity or ""), deadline)
    found = [_mine(engine, task, one) for one in sorted(_of_order(engine, task, order))]
    if not found:
        raise BindingNotFound
    outcomes = [_released(engine, task, one, deadline) for one in found if not one.state.final]
    if unfinished := [one for one in outcomes if isinstance(one, Wait)]:
        return unfinished[0]
    return Done({"outcome": "released", "order": order, "bindings": _ended(engine, task, found)})


def _of_order(engine: Engine, task: Task, order: str) -> set[str]:
    """Bindings of an order: those that hold its pairs now, and those the index has."""
    application = task.job.application
    rows = engine.search.newest(
        ORDER_INDEX, "order_key", order_index_key(application, order), limit=_OF_ORDER, before=None
    )
    return {*engine.store.of_order(application, order), *(row.binding_id for row in rows)}


def _ended(engine: Engine, task: Task, found: Iterable[Binding]) -> list[str]:
    """Ids of the bindings that this item has ended or lets run out, also in an earlier execution."""
    since = task.row.since or engine.clock()
    return [one.id for one in found if not one.state.final or one.updated_at >= since]


def _released(engine: Engine, task: Task, binding: Binding, deadline: Deadline) -> Outcome:
    if binding.state.final:
        return shown(binding, "ended")
    params = task.job.params
    ended = BindingService(engine).release(
        binding.id,
        reason=Reason(params.get("release_reason", Reason.DELETED)),
        grace_s=int(params.get("grace_seconds", 0)),
        wait_s=int(params["wait_seconds"]) if "wait_seconds" in params else None,
        deadline=deadline,
    )
    if ended.state.final:
        return shown(ended, "released")
    if ended.state is State.ACTIVE and ended.reason:
        # After a grace, or once its call is over: its worker ends it.
        return shown(ended, "ending")
    return Wait()


def _release_person(engine: Engine, task: Task, deadline: Deadline) -> Outcome:
    binding, person = _found(engine, task), _person(task.person)
    if binding.state.final:
        return shown(binding, "ended")
    if person.token in {who.token for who in binding.terms.people}:
        return _released(engine, task, binding, deadline)
    if partner := binding.partner_of(person):
        left = BindingService(engine).remove_partner(binding.id, partner.id, deadline=deadline)
        return Wait() if left.partner(partner.id) else shown(left, "partner_left")
    return _not_there(binding)


def _replace_person(engine: Engine, task: Task, deadline: Deadline) -> Outcome:
    binding, person = _found(engine, task), _person(task.person)
    successor = _person(task.replacement)
    service = BindingService(engine)
    if binding.state.final:
        return shown(binding, "ended")
    for name, who in (("a", binding.a), ("b", binding.b)):
        if who and who.token == person.token:
            asked = {name: successor.number}
            changed = service.change(binding.id, deadline=deadline, **asked)  # type: ignore[arg-type]
            return shown(changed, "changed") if changed.settled else Wait()
    if partner := binding.partner_of(person):
        if partner.state is not PartnerState.LEAVING:
            binding = service.add_partner(binding.id, successor.number, deadline=deadline).binding
            come = binding.partner_of(successor)
            if come is None or come.state is not PartnerState.HELD:
                return Wait()
        left = service.remove_partner(binding.id, partner.id, deadline=deadline)
        return Wait() if left.partner(partner.id) else shown(left, "changed")
    if successor.token in {who.token for who in binding.people}:
        return shown(binding, "changed") if binding.settled else Wait()
    return _not_there(binding)


def _not_there(binding: Binding) -> Outcome:
    """The person is not, or not any more, in the binding; a change under way may still bring him back."""
    return shown(binding, "not_concerned") if binding.settled else Wait()


def _drain(engine: Engine, task: Task, deadline: Deadline) -> Outcome:
    binding = _found(engine, task)
    if task.job.params.get("move"):
        return move(engine, task, binding, deadline)
    if binding.x != task.job.params["x"]:
        return shown(binding, "not_concerned")
    return _released(engine, task, binding, deadline)


def _found(engine: Engine, task: Task) -> Binding:
    """The binding that a walk has found."""
    return _mine(engine, task, str(task.content["binding_id"]))


def _mine(engine: Engine, task: Task, identity: str) -> Binding:
    """Read a binding of the job's application; those of others are none. Raises BindingNotFound."""
    binding = engine.load(identity)
    if binding.application != task.job.application:
        raise BindingNotFound
    return binding


def _person(party: Party | None) -> Party:
    if party is None:
        raise ValueError("the job names no such person")
    return party


_ACTS: Final[Mapping[Kind, Callable[[Engine, Task, Deadline], Outcome]]] = {
    Kind.BIND: _bind,
    Kind.CHANGE: _change,
    Kind.RELEASE: _release,
    Kind.RELEASE_PERSON: _release_person,
    Kind.REPLACE_PERSON: _replace_person,
    Kind.DRAIN_NUMBER: _drain,
}
