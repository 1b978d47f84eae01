"""Managed caches: a Valkey on a machine of the cloud, with TLS alone."""

from __future__ import annotations

import hashlib
import os
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lab import certificates
from lab.host import commands
from lab.host.cache import write_atomically
from lab.host.processes import wait_until
from lab.vultr.machines.appliances import Appliance
from lab.vultr.machines.databases import SHARED
from lab.vultr.machines.roots import TEMPLATES
from lab.vultr.ports import CacheUser, DatabaseSpec, MachineError, Served

PORT: Final = 16752
_START: Final = "/run/cache.sh"
VERSION: Final = "8.1"
"""Debian's."""
_USERS, _DOOR = "users.acl", "admin.sock"
_PATIENCE_S: Final = 30.0
_ANSWER_S: Final = 10.0


@dataclass(frozen=True)
class Cache:
    """One of them, on an appliance whose folder it has to itself."""

    appliance: Appliance

    def serve(self, spec: DatabaseSpec, root: Path) -> Served:
        """Serve it, from nothing the first time, and let in the users of the spec and nobody else.

        Raises MachineError with Valkey's words when it does not start, or refuses a rule.
        """
        address = self.appliance.addresses[0][0].partition("/")[0]
        if self.appliance.supervised.running():
            self.appliance.network.attach(self.appliance.name)
        else:
            self._start(spec, root, address)
        self._let_in(spec)
        return Served(address, PORT)

    def _start(self, spec: DatabaseSpec, root: Path, address: str) -> None:
        if not self._folder.exists():
            self._folder.mkdir(parents=True, mode=0o700)
            certificates.issue(self._folder, address, days=365)
            write_atomically(self._folder / _USERS, _administrator(spec), mode=0o600)
        self.appliance.start(root, ["/bin/sh", _START, str(PORT)], {TEMPLATES / "cache.sh": _START})
        if not wait_until(lambda: self._answers(spec), _PATIENCE_S):
            log = self.appliance.supervised.log
            raise MachineError(f"cache {spec.id} does not start; end of {log}:\n{commands.tail(log)}")

    def _let_in(self, spec: DatabaseSpec) -> None:
        users, owner = self._folder / _USERS, self._folder.stat()
        write_atomically(users, "".join([_administrator(spec), *map(_line, spec.users)]), mode=0o600)
        os.chown(users, owner.st_uid, owner.st_gid)
        answer = self._told(spec, "ACL LOAD")
        if answer != "+OK":
            raise MachineError(f"cache {spec.id} refuses the rules of its users: {answer}")

    def _answers(self, spec: DatabaseSpec) -> bool:
        try:
            return self._told(spec, "PING") == "+PONG"
        except OSError:
            return False

    def _told(self, spec: DatabaseSpec, command: str) -> str:
        """The first line that the administrator is answered."""
        door = os.open(self._folder, os.O_PATH | os.O_DIRECTORY)
        try:
            with socket.socket(socket.AF_UNIX) as link:
                link.settimeout(_ANSWER_S)
                # Its own path may be longer than a socket's may be.
                link.connect(f"/proc/self/fd/{door}/{_DOOR}")
                with link.makefile("rw", newline="\r\n") as words:
                    for line in (f"AUTH {spec.user} {spec.password}", command):
                        words.write(f"{line}\r\n")
                        words.flush()
                        answer = words.readline().strip()
                    return answer
        finally:
            os.close(door)

    @property
    def _folder(self) -> Path:
        return self.appliance.folder / SHARED


def _administrator(spec: DatabaseSpec) -> str:
    return f"user default off\nuser {spec.user} on {_hashed(spec.password)} ~* &* +@all\n"


def _line(user: CacheUser) -> str:
    return f"user {user.name} reset on {_hashed(user.password)} resetchannels {' '.join(user.rules)}\n"


def _hashed(password: str) -> str:
    return f"#{hashlib.sha256(password.encode()).hexdigest()}"
