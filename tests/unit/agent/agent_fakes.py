"""A host in memory: files, systemd, podman, Caddy, Redis as the agent sees them, with kills and failures."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from agent.host.paths import unit_of
from agent.host.ports import Busy, Entry, NoReply, Ports, RedisRefused, Reply, Result, Tls

BOOT = "/etc/systemd/system/multi-user.target.wants/"
EPOCH = datetime(2026, 11, 23, 4, 0, tzinfo=UTC).timestamp()


class Killed(BaseException):
    """kill -9 of the agent."""


@dataclass
class Container:
    """A running container."""

    image: str
    address: str
    started: float


@dataclass
class App:
    """How an image behaves: its health answer, or why it doesn't come up."""

    status: int = 200
    body: bytes = b'{"database": "ok"}'
    elapsed_ms: float = 20
    crashes: bool = False
    job_status: int = 0
    boots_after_s: float = 0


@dataclass
class FakeHost:
    """State of the host, and the counters that kills and failures are set by."""

    files: dict[str, Entry] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    loaded: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    running: dict[str, Container] = field(default_factory=dict)
    crashed: set[str] = field(default_factory=set)
    jobs: list[str] = field(default_factory=list)
    enabled: set[str] = field(default_factory=set)
    timers: dict[str, tuple[float, str]] = field(default_factory=dict)
    images: dict[str, App] = field(default_factory=dict)
    registry: dict[str, App] = field(default_factory=dict)
    sites: dict[str, bytes] = field(default_factory=dict)
    caddy: bool = True
    certificate: bool = True
    redis_users: dict[str, list[str]] = field(default_factory=dict)
    redis_up: bool = True
    flushed: list[int] = field(default_factory=list)
    packages: set[str] = field(default_factory=set)
    installable: bool = True
    posts: list[tuple[str, Any, dict[str, str]]] = field(default_factory=list)
    receive: Callable[[str], Reply] = lambda url: Reply(200, b"ok", 1, {})
    answers: dict[str, Result] = field(default_factory=dict)
    time: float = EPOCH
    calls: list[list[str]] = field(default_factory=list)
    journal: list[str] = field(default_factory=list)
    held: set[str] = field(default_factory=set)
    boots: int = 0
    operations: int = 0
    kill_at: int = 0
    fail_at: int = 0
    after: Callable[[], None] = lambda: None

    def ports(self) -> Ports:
        return Ports(
            FakeRunner(self),
            FakeFiles(self),
            FakeClock(self),
            FakeHttp(self),
            FakeRedis(self),
            FakeJournal(self),
        )

    def step(self) -> bool:
        """Count an effect; True when it is to fail. Raises Killed when the agent dies here."""
        self.after()
        self.operations += 1
        if self.operations == self.kill_at:
            raise Killed
        return self.operations == self.fail_at

    def tell(self, path: str) -> str | None:
        entry = self.files.get(path)
        return None if entry is None else entry.content.decode()

    def put(self, path: str, text: str, mode: int = 0o644) -> None:
        self.files[path] = Entry(text.encode(), mode, "root:root")

    def reboot(self) -> None:
        """Everything that isn't on disk is gone; what has a boot link starts."""
        self.boots += 1
        self.running.clear()
        self.crashed.clear()
        self.timers.clear()
        self.reload()
        self.load_sites()
        for link in [path for path in self.links if path.startswith(BOOT)]:
            name = link.removeprefix(BOOT)
            if name in self.loaded:
                self.start(name)

    def reload(self) -> None:
        """systemd reads the unit files: from then on it knows each unit's file and what was in it."""
        self.loaded = {
            unit: (path, entry.content) for path, entry in self.files.items() if (unit := unit_of(path))
        }

    def load_sites(self) -> None:
        self.sites = {p: e.content for p, e in self.files.items() if p.startswith("/etc/caddy/sites/")}

    def start(self, service: str) -> Result:
        if service in self.running:
            return Result(0)
        if service not in self.loaded:
            return Result(5, err=f"Failed to start {service}: Unit {service} not found.")
        content = self.expanded(self.loaded[service][1].decode())
        image = re.search(r"^Image=(.+)$", content, re.MULTILINE)
        publish = re.search(r"^PublishPort=(.+):\d+$", content, re.MULTILINE)
        assert image, content
        app = self.app(image[1])
        if app is None:
            return Result(1, err=f"Job for {service} failed.")
        if service.endswith("-job.service"):
            self.jobs.append(image[1])
            if app.job_status:
                self.crashed.add(service)
                return Result(1, err=f"Job for {service} failed because the control process exited.")
            return Result(0)
        if app.crashes:
            self.crashed.add(service)
            return Result(0)
        self.running[service] = Container(image[1], publish[1] if publish else "", self.time)
        return Result(0)

    def expanded(self, content: str) -> str:
        """A unit's text with the variables that its service reads from files, as systemd fills them in."""
        for path in re.findall(r"^EnvironmentFile=(.+\.image)$", content, re.MULTILINE):
            name, _, value = (self.tell(self.links.get(path, path)) or "").strip().partition("=")
            content = content.replace(f"${{{name}}}", value)
        return content

    def app(self, reference: str) -> App | None:
        for name, app in self.images.items():
            if reference in (name, image_id(name), pinned(name)):
                return app
        return None

    def advance(self, seconds: float) -> None:
        """Time passes; timers fire."""
        self.time += seconds
        for name, (when, service) in list(self.timers.items()):
            if when <= self.time:
                del self.timers[name]
                self.running.pop(service, None)


