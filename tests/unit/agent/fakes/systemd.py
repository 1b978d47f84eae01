"""systemd in memory: what it knows of unit files, what runs, what failed, and the timers."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from agent.host.paths import BOOT, UNITS, unit_of
from agent.host.ports import Entry, Result


class Host(Protocol):
    """What systemd stands on: files and links as they are on disk, and the time (seconds since 1970)."""

    files: dict[str, Entry]
    links: dict[str, str]
    time: float

    def tell(self, path: str) -> str | None:
        """The text of a file, None when there is none."""


class App(Protocol):
    """How what an image holds behaves once it is started."""

    @property
    def crashes(self) -> bool:
        """Whether it ends at once."""

    @property
    def worker_crashes(self) -> bool:
        """Whether its workers end at once."""

    @property
    def job_status(self) -> int:
        """The exit status of the release command in this image."""


class Images(Protocol):
    """What units start."""

    def app(self, reference: str) -> App | None:
        """What is in an image, None when it isn't on the host."""


class Mounts(Protocol):
    """What mount units mount."""

    def start(self, unit: str) -> Result:
        """Mount it."""

    def stop(self, unit: str) -> None:
        """Unmount it."""

    def active(self, unit: str) -> bool:
        """Whether it is mounted, however it came to be."""

    def boot(self, enabled: set[str]) -> None:
        """Begin anew."""


def template(unit: str) -> str:
    """The template of an instance, any other unit itself."""
    return re.sub(r"@[^.]*\.", "@.", unit)


@dataclass
class Container:
    """A running container."""

    image: str
    address: str
    started: float


