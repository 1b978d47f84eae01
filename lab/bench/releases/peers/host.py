"""The lab host as a script sees it: commands that must succeed, files, an open port. All of it is logged."""

from __future__ import annotations

import json
import shlex
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

from lab.bench.releases.ways import BenchError

Argv = Sequence[str]
TAIL_LENGTH = 2000
# The platform's own table, whose policy is to drop (codeb/templates/host/nftables.conf.j2).
CHAIN = ("inet", "codeb", "input")


@dataclass(frozen=True)
class Host:
    """`execute` runs a command as root there, with a standard input; `log` is a file here."""

    execute: Callable[[Argv, bytes | None], CompletedProcess[bytes]]
    log: Path

    def run(self, argv: Argv, stdin: bytes | None = None) -> str:
        """What a command says. Raises BenchError when it fails."""
        began = time.time()
        done = self.execute(argv, stdin)
        said = f"{done.stdout.decode(errors='replace')}{done.stderr.decode(errors='replace')}"
        with self.log.open("a") as log:
            took = f"{time.time() - began:.2f} s, status {done.returncode}"
            log.write(f"{began:.2f} $ {shlex.join(argv)}  # {took}\n{said}")
        if done.returncode != 0:
            raise BenchError(
                f"`{shlex.join(argv)}` failed on the host:\n{said[-TAIL_LENGTH:]}(see {self.log})"
            )
        return done.stdout.decode().strip()

    def put(self, path: str, content: bytes, mode: str = "644") -> None:
        """Write a file, and the folders above it."""
        self.run(["install", "-D", f"--mode={mode}", "/dev/stdin", path], content)

    def open(self, port: int, name: str) -> None:
        """Let others connect to a port, until `close` of the same name."""
        rule = ["tcp", "dport", str(port), "accept", "comment", f'"{name}"']
        self.run(["nft", "add", "rule", *CHAIN, *rule])

    def close(self, name: str) -> None:
        """Take back what `open` did, as often as it did; nothing to do when the platform made its table anew."""
        listed = self.run(["nft", "--json", "list", "chain", *CHAIN])
        for handle in handles(json.loads(listed), name):
            self.run(["nft", "delete", "rule", *CHAIN, "handle", str(handle)])


def handles(listed: dict[str, Any], name: str) -> list[int]:
    """The rules of nft's listing that carry this comment."""
    rules = [entry["rule"] for entry in listed["nftables"] if "rule" in entry]
    return [rule["handle"] for rule in rules if rule.get("comment") == name]