def image_id(reference: str) -> str:
    return hashlib.sha256(reference.encode()).hexdigest()


def pinned(reference: str) -> str:
    return f"{reference.rpartition(':')[0]}@sha256:{image_id(reference)[::-1]}"


def described(reference: str) -> dict[str, object]:
    """An image as `podman image ls` lists it."""
    return {"Id": image_id(reference), "Names": [reference], "RepoDigests": [pinned(reference)]}


class FakeRunner:
    def __init__(self, host: FakeHost) -> None:
        self.host = host

    def run(self, argv: Sequence[str], *, stdin: str | None = None, timeout_s: float = 60) -> Result:
        words = list(argv)
        self.host.calls.append(words)
        if self.host.step():
            return Result(1, err="injected failure")
        canned = self.host.answers.get(" ".join(words))
        if canned is not None:
            return canned
        tool = getattr(self, f"_{words[0].replace('-', '_')}", None)
        result = tool(words[1:]) if tool else Result(127, err=f"{words[0]}: not found")
        assert isinstance(result, Result)
        self.host.after()
        return result

    def _systemctl(self, words: list[str]) -> Result:
        host, verb, unit = self.host, words[0], words[-1]
        if verb == "daemon-reload":
            host.reload()
        elif verb == "show" and "NeedDaemonReload" in words[1]:
            return Result(0, out="\n".join(self._read_yet(name) for name in words[2:]))
        elif verb == "show":
            return Result(0, out=self._properties(unit))
        elif verb == "list-units":
            return Result(0, out=json.dumps([{"unit": name} for name in host.running]))
        elif verb == "list-timers":
            standbys = [(n, t) for n, (t, _) in host.timers.items() if n.endswith("-standby.timer")]
            rows = [{"unit": name, "next": int(when * 1e6)} for name, when in standbys]
            return Result(0, out=json.dumps(rows))
        elif verb in ("start", "restart"):
            return self._start(unit)
        elif verb == "stop" or "--now" in words:
            host.timers.pop(unit, None)
            host.running.pop(unit, None)
            host.crashed.discard(unit)
        elif verb == "enable":
            host.enabled.add(unit)
        if verb == "disable":
            host.enabled.discard(unit)
        return Result(0)

    def _start(self, unit: str) -> Result:
        if unit.endswith(".timer"):
            if f"/etc/systemd/system/{unit}" not in self.host.files:
                return Result(5, err=f"Unit {unit} not found.")
            self.host.timers[unit] = (float("inf"), unit)
            return Result(0)
        return self.host.start(unit)

    def _read_yet(self, unit: str) -> str:
        if unit not in self.host.loaded:
            return "LoadState=not-found\nNeedDaemonReload=no\n"
        path, content = self.host.loaded[unit]
        stale = self.host.tell(path) != content.decode()
        return f"LoadState=loaded\nNeedDaemonReload={'yes' if stale else 'no'}\n"

    def _properties(self, unit: str) -> str:
        host = self.host
        running = unit in host.running or unit in host.timers
        active = "active" if running else "failed" if unit in host.crashed else "inactive"
        known = running or unit in host.loaded or f"/etc/systemd/system/{unit}" in host.files
        values = {
            "ActiveState": active,
            "SubState": "running" if running else "dead",
            "Result": "exit-code" if unit in host.crashed else "success",
            "NRestarts": "5" if unit in host.crashed else "0",
            "ExecMainStatus": "0",
            "LoadState": "loaded" if known else "not-found",
            "InvocationID": str(host.boots),
            "UnitFileState": "enabled" if unit in host.enabled else "disabled",
        }
        return "".join(f"{key}={value}\n" for key, value in values.items())

    def _systemd_run(self, words: list[str]) -> Result:
        options = dict(word[2:].split("=", 1) for word in words if word.startswith("--") and "=" in word)
        minutes = int(options["on-active"].removesuffix("m"))
        self.host.timers[f"{options['unit']}.timer"] = (self.host.time + minutes * 60, words[-1])
        return Result(0)

    def _journalctl(self, words: list[str]) -> Result:
        line = json.dumps({"MESSAGE": "boom: DATABASE_URL=postgresql://u:hunter2-hunter2@db/x"})
        return Result(0, out=line + "\n")

    def _podman(self, words: list[str]) -> Result:
        host = self.host
        match words[:2]:
            case ["image", verb]:
                return self._image(verb, words[2:])
            case ["pull", *_]:
                return self._pull(words[-1])
            case ["container", "exists"]:
                return Result(0 if host.caddy else 1)
            case ["container", "inspect"] if "{{.Name}} {{.Id}}" in words:
                ids = [(name, hashlib.sha256(f"{name}.service".encode()).hexdigest()) for name in words[4:]]
                return Result(0, out="".join(f"{name} {number}\n" for name, number in ids))
            case ["container", "inspect"]:
                service = f"{words[-1]}.service"
                out = json.dumps({"Id": hashlib.sha256(service.encode()).hexdigest()})
                return Result(0, out=out) if service in host.running else Result(125, err="no such container")
            case ["events", *_]:
                ended = [f"codeb-shop-app-{c}.service" in host.crashed for c in ("blue", "green", "job")]
                return Result(0, out='{"ContainerExitCode": 3}\n' if any(ended) else "")
            case ["network", _] | ["healthcheck", _] | ["version", _]:
                return Result(0, out="5.4.2\n")
            case ["exec", "caddy"]:
                return self._caddy(words[3:])
        return Result(125, err=f"podman can't {words}")

    def _image(self, verb: str, words: list[str]) -> Result:
        host, name = self.host, words[-1]
        if verb == "ls":
            return Result(0, out=json.dumps([described(name) for name in host.images]))
        if verb == "rm":
            gone = set(words)
            host.images = {n: app for n, app in host.images.items() if not {n, image_id(n)} & gone}
            return Result(0)
        if not host.app(name):
            return Result(1 if verb == "exists" else 125, err="no such image")
        found = described(name) | {"Digest": pinned(name).partition("@")[2]}
        return Result(0, out=json.dumps(found) if verb == "inspect" else "")

    def _pull(self, name: str) -> Result:
        if name not in self.host.registry:
            return Result(125, err=f"Error: initializing source docker://{name}: manifest unknown")
        self.host.images[name] = self.host.registry[name]
        return Result(0)

    def _caddy(self, words: list[str]) -> Result:
        host = self.host
        folder = words[2].rpartition("/")[0]
        texts = [e.content for p, e in host.files.items() if p.startswith(f"{folder}/")]
        texts += [host.files[to].content for p, to in host.links.items() if p.startswith(f"{folder}/")]
        if any(b"broken" in text for text in texts):
            return Result(1, err="Error: adapting config using caddyfile: unrecognized directive: broken")
        if words[0] == "reload":
            host.load_sites()
        return Result(0)

    def _nft(self, words: list[str]) -> Result:
        return self._checked(words[-1])

    def _sshd(self, words: list[str]) -> Result:
        return self._checked(words[-1])

    def _checked(self, path: str) -> Result:
        entry = self.host.files.get(path)
        bad = entry is not None and b"broken" in entry.content
        return Result(1, err=f"{path} line 1: syntax error") if bad else Result(0)

    def _dpkg_query(self, words: list[str]) -> Result:
        asked = words[2:]
        known = [name for name in asked if name in self.host.packages]
        code = 0 if len(known) == len(asked) else 1
        return Result(code, out="".join(f"{name} installed\n" for name in known))

    def _env(self, words: list[str]) -> Result:
        if "install" in words and not self.host.installable:
            return Result(100, err="E: Unable to locate package nothing")
        if "install" in words:
            self.host.packages.update(words[words.index("install") + 1 :])
        return Result(0)


