"""A case: the healthy stack of `stack.yaml`, changed as the case's file says."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import yaml

from codeb.fleet import BY_NAME, Account, State, Thing, Wanted, read_state

FOLDER = Path(__file__).parent
CASES = sorted((FOLDER / "cases").glob("*.yaml"))


def healthy() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((FOLDER / "stack.yaml").read_text())
    return found


def changed(case: dict[str, Any]) -> dict[str, Any]:
    """The healthy stack with the case's `account` and `state`: `add`, `drop` and `change`, each by kind or id."""
    stack = copy.deepcopy(healthy())
    for side in ("account", "state"):
        wanted = case.get(side, {})
        for kind, more in wanted.get("add", {}).items():
            stack[side][kind] = [*stack[side][kind], *more] if kind in stack[side] else more
        for kind in stack[side]:
            stack[side][kind] = [
                _changed(each, wanted.get("change", {}).get(each["id"], {}), side)
                for each in stack[side][kind]
                if each["id"] not in wanted.get("drop", []) and kind not in wanted.get("drop", [])
            ]
    return stack | {
        key: case[key] for key in ("wanted", "under_way", "unasked", "creating", "needless") if key in case
    }


def _changed(resource: dict[str, Any], changes: dict[str, Any], side: str) -> dict[str, Any]:
    if side == "account":
        return resource | changes
    inputs = resource.get("inputs", {}) | changes.get("inputs", {})
    return resource | {key: value for key, value in changes.items() if key != "inputs"} | {"inputs": inputs}


def account(stack: dict[str, Any]) -> Account:
    things: dict[Any, tuple[Thing, ...]] = {}
    for name, resources in stack["account"].items():
        things[BY_NAME[name]] = tuple(
            Thing(BY_NAME[name], str(each["id"]), each, each.get("within", "")) for each in resources
        )
    unasked = {BY_NAME[name]: why for name, why in stack.get("unasked", {}).items()}
    return Account({kind: found for kind, found in things.items() if kind not in unasked}, unasked)


def document(stack: dict[str, Any], outputs: dict[str, Any] | None = None) -> dict[str, Any]:
    """The stack's state as `pulumi stack export` prints it."""
    resources = [_entry(name, each) for name, found in stack["state"].items() for each in found]
    root = {
        "urn": f"urn:pulumi:{stack['stack']}::codeb::pulumi:pulumi:Stack::codeb-{stack['stack']}",
        "outputs": outputs or {},
    }
    pending = [
        {"type": "creating", "resource": _entry(name, {"id": "", "inputs": {"label": label}})}
        for name, label in stack.get("creating", [])
    ]
    return {
        "version": 3,
        "deployment": {
            "resources": [root | {"type": "pulumi:pulumi:Stack"}, *resources],
            "pending_operations": pending,
        },
    }


def state(stack: dict[str, Any]) -> State:
    return read_state(document(stack))


def wanted(stack: dict[str, Any]) -> set[Wanted] | None:
    return None if stack["wanted"] is None else {Wanted(*each) for each in stack["wanted"]}


def _entry(kind: str, resource: dict[str, Any]) -> dict[str, Any]:
    type_ = BY_NAME[kind].type
    urn = f"urn:pulumi:prod::codeb::codeb:fleet:Fleet${type_}::fleet-{resource['id']}"
    entry = {"custom": True, "outputs": resource.get("inputs", {}) | resource.get("outputs", {})}
    rest = {key: value for key, value in resource.items() if key not in ("id", "outputs")}
    return {"urn": urn, "type": type_, "id": str(resource["id"]), "inputs": {}, **rest, **entry}
