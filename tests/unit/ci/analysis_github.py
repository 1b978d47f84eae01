"""A GitHub of one repository on loopback: the REST calls that an analysis makes, and everything that it wrote."""

from __future__ import annotations

import io
import json
import threading
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

Json = dict[str, Any]
REPOSITORY = "leo/shop"
TOKEN = "ghs_" + "0123456789" * 4
BOT = "github-actions[bot]"
COMMIT = "3f1c9a7be0d24c5f8a6b9e7d1c2b3a4f5e6d7c8b"


@dataclass
class Hub:
    """`runs` and `jobs` by a run's number, `logs` by a job's (as they are; None: GitHub has deleted it)."""

    url: str = ""
    runs: dict[int, Json] = field(default_factory=dict)
    jobs: dict[int, list[Json]] = field(default_factory=dict)
    logs: dict[int, bytes | None] = field(default_factory=dict)
    archives: dict[int, bytes] = field(default_factory=dict)
    issues: list[Json] = field(default_factory=list)
    labels: list[Json] = field(default_factory=list)
    user: str = BOT
    calls: list[tuple[str, str]] = field(default_factory=list)
    stored_for: list[str] = field(default_factory=list)
    """The `authorization` headers that came to the place where logs are."""

    def fails(
        self, run: int, log: str, *, job: str = "build", step: str = "Run npm run typecheck", **more: Any
    ) -> None:
        """A run whose one job failed with this log."""
        self.runs[run] = {
            "id": run,
            "run_attempt": 1,
            "name": "build-test",
            "path": ".github/workflows/build-test.yml@refs/heads/main",
            "conclusion": "failure",
            "head_branch": "main",
            "head_sha": COMMIT,
            "event": "push",
            **more,
        }
        self.jobs[run] = [failed_job(run * 10, job, step)]
        self.logs[run * 10] = log.encode()

    def written(self) -> str:
        """All that was ever written here."""
        return json.dumps([self.issues, self.labels], ensure_ascii=False)

    def get(self, path: str, query: Mapping[str, list[str]]) -> tuple[int, Json | list[Json] | bytes]:
        match path.strip("/").split("/"):
            case ["actions", "runs", run] if int(run) in self.runs:
                return 200, self.runs[int(run)]
            case ["actions", "runs", run, "jobs"]:
                return 200, {
                    "total_count": len(self.jobs.get(int(run), [])),
                    "jobs": self.jobs.get(int(run), []),
                }
            case ["actions", "runs", run, "logs"] if int(run) in self.archives:
                return 302, f"/storage/archives/{run}".encode()
            case ["actions", "jobs", job, "logs"] if int(job) in self.logs:
                return (
                    (410, {"message": "Server Error"})
                    if self.logs[int(job)] is None
                    else (302, f"/storage/logs/{job}".encode())
                )
            case ["issues"]:
                wanted = set(query["labels"][0].split(","))
                return 200, [
                    issue
                    for issue in reversed(self.issues)
                    if wanted <= {each["name"] for each in issue["labels"]}
                ]
            case ["labels"]:
                return 200, self.labels
        return 404, {"message": "Not Found"}

    def change(self, method: str, path: str, document: Json) -> tuple[int, Json]:
        match method, path.strip("/").split("/"):
            case "POST", ["issues"]:
                names = document.pop("labels", [])
                return 201, self.issue(self.user, labels=names, **document)
            case "PATCH", ["issues", number]:
                self.issues[int(number) - 1].update(document)
                return 200, self.issues[int(number) - 1]
            case "POST", ["labels"]:
                self.labels.append(document)
                return 201, document
        return 404, {"message": "Not Found"}

    def issue(self, user: str, *, labels: list[str], **document: Any) -> Json:
        """An issue that somebody made."""
        made = {
            "number": len(self.issues) + 1,
            "state": "open",
            "user": {"login": user},
            "labels": [{"name": name} for name in labels],
            **document,
        }
        self.issues.append(made)
        return made


def failed_job(number: int, name: str = "build", step: str = "Run npm run typecheck") -> Json:
    """A job as GitHub tells of it, whose fourth step failed."""
    steps = [
        ("Set up job", "success"),
        ("Run actions/checkout", "success"),
        ("Run npm ci", "success"),
        (step, "failure"),
    ]
    return {
        "id": number,
        "name": name,
        "conclusion": "failure",
        "steps": [
            {"name": each, "number": at, "conclusion": end, "started_at": "2026-11-27T18:00:00Z"}
            for at, (each, end) in enumerate(steps, 1)
        ],
    }


def archive(files: Mapping[str, bytes]) -> bytes:
    """A run's logs as GitHub packs them."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as found:
        for name, content in files.items():
            found.writestr(name, content)
    return packed.getvalue()


class _Handler(BaseHTTPRequestHandler):
    hub: Hub

    def do_GET(self) -> None:
        split = urlsplit(self.path)
        if split.path.startswith("/storage/"):
            self._stored(split.path)
            return
        status, found = (
            (401, {"message": "Bad credentials"})
            if self._stranger()
            else self.hub.get(self._path(split.path), parse_qs(split.query))
        )
        if isinstance(found, bytes):
            self.send_response(status)
            self.send_header("location", self.hub.url + found.decode())
            self.send_header("content-length", "0")
            self.end_headers()
            return
        self._send(status, json.dumps(found).encode())

    def do_POST(self) -> None:
        self._change("POST")

    def do_PATCH(self) -> None:
        self._change("PATCH")

    def _change(self, method: str) -> None:
        document = json.loads(self.rfile.read(int(self.headers["content-length"])))
        path = self._path(urlsplit(self.path).path)
        self.hub.calls.append((method, path))
        status, found = (
            (401, {"message": "Bad credentials"})
            if self._stranger()
            else self.hub.change(method, path, document)
        )
        self._send(status, json.dumps(found).encode())

    def _stored(self, path: str) -> None:
        self.hub.stored_for.append(self.headers.get("authorization", ""))
        kind, number = path.removeprefix("/storage/").split("/")
        found = self.hub.logs[int(number)] if kind == "logs" else self.hub.archives[int(number)]
        self._send(200, found or b"")

    def _path(self, path: str) -> str:
        return path.removeprefix(f"/repos/{REPOSITORY}")

    def _stranger(self) -> bool:
        return self.headers.get("authorization") != f"Bearer {TOKEN}"

    def _send(self, status: int, content: bytes) -> None:
        self.send_response(status)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@contextmanager
def hub() -> Iterator[Hub]:
    """A GitHub, as long as it is needed."""
    found = Hub()
    handler = type("Handler", (_Handler,), {"hub": found})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        found.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield found
        finally:
            server.shutdown()
            thread.join()