class FakeFiles:
    def __init__(self, host: FakeHost) -> None:
        self.host = host

    def _effect(self, path: str) -> None:
        if self.host.step():
            raise OSError(28, "No space left on device", path)

    def read(self, path: str) -> bytes | None:
        entry = self.entry(path)
        return None if entry is None else entry.content

    def entry(self, path: str) -> Entry | None:
        return self.host.files.get(self.host.links.get(path, path))

    def owned(self, path: str, owner: str) -> bool:
        return self.host.files[path].owner == owner

    def write(self, path: str, content: bytes, mode: int = 0o644, owner: str = "root:root") -> None:
        self._effect(path)
        self.host.files[path] = Entry(content, mode, owner)
        self.host.after()

    def remove(self, path: str) -> None:
        self._effect(path)
        self.host.files.pop(path, None)
        self.host.links.pop(path, None)
        self.host.after()

    def link(self, path: str, target: str) -> None:
        self._effect(path)
        self.host.links[path] = target
        self.host.after()

    def link_target(self, path: str) -> str | None:
        return self.host.links.get(path)

    def listing(self, folder: str) -> list[str]:
        names = {
            p.removeprefix(f"{folder}/").split("/")[0] for p in self.host.files if p.startswith(f"{folder}/")
        }
        return sorted(names)

    def directory(self, path: str, mode: int, owner: str) -> bool:
        self._effect(path)
        return False

    def remove_tree(self, path: str) -> None:
        self._effect(path)
        for store in (self.host.files, self.host.links):
            for name in [name for name in store if name.startswith(f"{path}/")]:
                del store[name]

    def move(self, path: str, target: str) -> None:
        self._effect(path)
        for name in [name for name in self.host.files if name.startswith(f"{path}/")]:
            self.host.files[target + name.removeprefix(path)] = self.host.files.pop(name)

    def append(self, path: str, line: str, mode: int) -> None:
        self._effect(path)
        before = self.host.files.get(path)
        self.host.files[path] = Entry(
            (before.content if before else b"") + line.encode() + b"\n", mode, "root:root"
        )

    def disk_used_percent(self, path: str) -> float:
        return 40.0

    def lock(self, path: str, wait_s: float) -> AbstractContextManager[None]:
        return self._lock(path)

    @contextmanager
    def _lock(self, path: str) -> Iterator[None]:
        if path in self.host.held:
            raise Busy(f"{path} is held")
        self.host.held.add(path)
        try:
            yield
        finally:
            self.host.held.discard(path)


