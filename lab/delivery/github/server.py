"""The stand-in on HTTP: who may ask what, page by page, with GitHub's errors; and the lab's own calls, below `/_lab`.

`GET /_lab/hold?repository=&run_id=&job=` is what a held job asks; `POST /_lab/approve` (repository, run_id, environment,
login, state) is a reviewer's word; `POST /_lab/fault` (status, method, path, count) has calls fail.
"""

from __future__ import annotations

import json
import re
import secrets
import threading
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from lab.delivery.github import issues, runs
from lab.delivery.github.hub import BOT, Fault, Hub, Json, NoSuchThingError, RefusedError, now

_LARGEST: Final = 1 << 20
_PAGE: Final = 30
_LARGEST_PAGE: Final = 100


@dataclass(frozen=True)
class Asked:
    """A request: `login` of whoever asks, `part` of the path is the number that the route names."""

    hub: Hub
    repository: str
    part: str
    query: dict[str, str]
    document: Json
    login: str


@dataclass(frozen=True)
class File:
    """A file that is elsewhere: GitHub redirects to it."""

    content: bytes


@dataclass(frozen=True)
class Route:
    """A call: what it needs (one of), what it answers. `listed`: page by page, below that key where there is one."""

    method: str
    path: str
    needs: tuple[str, ...]
    answer: Callable[[Asked], Any]
    status: int = 200
    listed: str | None = None


def _dispatch(asked: Asked) -> None:
    event, payload = asked.document.get("event_type"), asked.document.get("client_payload", {})
    if not isinstance(event, str) or not 1 <= len(event) <= 100:
        raise RefusedError(422, 'Invalid request. "event_type" wasn\'t supplied, or is too long.')
    if not isinstance(payload, dict) or len(payload) > 10:
        raise RefusedError(422, "No more than 10 properties are allowed in client_payload")
    with asked.hub.changing():
        sent = {
            "event_type": event,
            "client_payload": payload,
            "at": now(),
            "by": asked.login,
            "taken": False,
        }
        asked.hub.repository(asked.repository)["dispatches"].append(sent)


_TALK: Final = ("issues:write", "pull-requests:write")
_READ_TALK: Final = ("issues:read", "pull-requests:read")
ROUTES: Final = (
    Route("GET", "/issues", _READ_TALK, lambda a: issues.listed(a.hub, a.repository, a.query), listed=""),
    Route("POST", "/issues", ("issues:write",), lambda a: issues.make(a.hub, a.repository, a.document, a.login), 201),
    Route("GET", "/issues/(N)", _READ_TALK, lambda a: issues.one(a.hub, a.repository, a.part)),
    Route("PATCH", "/issues/(N)", _TALK, lambda a: issues.change(a.hub, a.repository, a.part, a.document)),
    Route("GET", "/issues/(N)/comments", _READ_TALK, lambda a: issues.comments(a.hub, a.repository, a.part), listed=""),
    Route("POST", "/issues/(N)/comments", _TALK,
          lambda a: issues.comment(a.hub, a.repository, a.part, a.document, a.login), 201),
    Route("PATCH", "/issues/comments/(N)", _TALK,
          lambda a: issues.change_comment(a.hub, a.repository, a.part, a.document)),
    Route("GET", "/labels", _READ_TALK, lambda a: issues.labels(a.hub, a.repository), listed=""),
    Route("POST", "/labels", _TALK, lambda a: issues.make_label(a.hub, a.repository, a.document), 201),
    Route("GET", "/pulls/(N)", ("pull-requests:read",), lambda a: issues.pull(a.hub, a.repository, a.part)),
    Route("GET", "/actions/runs/(N)", ("actions:read",), lambda a: runs.shown(a.hub, a.repository, a.part)),
    Route("GET", "/actions/runs/(N)/jobs", ("actions:read",), lambda a: runs.jobs(a.hub, a.repository, a.part),
          listed="jobs"),
    Route("GET", "/actions/runs/(N)/approvals", ("actions:read",),
          lambda a: runs.of(a.hub, a.repository, a.part)["approvals"]),
    Route("GET", "/actions/runs/(N)/logs", ("actions:read",), lambda a: File(runs.archive(a.hub, a.repository, a.part))),
    Route("GET", "/actions/jobs/(N)/logs", ("actions:read",), lambda a: File(runs.job_log(a.hub, a.repository, a.part))),
    Route("POST", "/dispatches", ("contents:write",), _dispatch, 204),
)  # fmt: skip
_PATHS: Final = tuple((route, re.compile(route.path.replace("(N)", "([0-9]+)"))) for route in ROUTES)
_REPOSITORY: Final = re.compile(r"/repos/([A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+)(/.*)")


