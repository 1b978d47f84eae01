"""A data server of the tests: PostgreSQL and age are real, `podman run` runs its program here, the store is in memory."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from agent.host.ports import Result
from tests.postgres import Cluster
from tests.unit.agent.fakes.host import FakeHost
from tests.unit.agent.store.sealing import Programs, host_with_key, install, settings

IMAGE, DIGEST = "1" * 64, "sha256:" + "2" * 64
_BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))


def here(words: list[str]) -> list[str]:
    """The program that a container would run, with its environment, on this machine."""
    if words[:2] != ["podman", "run"]:
        return words
    options, rest = words[2 : words.index(IMAGE)], words[words.index(IMAGE) + 1 :]
    values = [option.partition("=") for option in options]
    mounts: dict[str, str] = dict(
        value.removesuffix(":ro").split(":")[::-1] for key, _, value in values if key == "--volume"
    )
    environment = [value for key, _, value in values if key == "--env"]
    (program,) = [value for key, _, value in values if key == "--entrypoint"]
    pairs = [name.partition("=") for name in environment]
    found = [f"{name}={mounts.get(value, value)}" for name, _, value in pairs]
    return ["env", *found, str(_BINARIES[-1] / program), *(_outside(word, mounts) for word in rest)]


def _outside(word: str, mounts: Mapping[str, str]) -> str:
    """`--option=/a/mounted/file` with where that file is outside of the container."""
    option, is_one, value = word.partition("=")
    return f"{option}={mounts[value]}" if is_one and value in mounts else word


def data_server(folder: Path, cluster: Cluster, **changes: Any) -> FakeHost:
    """A host with the stack's key and both stores, whose databases are this cluster's."""
    host = host_with_key(folder)
    assert isinstance(host.pipes, Programs)
    login = folder / "pgpass"
    login.write_text(f"*:*:*:postgres:{cluster.config['password']}\n")
    login.chmod(0o600)
    places = {"/etc/codeb/secrets/backup.pgpass": str(login), "/etc/codeb/ca.crt": str(cluster.certificate)}
    host.pipes.renamed = lambda words: here([_moved(word, places) for word in words])
    shop = settings()["projects"][0] | {"buckets": []}
    install(host, port=int(cluster.config["port"]), **{"projects": [shop], **changes})
    inspect = "podman container inspect --format {{.Image}} {{.ImageDigest}} postgres"
    host.answers[inspect] = Result(0, f"{IMAGE} {DIGEST}\n")
    return host


def _moved(word: str, places: Mapping[str, str]) -> str:
    for path, place in places.items():
        word = word.replace(f"={path}:", f"={place}:")
    return word


def sql(cluster: Cluster, database: str, statements: str) -> str:
    """What psql answers as the administrator."""
    words: Sequence[str] = ["psql", "--no-psqlrc", "--quiet", "-At", "--set=ON_ERROR_STOP=1"]
    url = f"postgresql://postgres@127.0.0.1:{cluster.config['port']}/{database}?sslmode=require"
    done = subprocess.run(
        [*words, url],
        input=statements,
        env={"PGPASSWORD": cluster.config["password"], "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
