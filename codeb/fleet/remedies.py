"""The commands that mend a finding, as people copy them. What is no id never gets into one."""

from __future__ import annotations

from codeb.fleet.account import Thing
from codeb.fleet.kinds import DISK
from codeb.fleet.values import is_id


def remove(stack: str, thing: Thing, holds_data: bool) -> str:
    """What nobody needs."""
    first = "look whether its data is needed, then " if holds_data and is_id(thing.key) else ""
    return f"{first}{_command('remove', stack, thing.key, ' --data' if holds_data else '')}"


def adopt_or_remove(stack: str, thing: Thing, holds_data: bool) -> str:
    """What the program may still want."""
    return f"{_command('adopt', stack, thing.key)} takes it back, or {remove(stack, thing, holds_data)}"


def forget(stack: str, key: str, *, attached: bool) -> str:
    """What is gone. What was attached to it the state learns from a refresh: else an update fails to detach it."""
    refresh = f"`codeb fleet refresh --stack {stack}`, then " if attached else ""
    return (
        f"{_command('forget', stack, key)}, then {refresh}`pulumi up --stack {stack}`" if is_id(key) else ""
    )


def other_key(stack: str) -> str:
    """An account that has nothing of what the state has: what is right there would be wrong in another."""
    return (
        "set codeb:vultrApiKey, or VULTR_API_KEY, to the key of the stack's account. When it is the right one and was "
        f"emptied: `codeb fleet forget ID… --emptied --stack {stack}` with the ids of `pulumi stack --show-ids`"
    )


def put_right(stack: str) -> str:
    """What somebody edited: no plain update reads the account."""
    return f"`codeb fleet refresh --stack {stack}`, then `pulumi up --stack {stack}`"


def start(stack: str) -> str:
    """What is switched off: an update starts it before it does anything else."""
    return f"`pulumi up --stack {stack}`"


def attach(stack: str, disk: Thing) -> str:
    """A disk that is not at its server: an update could not move it, as nothing else of it changes."""
    command = _command("attach", stack, disk.key)
    return f"{command}, then `pulumi up --stack {stack}`" if command else ""


def bring_back(stack: str, thing: Thing) -> str:
    """What is attached elsewhere."""
    back = attach(stack, thing) if thing.kind is DISK else put_right(stack)
    return f"end what uses it there, then {back}" if back else ""


def unmarked(stack: str, thing: Thing) -> str:
    """A record that nobody marks."""
    return (
        f"look at it, then {_command('remove', stack, thing.key, ' --unmarked')}" if is_id(thing.key) else ""
    )


def _command(verb: str, stack: str, key: str, more: str = "") -> str:
    return f"`codeb fleet {verb} {key}{more} --stack {stack}`" if is_id(key) else ""