class FakeClock:
    def __init__(self, host: FakeHost) -> None:
        self.host = host

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.host.time, UTC)

    def monotonic(self) -> float:
        return self.host.time

    def sleep(self, seconds: float) -> None:
        self.host.advance(seconds)
        self.host.after()


class FakeHttp:
    def __init__(self, host: FakeHost) -> None:
        self.host = host

    def get(self, address: str, path: str, *, host: str, timeout_ms: int, tls: Tls | None = None) -> Reply:
        if address == "127.0.0.1:443":
            return self._through_caddy(host)
        if address == "127.0.0.1:80":
            known = any(host.encode() in content for content in self.host.sites.values())
            return Reply(308 if known else 404, b"", 1, {})
        return self._direct(address)

    def _direct(self, address: str) -> Reply:
        for container in self.host.running.values():
            if container.address == address:
                app = self.host.app(container.image)
                assert app
                if self.host.time < container.started + app.boots_after_s:
                    break
                self.host.time += app.elapsed_ms / 1000
                return Reply(app.status, app.body, app.elapsed_ms, {})
        raise NoReply("connection refused")

    def _through_caddy(self, domain: str) -> Reply:
        if not self.host.certificate:
            raise NoReply("TLS handshake: internal error", no_certificate=True)
        for path, content in self.host.sites.items():
            if domain.encode() in content:
                project = path.rpartition("/")[2].removesuffix(".caddy")
                page = self.host.files.get(f"/etc/caddy/maintenance/{project}.html")
                if page is not None:
                    return Reply(503, page.content, 1, {})
                upstream = self.host.tell(f"/etc/caddy/upstreams/{project}")
                try:
                    answer = self._direct(upstream or "")
                    return replace(answer, headers={"x-codeb-upstream": upstream or ""})
                except NoReply:
                    return Reply(502, b"", 1, {})
        raise NoReply("no certificate", no_certificate=True)

    def post(self, url: str, body: bytes, headers: Mapping[str, str], timeout_ms: int) -> Reply:
        self.host.posts.append((url, json.loads(body), dict(headers)))
        return self.host.receive(url)

    def accepts(self, address: str, timeout_ms: int) -> bool:
        return any(container.address == address for container in self.host.running.values())

    def certificate_days(self, address: str, tls: Tls, timeout_ms: int) -> float:
        if not self.host.certificate:
            raise NoReply("TLS handshake: internal error", no_certificate=True)
        return 60.0


