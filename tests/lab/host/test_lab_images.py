"""The lab's images keep the upstream images' contract, and the registry hands out what was pushed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.host import Lab, LabError
from lab.host.processes import wait_until
from lab.images.registry import NAME
from lab.images.store import MONITORING

pytestmark = pytest.mark.lab
HOST = "labi1"
# What a shell, a SQL string or a URL would stumble over.
PASSWORD = "a'b\"c$d `e\\f;%g"


@pytest.fixture(scope="module", autouse=True)
def ready(lab: Lab) -> None:
    lab.ensure([HOST])


def said(lab: Lab, *argv: str, stdin: str | None = None) -> str:
    """Output of a command that must succeed in the host."""
    done = lab.run(HOST, argv, stdin.encode() if stdin else None)
    assert done.returncode == 0, done.stderr.decode() + done.stdout.decode()
    return done.stdout.decode().strip()


@pytest.fixture
def container(lab: Lab) -> Iterator[str]:
    """A name for a container with a secret ``password``; both are gone afterwards."""
    said(lab, "podman", "secret", "create", "--replace", "password", "-", stdin=PASSWORD)
    yield "subject"
    lab.run(HOST, ["podman", "rm", "--force", "--volumes", "--time=5", "subject"])


def start(lab: Lab, name: str, *words: str) -> None:
    said(lab, "podman", "run", "--detach", f"--name={name}", "--secret=password", *words)


def becomes(lab: Lab, name: str, *argv: str) -> bool:
    """Whether a command succeeds in the container before long."""
    return wait_until(lambda: lab.run(HOST, ["podman", "exec", name, *argv]).returncode == 0, 30, pause=0.3)


def test_postgres_takes_its_password_from_a_file_and_speaks_tls(lab: Lab, container: str) -> None:
    certificate = (
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=x"
    )
    said(
        lab,
        "sh",
        "-c",
        f"mkdir -p /tls; {certificate} -addext subjectAltName=DNS:localhost -keyout /tls/k -out /tls/c",
    )
    said(lab, "sh", "-c", "chown -R 999:999 /tls; chmod 600 /tls/k")
    variables = {
        "USER": "admin",
        "DB": "my-db",
        "PASSWORD_FILE": "/run/secrets/password",
        "INITDB_ARGS": "-k",
    }
    settings = [f"--env=POSTGRES_{name}={value}" for name, value in variables.items()]
    tls = ["-c", "ssl=on", "-c", "ssl_cert_file=/tls/c", "-c", "ssl_key_file=/tls/k"]
    start(lab, container, *settings, "--volume=/tls:/tls:ro", "localhost/lab/postgres:16", *tls)
    assert becomes(lab, container, "pg_isready", "--host=localhost", "--username=admin", "--dbname=my-db")

    # By the container's own address: connections from 127.0.0.1 are trusted, upstream's as well.
    url = "host=localhost hostaddr=$(hostname -i) user=admin dbname=my-db sslmode=verify-full sslrootcert=/tls/c"
    query = "select current_setting('data_checksums'), (select version from pg_stat_ssl where pid = pg_backend_pid())"
    ask = f'PGPASSWORD=$(cat /run/secrets/password) psql "{url}" -At'
    assert said(lab, "podman", "exec", "-i", container, "sh", "-c", ask, stdin=query) == "on|TLSv1.3"
    wrong = f'PGPASSWORD=wrong psql "{url}" -At -c "select 1"'
    assert lab.run(HOST, ["podman", "exec", container, "sh", "-c", wrong]).returncode == 2

    assert said(lab, "podman", "exec", container, "stat", "--format=%u", "/proc/1") == "999"
    extensions = 'create extension pg_trgm; create extension pgcrypto; create extension "uuid-ossp"'
    said(lab, "podman", "exec", "-i", container, "sh", "-c", ask, stdin=extensions)
    dump = f'PGPASSWORD=$(cat /run/secrets/password) pg_dump "{url}" -Fc | pg_restore --list'
    assert "pg_trgm" in said(lab, "podman", "exec", container, "sh", "-c", dump)

    said(lab, "podman", "restart", container)
    assert becomes(lab, container, "pg_isready", "--host=localhost")
    assert "pg_trgm" in said(lab, "podman", "exec", "-i", container, "sh", "-c", ask, stdin="\\dx")


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ([], "set POSTGRES_PASSWORD"),
        (["--env=POSTGRES_PASSWORD=x", "--env=POSTGRES_PASSWORD_FILE=/y"], "both set"),
    ],
    ids=["no password", "two passwords"],
)
def test_postgres_says_what_is_missing(lab: Lab, settings: list[str], complaint: str) -> None:
    done = lab.run(HOST, ["podman", "run", "--rm", *settings, "localhost/lab/postgres:16"])
    assert done.returncode == 1
    assert complaint in done.stderr.decode()


def test_redis_runs_as_its_own_user_and_keeps_its_data(lab: Lab, container: str) -> None:
    start(lab, container, "--volume=redis-data:/data", "localhost/lab/redis:7", "--appendonly", "yes")
    assert becomes(lab, container, "redis-cli", "set", "key", "value")
    assert said(lab, "podman", "exec", container, "stat", "--format=%u", "/proc/1", "/data") == "999\n999"
    said(lab, "podman", "restart", container)
    assert becomes(lab, container, "redis-cli", "ping")
    assert said(lab, "podman", "exec", container, "redis-cli", "get", "key") == "value"


def test_minio_takes_credentials_from_files_and_brings_mc(lab: Lab, container: str) -> None:
    settings = ["--env=MINIO_ROOT_USER=admin", "--env=MINIO_ROOT_PASSWORD_FILE=password"]
    start(lab, container, *settings, "localhost/lab/minio:2026-02-12", "server", "/data")
    assert becomes(lab, container, "curl", "--fail", "--silent", "http://localhost:9000/minio/health/live")
    login = 'mc alias set here http://localhost:9000 admin "$(cat /run/secrets/password)" && mc mb here/bucket && mc ls here'
    assert "bucket/" in said(lab, "podman", "exec", container, "sh", "-c", login)


def test_caddy_runs_with_one_capability_and_brings_wget(lab: Lab, container: str) -> None:
    start(lab, container, "--cap-drop=all", "--cap-add=NET_BIND_SERVICE", "localhost/lab/caddy:2.11.7")
    assert becomes(lab, container, "wget", "-q", "-O", "/dev/null", "http://127.0.0.1/")
    assert said(lab, "podman", "exec", container, "caddy", "version").startswith("v2.11.7")


@pytest.mark.parametrize(
    ("name", "folder", "words", "answers"),
    [
        ("prometheus", "/prometheus", [], "9090/-/ready"),
        ("alertmanager", "/alertmanager", [], "9093/-/ready"),
        ("victorialogs", "/data", ["-storageDataPath=/data"], "9428/health"),
        ("jaeger", "/tmp", [], "13133/status"),
    ],
)
def test_a_program_of_monitoring_runs_read_only_without_capabilities(
    lab: Lab, container: str, name: str, folder: str, words: list[str], answers: str
) -> None:
    (image,) = (image for image in MONITORING if image.name == name)
    hard = ["--read-only", "--cap-drop=all", f"--mount=type=tmpfs,destination={folder},tmpfs-mode=1777"]
    start(lab, container, *hard, lab.image(image), *words)
    assert becomes(lab, container, "wget", "-q", "-O", "/dev/null", f"http://127.0.0.1:{answers}")


def test_the_collectors_image_has_nothing_but_the_collector(lab: Lab) -> None:
    (image,) = (image for image in MONITORING if image.name == "collector")
    reference = lab.image(image)
    hard = ["--read-only", "--cap-drop=all"]
    assert image.tag in said(lab, "podman", "run", "--rm", *hard, reference, "--version")
    done = lab.run(HOST, ["podman", "run", "--rm", "--entrypoint=sh", reference])
    assert done.returncode == 127, "production's has no shell to call"


def test_exporters_are_on_a_host_and_off_until_a_stack_wants_them(lab: Lab) -> None:
    units = [f"prometheus-{name}-exporter.service" for name in ("node", "postgres", "redis", "process")]
    states = lab.run(HOST, ["systemctl", "is-enabled", *units]).stdout.decode().split()
    assert states == ["disabled"] * 4
    assert lab.run(HOST, ["ss", "-Hlnt", "sport = 9100"]).stdout == b""


def test_node_runs_scripts_and_has_npm(lab: Lab) -> None:
    image = "localhost/lab/node:22"
    assert said(lab, "podman", "run", "--rm", image, "-p", "process.versions.node").startswith("22.")
    assert said(
        lab, "podman", "run", "--rm", "--user=node", image, "sh", "-c", "npm --version; id -u"
    ).endswith("1000")


def test_an_app_is_pushed_once_and_pulled_by_name(lab: Lab, tmp_path: Path) -> None:
    (tmp_path / "Containerfile").write_text(
        'FROM localhost/lab/base:trixie\nCOPY word /\nCMD ["cat", "/word"]\n'
    )
    (tmp_path / "word").write_text("first")
    first = lab.push_app(tmp_path, "team/app", "1")
    assert first.startswith("sha256:")
    assert lab.registry().digest("team/app", "1") == first
    lab.progress.timings.clear()
    assert lab.push_app(tmp_path, "team/app", "1") == first
    assert lab.progress.timings == {}, "an unchanged app was built again"

    reference = f"{NAME}/team/app"
    assert said(lab, "podman", "run", "--rm", "--tls-verify=false", "--quiet", f"{reference}:1") == "first"
    (inspected,) = json.loads(said(lab, "podman", "image", "inspect", f"{reference}:1"))
    assert inspected["Digest"] == first

    (tmp_path / "word").write_text("second")
    assert lab.push_app(tmp_path, "team/app", "1") != first
    assert (
        said(lab, "podman", "run", "--rm", "--tls-verify=false", "--quiet", f"{reference}@{first}") == "first"
    )
    assert lab.registry().digest("team/app", "none") is None
    with pytest.raises(LabError, match="no Containerfile"):
        lab.push_app(tmp_path / "nothing", "team/app", "2")


def test_a_ready_lab_is_ready_again_at_once(lab: Lab) -> None:
    lab.progress.timings.clear()
    lab.ensure([HOST])
    assert lab.progress.timings == {}


def test_a_stopped_registry_is_started_with_what_it_held(lab: Lab, tmp_path: Path) -> None:
    (tmp_path / "Containerfile").write_text("FROM localhost/lab/base:trixie\n")
    digest = lab.push_app(tmp_path, "team/kept", "1")
    lab.registry().stop()
    with pytest.raises(LabError, match="make lab"):
        lab.registry().digest("team/kept", "1")
    lab.ensure([HOST])
    assert lab.registry().digest("team/kept", "1") == digest