@dataclass
class Systemd:
    """Units by name: `loaded` are file and content as they were read last, `timers` when each fires and what it stops."""

    host: Host
    images: Images
    loaded: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    running: dict[str, Container] = field(default_factory=dict)
    crashed: set[str] = field(default_factory=set)
    jobs: list[str] = field(default_factory=list)
    enabled: set[str] = field(default_factory=set)
    timers: dict[str, tuple[float, str]] = field(default_factory=dict)
    boots: int = 0
    mounts: Mounts | None = None

    def boot(self) -> None:
        """Everything that isn't on disk is gone; what has a boot link starts."""
        self.boots += 1
        self.running.clear()
        self.crashed.clear()
        self.timers.clear()
        self.reload()
        if self.mounts:
            self.mounts.boot(self.enabled)
        for link in [path for path in self.host.links if path.startswith(f"{BOOT}/")]:
            name = link.removeprefix(f"{BOOT}/")
            if template(name) in self.loaded:
                self._start_service(name)

    def reload(self) -> None:
        """Read the unit files: from then on each unit's file and what was in it are known."""
        files = self.host.files
        self.loaded = {
            unit: (path, entry.content) for path, entry in files.items() if (unit := unit_of(path))
        }

    def fire_timers(self) -> None:
        """Stop what was to stand by until now."""
        for name, (when, service) in list(self.timers.items()):
            if when <= self.host.time:
                del self.timers[name]
                self.running.pop(service, None)

    def expanded(self, content: str) -> str:
        """A unit's text with the variables that its service reads from files filled in."""
        for path in re.findall(r"^EnvironmentFile=(.+\.image)$", content, re.MULTILINE):
            text = self.host.tell(self.host.links.get(path, path)) or ""
            name, _, value = text.strip().partition("=")
            content = content.replace(f"${{{name}}}", value)
        return content

    def systemctl(self, words: list[str]) -> Result:
        verb, unit = words[0], words[-1]
        if verb == "daemon-reload":
            self.reload()
        elif verb == "show" and "NeedDaemonReload" in words[1]:
            return Result(0, out="\n".join(self._read_yet(template(name)) for name in words[2:]))
        elif verb == "show":
            return Result(0, out="".join(f"{key}={value}\n" for key, value in self._properties(unit).items()))
        elif verb == "list-units":
            return Result(0, out=json.dumps([{"unit": name} for name in self.running]))
        elif verb == "list-timers":
            standbys = [(n, t) for n, (t, _) in self.timers.items() if n.endswith("-standby.timer")]
            return Result(0, out=json.dumps([{"unit": n, "next": int(when * 1e6)} for n, when in standbys]))
        elif verb in ("start", "restart"):
            return max((self._start(name) for name in words[1:]), key=lambda result: result.code)
        elif verb == "stop" or "--now" in words:
            self._stop(*words[1:])
        elif verb == "enable":
            self.enabled.add(unit)
        if verb == "disable":
            self.enabled.discard(unit)
        return Result(0)

    def systemd_run(self, words: list[str]) -> Result:
        """A transient timer, or a service or timer of a session."""
        if any("codeb.session." in word for word in words):
            return Result(0)
        options = dict(word[2:].split("=", 1) for word in words if word.startswith("--") and "=" in word)
        minutes = int(options["on-active"].removesuffix("m"))
        self.timers[f"{options['unit']}.timer"] = (self.host.time + minutes * 60, words[-1])
        return Result(0)

    def journalctl(self, words: list[str]) -> Result:
        """Whatever is asked for, an app has told its password."""
        line = json.dumps({"MESSAGE": "boom: DATABASE_URL=postgresql://u:hunter2-hunter2@db/x"})
        return Result(0, out=line + "\n")

    def _start(self, unit: str) -> Result:
        if unit.endswith(".mount"):
            if self.mounts is None or unit not in self.loaded:
                return Result(5, err=f"Unit {unit} not found.")
            return self.mounts.start(unit)
        return self._start_timer(unit) if unit.endswith(".timer") else self._start_service(unit)

    def _start_timer(self, unit: str) -> Result:
        if f"{UNITS}/{unit}" not in self.host.files:
            return Result(5, err=f"Unit {unit} not found.")
        self.timers[unit] = (float("inf"), unit)
        return Result(0)

    def _start_service(self, service: str) -> Result:
        if service in self.running:
            return Result(0)
        if template(service) not in self.loaded:
            return Result(5, err=f"Failed to start {service}: Unit {service} not found.")
        content = self.expanded(self.loaded[template(service)][1].decode())
        image = re.search(r"^Image=(.+)$", content, re.MULTILINE)
        publish = re.search(r"^PublishPort=(.+):\d+$", content, re.MULTILINE)
        assert image, content
        app = self.images.app(image[1])
        if app is None:
            return Result(1, err=f"Job for {service} failed.")
        if service.endswith("-job.service"):
            return self._run_job(service, image[1], app.job_status)
        if publish and any(one.address == publish[1] for one in self.running.values()):
            return Result(1, err=f"{service}: bind: address already in use: {publish[1]}")
        if app.worker_crashes if "@" in service else app.crashes:
            self.crashed.add(service)
        else:
            self.running[service] = Container(image[1], publish[1] if publish else "", self.host.time)
        return Result(0)

    def _run_job(self, service: str, image: str, status: int) -> Result:
        self.jobs.append(image)
        if not status:
            return Result(0)
        self.crashed.add(service)
        return Result(1, err=f"Job for {service} failed because the control process exited.")

    def _stop(self, *units: str) -> None:
        for unit in units:
            self.timers.pop(unit, None)
            if self.mounts and unit.endswith(".mount"):
                self.mounts.stop(unit)
            self.running.pop(unit, None)
            self.crashed.discard(unit)

    def _read_yet(self, unit: str) -> str:
        if unit not in self.loaded:
            return "LoadState=not-found\nNeedDaemonReload=no\n"
        path, content = self.loaded[unit]
        stale = self.host.tell(path) != content.decode()
        return f"LoadState=loaded\nNeedDaemonReload={'yes' if stale else 'no'}\n"

    def _properties(self, unit: str) -> Mapping[str, str]:
        mounted = self.mounts is not None and self.mounts.active(unit)
        running = unit in self.running or unit in self.timers or mounted
        known = running or template(unit) in self.loaded or f"{UNITS}/{unit}" in self.host.files
        return {
            "ActiveState": "active" if running else "failed" if unit in self.crashed else "inactive",
            "SubState": "running" if running else "dead",
            "Result": "exit-code" if unit in self.crashed else "success",
            "NRestarts": "5" if unit in self.crashed else "0",
            "ExecMainStatus": "0",
            "LoadState": "loaded" if known else "not-found",
            "InvocationID": str(self.boots),
            "UnitFileState": "enabled" if unit in self.enabled else "disabled",
        }