class FakeRedis:
    def __init__(self, host: FakeHost) -> None:
        self.host = host

    def call(
        self, host: str, port: int, admin_password: str, commands: Sequence[Sequence[str]]
    ) -> list[object]:
        if self.host.step() or not self.host.redis_up:
            raise RedisRefused(f"Redis at {host}:{port} can't be reached: connection refused")
        return [self._one(list(command)) for command in commands]

    def _one(self, command: list[str]) -> object:
        users = self.host.redis_users
        match command:
            case ["ACL", "LIST"]:
                return [f"user {name} {' '.join(rules)}" for name, rules in users.items()]
            case ["ACL", "SETUSER", name, *rules]:
                users[name] = rules
            case ["ACL", "DELUSER", name]:
                users.pop(name, None)
            case ["SELECT", index]:
                self.host.flushed.append(-int(index))
            case ["FLUSHDB"]:
                self.host.flushed[-1] = -self.host.flushed[-1]
        return "OK"


class FakeJournal:
    def __init__(self, host: FakeHost) -> None:
        self.host = host

    def log(self, text: str) -> None:
        self.host.journal.append(text)


def release_document(image: str, project: str = "shop-app", **changes: object) -> dict[str, Any]:
    """A release document as the plan renders it, small."""

    def unit(colour: str, port: int) -> dict[str, str]:
        return {
            "name": f"codeb-{project}-{colour}.container",
            "content": f"[Container]\nImage=@IMAGE@\nPublishPort=127.0.0.1:{port}:3000\n"
            f"[Service]\nEnvironmentFile=/etc/codeb/projects/{project}/{colour}.image\n",
        }

    document: dict[str, Any] = {
        "version": 1,
        "project": project,
        "image": image,
        "pull": "missing",
        "ports": {"blue": 3001, "green": 3002},
        "publish": "127.0.0.1",
        "units": {
            "network": {"name": f"codeb-{project}.network", "content": "[Network]\n"},
            "blue": unit("blue", 3001),
            "green": unit("green", 3002),
            "cron": [],
        },
        "site": f"{project}.lab.test {{\n}}\n",
        "domain": f"{project}.lab.test",
        "environment": {"DATABASE_URL": "postgresql://u:hunter2-hunter2@db/x", "PORT": "3000"},
        "cache": {
            "host": "10.77.0.2",
            "port": 6379,
            "index": 2,
            "user": "shop",
            "password": "cache-password-of-shop",
            "admin_password": "cache-admin-password",
        },
        "health": {
            "path": "/api/health",
            "interval_ms": 1000,
            "timeout_ms": 5000,
            "successes": 3,
            "max_response_ms": 500,
            "start_timeout_ms": 30000,
        },
        "standby_minutes": 60,
    }
    return {**document, **changes}