@dataclass
class Service:
    """Answers requests; `files` are what answers redirect to, each for as long as the service lives."""

    hub: Hub
    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)

    def lab(self, method: str, path: str, query: dict[str, str], document: Json) -> Any:
        """A call of the lab's own."""
        if (method, path) == ("GET", "/_lab/hold"):
            return runs.hold(self.hub, query["repository"], query["run_id"], query["job"])
        if (method, path) == ("POST", "/_lab/approve"):
            wanted = (str(document[key]) for key in ("repository", "run_id", "environment", "login"))
            runs.review(self.hub, *wanted, approved=document.get("state", "approved") == "approved")
            return {}
        if (method, path) == ("POST", "/_lab/fault"):
            self.hub.add_fault(Fault(**document))
            return {}
        raise NoSuchThingError(path)

    def rest(self, method: str, path: str, query: dict[str, str], document: Json, token: Json | None) -> Any:
        """A call of GitHub's: status, answer, and the headers that go with it."""
        if path == "/user":
            return self._user(token)
        match = _REPOSITORY.fullmatch(path)
        if match is None or token is None or token["repository"] != match[1]:
            raise NoSuchThingError(path)  # what one may not see, isn't there
        for route, form in _PATHS:
            found = form.fullmatch(match[2])
            if route.method == method and found is not None:
                _may(token, route)
                asked = Asked(
                    self.hub, match[1], found[1] if found.groups() else "", query, document, token["login"]
                )
                return self._told(route, route.answer(asked), query, path)
        raise NoSuchThingError(path)

    def _user(self, token: Json | None) -> Any:
        if token is None:
            raise RefusedError(401, "Requires authentication")
        if token["login"] == BOT:
            raise RefusedError(403, "Resource not accessible by integration")
        return 200, {"login": token["login"]}, {}

    def _told(self, route: Route, answer: Any, query: dict[str, str], path: str) -> Any:
        if isinstance(answer, File):
            name = secrets.token_urlsafe(24)
            self.files[name] = answer.content
            return 302, None, {"Location": f"{self.url}/_files/{name}"}
        if route.listed is None:
            return route.status, answer, {}
        size = min(int(query.get("per_page", _PAGE)), _LARGEST_PAGE)
        begin = (int(query.get("page", 1)) - 1) * size
        page = answer[begin : begin + size]
        more = urllib.parse.urlencode({**query, "page": begin // size + 2})
        headers = {"Link": f'<{self.url}{path}?{more}>; rel="next"'} if begin + size < len(answer) else {}
        return 200, {"total_count": len(answer), route.listed: page} if route.listed else page, headers


def _may(token: Json, route: Route) -> None:
    """Whoever may write may read."""
    have = set(token["permissions"]) | {one.replace(":write", ":read") for one in token["permissions"]}
    if not have & set(route.needs):
        whom = "integration" if token["login"] == BOT else "personal access token"
        raise RefusedError(403, f"Resource not accessible by {whom}")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    service: Service

    def _handle(self) -> None:
        service, url = self.service, urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(min(length, _LARGEST)) if length else b"{}"
        if url.path.startswith("/_files/"):
            self._file(url.path.removeprefix("/_files/"))
            return
        headers: dict[str, str] = {}
        try:
            document = _document(body)
            if url.path.startswith("/_lab/"):
                status, answer = 200, service.lab(self.command, url.path, query, document)
            elif fault := service.hub.fault(self.command, url.path):
                status, answer = fault, {"message": "as told"}
            else:
                token = service.hub.who(self.headers.get("Authorization", ""))
                status, answer, headers = service.rest(self.command, url.path, query, document, token)
        except NoSuchThingError:
            status, answer = 404, {"message": "Not Found"}
        except RefusedError as refused:
            status, answer = refused.status, {"message": str(refused)}
        self._send(status, b"" if answer is None else json.dumps(answer).encode(), headers)

    do_GET = do_POST = do_PATCH = _handle

    def _file(self, name: str) -> None:
        """The storage knows the file by its long name; a token beside it is refused, as GitHub's storage does."""
        known = self.service.files.get(name)
        if "Authorization" in self.headers:
            self._send(400, b"Only one auth mechanism allowed", {})
        elif known is None:
            self._send(404, b"", {})
        else:
            self._send(200, known, {"Content-Type": "application/octet-stream"})

    def _send(self, status: int, content: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        with (self.service.hub.folder / "calls.log").open("a") as log:
            log.write(f"{now()} {format % args}\n")


def _document(body: bytes) -> Json:
    try:
        found = json.loads(body)
    except ValueError:
        raise RefusedError(400, "Problems parsing JSON") from None
    if not isinstance(found, dict):
        raise RefusedError(400, "Body should be a JSON object")
    return found


@contextmanager
def serving(hub: Hub, port: int = 0) -> Iterator[str]:
    """The API's address on loopback for as long as it is needed; `port` 0 takes any."""
    service = Service(hub)
    handler = type("Handler", (_Handler,), {"service": service})
    with ThreadingHTTPServer(("127.0.0.1", port), handler) as server:
        server.daemon_threads = True
        service.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield service.url
        finally:
            server.shutdown()
            thread.join()
