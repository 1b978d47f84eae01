"""A request becomes an answer: whose key it is, which fault hits it, who handles it, what the machines have to do."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from lab.vultr import settings
from lab.vultr.accounts import Account, Accounts
from lab.vultr.api import catalog, instances, route
from lab.vultr.api.call import Answer, ApiError, Call
from lab.vultr.calls import CallLog, Logged
from lab.vultr.effects import Effects
from lab.vultr.faults import Faults, Rule
from lab.vultr.files import Json
from lab.vultr.ports import Machines
from lab.vultr.store import Store

PREFIX = "/v2"
UNAUTHORIZED = "Invalid API token."
REFUSALS = {
    "429": (429, "Rate limit hit"),
    "rate": (429, "Rate limit hit"),
    "500": (500, "Internal Server Error"),
    "500-after": (500, "Internal Server Error"),
    "capacity": (400, catalog.NO_CAPACITY),
    "quota": (400, instances.QUOTA),
}
"""Status and text of the faults that say no."""


class CutError(Exception):
    """The connection is to be cut, in the middle of `reply` or without any."""

    def __init__(self, reply: Reply | None = None) -> None:
        super().__init__()
        self.reply = reply


@dataclass(frozen=True)
class Request:
    """What came in; `key` is the bearer token, or ""."""

    method: str
    target: str
    key: str = field(repr=False)
    body: bytes = field(repr=False, default=b"")


@dataclass(frozen=True)
class Reply:
    """What goes out; no body at all where it is None."""

    status: int
    body: Json | None = None
    headers: tuple[tuple[str, str], ...] = ()

    def content(self) -> bytes:
        """Compact, as the provider looks for words like `"status":404` in it."""
        return b"" if self.body is None else json.dumps(self.body, separators=(",", ":")).encode()


class Service:
    """The API over one folder."""

    def __init__(self, folder: Path, machines: Machines, clock: Callable[[], float] = time.time) -> None:
        self.store = Store(folder)
        self.accounts = Accounts(folder)
        self.faults = Faults(folder, clock)
        self.settings = settings.load(folder)
        self.log = CallLog(folder)
        self.effects = Effects(self.store, machines)
        self._clock = clock

    def answer(self, request: Request) -> Reply:
        """The reply to a request; CutError when there is none."""
        began = self._clock()
        split = urlsplit(request.target)
        account = self.accounts.by_key(request.key)
        path = split.path.removeprefix(PREFIX)
        name = account.name if account else ""
        fault = self.faults.choose(request.method, path, name) if account else None
        status = 0
        try:
            reply = self._with_fault(request, account, fault) if account else error(401, UNAUTHORIZED)
            status = reply.status
            return reply
        finally:
            kind = fault.kind if fault else ""
            seconds = round(self._clock() - began, 3)
            self.log.add(Logged(began, name, request.method, path, split.query, status, kind, seconds))

    def _with_fault(self, request: Request, account: Account, fault: Rule | None) -> Reply:
        if fault is None:
            return self._work(request, account)
        if fault.kind == "slow":
            time.sleep(fault.seconds)
        if fault.kind in ("429", "rate"):
            after = (("Retry-After", f"{fault.seconds:g}"),) if fault.seconds else ()
            return _refusal(fault, after)
        if fault.kind in ("500", "capacity", "quota"):
            return _refusal(fault)
        if fault.kind == "cut-before":
            raise CutError
        reply = self._work(request, account, fault.seconds if fault.kind == "pending" else 0)
        if fault.kind in ("cut-after", "torn"):
            raise CutError(reply if fault.kind == "torn" else None)
        return _refusal(fault) if fault.kind == "500-after" else reply

    def _work(self, request: Request, account: Account, pending_s: float = 0) -> Reply:
        try:
            return self._handled(request, account, pending_s)
        except ApiError as problem:
            return error(problem.status, problem.text)

    def _handled(self, request: Request, account: Account, pending_s: float) -> Reply:
        split = urlsplit(request.target)
        if not split.path.startswith(PREFIX + "/"):
            raise ApiError(404, "Not found")
        handler, ids = route(request.method, split.path.removeprefix(PREFIX).rstrip("/"))
        call = Call(
            account={},
            ids=ids,
            query=dict(parse_qsl(split.query)),
            body=_body(request.body),
            settings=self.settings.value(),
            now=self._clock(),
            number=self.store.number,
            limit=account.limit,
            pending_s=pending_s,
        )
        if request.method == "GET":
            with self.store.lock:
                call.account = self.store.account(account.name)
                return self._rendered(account, handler(call))
        with self.store.change(account.name) as call.account:
            answer = handler(call)
        self.effects.kick()
        self.effects.wait(call.todo)
        self.effects.guard()
        return self._rendered(account, answer)

    def _rendered(self, account: Account, answer: Answer) -> Reply:
        if answer.body is None:
            return Reply(answer.status)
        with self.store.lock:
            return Reply(answer.status, answer.body(self.store.account(account.name)))


def error(status: int, text: str, headers: tuple[tuple[str, str], ...] = ()) -> Reply:
    """An answer that says no."""
    return Reply(status, {"error": text, "status": status}, headers)


def _refusal(fault: Rule, headers: tuple[tuple[str, str], ...] = ()) -> Reply:
    status, text = REFUSALS[fault.kind]
    return error(fault.status or status, fault.text or text, headers)


def _body(content: bytes) -> Json:
    if not content:
        return {}
    try:
        body = json.loads(content)
    except ValueError:
        raise ApiError(400, "Invalid JSON") from None
    if not isinstance(body, dict):
        raise ApiError(400, "Invalid JSON")
    return body
