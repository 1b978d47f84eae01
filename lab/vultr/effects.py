"""Calls to the machines, in the order of the API's changes where they share an id, at the same time where not.

The store's `todo` is the queue: a call is struck off with its result in one write, so a simulator that was killed goes
on with what is left, and a client that repeats a request repeats no call.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable
from typing import Any

from lab.vultr import resume, specs
from lab.vultr.files import Json
from lab.vultr.ports import AllowRule, MachineError, Machines, VpcSpec
from lab.vultr.store import Store

LOG = logging.getLogger(__name__)


class Effects:
    """Runs what the store has noted; `start` first."""

    def __init__(self, store: Store, machines: Machines) -> None:
        self._store = store
        self._machines = machines
        self._running: dict[int, threading.Thread] = {}
        self._done = threading.Condition(store.lock)
        self._open = False
        self._guarding = threading.Lock()
        self._guarded: dict[str, tuple[AllowRule, ...]] = {}

    def start(self) -> None:
        """Have the machines be as the store says, then make the calls that are left."""
        with self._store.lock:
            account = resume.account(self._store.accounts())
        self._machines.resume(account)
        self.guard()
        with self._store.lock:
            self._open = True
        self.kick()

    def guard(self) -> None:
        """Have the firewall be as the groups say, if that has changed."""
        with self._guarding:
            with self._store.lock:
                groups = specs.guards(self._store.accounts())
            if groups != self._guarded:
                try:
                    self._machines.guard(groups)
                    self._guarded = groups
                except MachineError:
                    LOG.exception("the firewall is not as its groups say")

    def stop(self) -> None:
        """Begin nothing any more, and wait for what has begun; the rest stays noted."""
        with self._store.lock:
            self._open = False
            self._done.notify_all()
            threads = list(self._running.values())
        for thread in threads:
            thread.join()

    def wait(self, numbers: Iterable[int]) -> None:
        """Return when these calls were made (or were given up when the simulator stops)."""
        wanted = set(numbers)
        with self._done:
            while self._open and wanted & {one["number"] for one in self._todo()}:
                self._done.wait()

    def kick(self) -> None:
        """Begin every call that no earlier one is in the way of."""
        with self._store.lock:
            blocked: set[str] = set()
            for one in sorted(self._todo(), key=lambda one: int(one["number"])):
                free = self._open and one["number"] not in self._running and not blocked & set(one["touches"])
                blocked |= set(one["touches"])
                if free:
                    thread = threading.Thread(target=self._run, args=(one,), name=f"effect-{one['call']}")
                    self._running[one["number"]] = thread
                    thread.start()

    def _run(self, one: Json) -> None:
        result: object = None
        error = ""
        try:
            result = self._call(one)
        except MachineError as problem:
            error = str(problem)
        except Exception as problem:
            LOG.exception("%s of %s", one["call"], one["touches"])
            error = f"{type(problem).__name__}: {problem}"
        with self._done:
            account = next(account for account in self._store.accounts() if one in account["todo"])
            account["todo"].remove(one)
            if error:
                account["failures"].append({"call": one["call"], "touches": one["touches"], "error": error})
            specs.record(account, one, result, failed=bool(error))
            self._store.save()
            del self._running[one["number"]]
            self._done.notify_all()
        self.guard()
        self.kick()

    def _call(self, one: Json) -> object:
        """One call; what the account no longer has by now needs none."""
        name: str = one["call"]
        arguments: list[Any] | None = list(one["arguments"])
        with self._store.lock:
            account = next(account for account in self._store.accounts() if one in account["todo"])
            if name == "boot":
                arguments = specs.instance(account, *one["arguments"])
            elif name == "balance":
                arguments = specs.balancer(account, *one["arguments"])
            elif name == "make_database":
                arguments = specs.database(account, *one["arguments"])
            elif name == "attach_address":
                arguments = specs.address(account, *one["arguments"])
            elif name in ("attach_vpc", "detach_vpc"):
                instance_id, vpc = one["arguments"]
                arguments = [instance_id, VpcSpec(*vpc)]
        return None if arguments is None else getattr(self._machines, name)(*arguments)

    def _todo(self) -> list[Json]:
        return [one for account in self._store.accounts() for one in account["todo"]]
