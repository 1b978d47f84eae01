"""Accounts of monitoring on real servers: they get figures, and nothing that is anybody's."""

from __future__ import annotations

import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode

import psycopg
import pytest

from agent.admins import figures
from agent.admins.document import Admins, Instance, Metrics
from agent.host.ports import Argv, Ports, Result
from agent.real.redis import RealRedis
from agent.real.runner import RealRunner
from codeb import names, watch_names
from codeb.bearer import prometheus_token
from components.watching import metrics_policy
from lab.host import Lab, Progress
from lab.host.paths import Folders
from lab.providers.minio import iam
from tests.plugins.client import plugin
from tests.plugins.life import make
from tests.plugins.processes import end, wait_for_port
from tests.ports import free_port
from tests.postgres import Cluster, postgres_cluster
from tests.services.redis_server import Client, RedisServer
from tests.services.rendered import as_rendered
from tests.services.stack import ROOT, Stack, watched_example
from tests.unit.agent.fakes.host import FakeHost

PASSWORDS = Metrics(ROOT.derive("monitoring/postgres"), ROOT.derive("monitoring/redis"))


class Sockets(RealRunner):
    """`podman exec … psql` as psql on this machine, at the socket of a cluster of the tests."""

    def __init__(self, cluster: Cluster) -> None:
        super().__init__()
        self._cluster = cluster

    def run(
        self,
        argv: Argv,
        *,
        stdin: str | None = None,
        timeout_s: float = 60,
        unless: Callable[[], object] = lambda: False,
    ) -> Result:
        words = list(argv)[list(argv).index("psql") :]
        told = [word.replace("/run/postgresql", str(self._cluster.certificate.parent)) for word in words]
        port = f"--port={self._cluster.config['port']}"
        return super().run([*told, port], stdin=stdin, timeout_s=timeout_s, unless=unless)


@dataclass(frozen=True)
class Data:
    """PostgreSQL and Redis, and the agent beside them."""

    cluster: Cluster
    redis: RedisServer
    host: FakeHost = field(default_factory=FakeHost)

    def ports(self) -> Ports:
        return replace(self.host.ports(), runner=Sockets(self.cluster), redis=RealRedis())

    def ensure(self, metrics: Metrics | None, *, before: bool = False) -> list[str]:
        instance = Instance(
            self.redis.name, self.redis.port, (self.redis.stack.admin_password(self.redis.name),)
        )
        admins = Admins({}, "unused", (instance,), (), (), metrics)
        return figures.ensure(self.ports(), admins, before=before)

    def asked(self, dbname: str = "postgres", sslmode: str = "verify-full") -> psycopg.Connection[Any]:
        config = self.cluster.config
        return psycopg.connect(
            host=config["host"], port=config["port"], user=watch_names.METRICS_USER, password=PASSWORDS.postgres,
            dbname=dbname, sslmode=sslmode, sslrootcert=config["sslrootcert"], autocommit=True,
        )  # fmt: skip


@pytest.fixture(scope="module")
def watched() -> Stack:
    return watched_example()


@pytest.fixture
def data(watched: Stack, start_redis: Callable[..., RedisServer]) -> Iterator[Data]:
    with postgres_cluster(names.POSTGRES_ADMIN, {"fsync": "off"}, partial(as_rendered, watched)) as cluster:
        redis = start_redis("redis-0")
        redis.grant("blog")
        here = Data(cluster, redis)
        here.ports().runner.run(
            ["psql", f"--host={cluster.certificate.parent}", "--username=postgres", "--dbname=template1"],
            stdin="CREATE ROLE blog LOGIN PASSWORD 'of the app';\nCREATE DATABASE blog_db OWNER blog;\n",
        )
        assert here.ensure(PASSWORDS) == [f"role:{watch_names.METRICS_USER}"]
        yield here


def test_made_again_nothing_changes_and_with_another_password_the_old_one_ends(data: Data) -> None:
    assert data.ensure(PASSWORDS) == []
    other = Metrics("N" * 40, "M" * 40)
    assert data.ensure(other) == [f"role:{watch_names.METRICS_USER}"]
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        data.asked()
    assert str(Client(data.redis.port).do("AUTH", watch_names.METRICS_USER, PASSWORDS.redis)).startswith(
        "WRONGPASS"
    )
    assert Client(data.redis.port).do("AUTH", watch_names.METRICS_USER, other.redis) == "OK"


def test_of_postgresql_it_reads_what_the_server_does_and_no_database(data: Data) -> None:
    with data.asked() as asked:
        assert asked.execute("SELECT count(*) FROM pg_stat_activity WHERE query IS NOT NULL").fetchone()
        assert asked.execute("SELECT pg_database_size('blog_db') > 0").fetchone() == (True,)
        rights = "SELECT rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls, rolconnlimit"
        found = asked.execute(f"{rights} FROM pg_roles WHERE rolname = current_user").fetchone()
        assert found == (False, False, False, False, False, 5)
        for statement in (
            "CREATE TABLE mine (number int)",
            "SELECT rolpassword FROM pg_authid",
            "SELECT pg_read_file('/etc/passwd')",
            "COPY (SELECT 1) TO PROGRAM 'id'",
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'postgres'",
            "ALTER SYSTEM SET work_mem = '1GB'",
            "SET ROLE blog",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                asked.execute(statement)


@pytest.mark.parametrize(
    ("dbname", "sslmode"), [("blog_db", "verify-full"), ("template1", "verify-full"), ("postgres", "disable")]
)
def test_postgresql_lets_it_in_to_one_database_and_with_tls_alone(
    data: Data, dbname: str, sslmode: str
) -> None:
    with pytest.raises(psycopg.OperationalError, match=r"pg_hba[.]conf rejects connection"):
        data.asked(dbname, sslmode)


def test_of_redis_it_gets_figures_and_nothing_that_anybody_keeps_or_says(data: Data) -> None:
    assert data.redis.app("blog").do("SET", "kept", "secret") == "OK"
    asked = Client(data.redis.port, (watch_names.METRICS_USER, PASSWORDS.redis))
    assert "used_memory:" in asked.do("INFO", "ALL")
    assert isinstance(asked.do("SLOWLOG", "LEN"), int)
    assert asked.do("LATENCY", "LATEST") == []
    for words in (
        ("GET", "kept"), ("KEYS", "*"), ("SCAN", "0"), ("SET", "a", "b"), ("DBSIZE",), ("SELECT", "2"),
        ("CONFIG", "GET", "*"), ("CLIENT", "LIST"), ("SLOWLOG", "GET"), ("ACL", "LIST"), ("MONITOR",),
        ("SUBSCRIBE", "blog:x"), ("PUBLISH", "blog:x", "y"), ("EVAL", "return 1", "0"), ("FLUSHALL",), ("SHUTDOWN",),
    ):  # fmt: skip
        assert str(asked.do(*words)).startswith("NOPERM"), words


def test_both_go_when_nothing_watches_any_more(data: Data) -> None:
    assert data.ensure(None, before=True) == [f"role:{watch_names.METRICS_USER}"]
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        data.asked()
    assert str(Client(data.redis.port).do("AUTH", watch_names.METRICS_USER, PASSWORDS.redis)).startswith(
        "WRONGPASS"
    )
    assert data.ensure(None, before=True) == []


def exporter(name: str) -> str:
    """The hosts' own, of Debian."""
    program = Path(Lab.here(Progress(lambda _line: None)).rootfs()) / f"usr/bin/prometheus-{name}-exporter"
    return str(program)


def figures_of(url: str, wanted: tuple[str, ...], tries: int = 50) -> str:
    """What an exporter says, once it says all of these."""
    for _ in range(tries):
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310
                text = str(answer.read().decode())
        except OSError:
            text = ""
        if all(line in text for line in wanted):
            return text
        time.sleep(0.2)
    pytest.fail(f"{wanted} are not all in:\n{text[-3000:]}")


def words_of(watched: Stack, name: str) -> tuple[list[str], dict[str, str]]:
    """Arguments and environment of an exporter's unit."""
    text = watched.file(f"/etc/systemd/system/prometheus-{name}-exporter.service.d/10-codeb.conf")
    lines = [line.partition("=") for line in text.splitlines()]
    (command,) = (value for key, _, value in lines if key == "ExecStart" and value)
    environment = dict(
        value.split("=", 1) for key, _, value in lines if key == "Environment" and "=" in value
    )
    return command.split()[1:], environment


@pytest.mark.lab
def test_the_hosts_exporters_get_their_figures_by_these_accounts(
    data: Data, watched: Stack, tmp_path: Path
) -> None:
    started = []
    try:
        for name, secret in (
            (
                "redis",
                watched.file("/etc/codeb/secrets/redis-metrics").replace(":6379", f":{data.redis.port}"),
            ),
            ("postgres", PASSWORDS.postgres),
        ):
            (tmp_path / name).write_text(secret)
            words, environment = words_of(watched, name)
            port = free_port()
            words = [
                f"{word.partition('=')[0]}=127.0.0.1:{port}" if "listen-address" in word else word
                for word in words
            ]
            words = [word.replace("%d", str(tmp_path)) for word in words]
            config = data.cluster.config
            changed = {
                key: value.replace("%d", str(tmp_path))
                .replace("/etc/codeb/ca.crt", config["sslrootcert"])
                .replace("127.0.0.1:5432", f"{config['host']}:{config['port']}")
                for key, value in environment.items()
            }
            log = (tmp_path / f"{name}.log").open("wb")
            process = subprocess.Popen(
                [exporter(name), *words], env=changed, stdout=log, stderr=log, cwd=tmp_path
            )
            started.append(process)
            wait_for_port(port, process, tmp_path / f"{name}.log")
            if name == "redis":
                query = urlencode({"target": f"redis://127.0.0.1:{data.redis.port}"})
                text = figures_of(
                    f"http://127.0.0.1:{port}/scrape?{query}", ("redis_up 1", "redis_memory_used_bytes ")
                )
                for figure in (
                    "redis_memory_max_bytes ",
                    "redis_evicted_clients",
                    "redis_instance_info{",
                    "redis_connected_clients ",
                ):
                    assert figure in text, figure
            else:
                figures_of(
                    f"http://127.0.0.1:{port}/metrics",
                    (
                        "pg_up 1",
                        "pg_settings_max_connections{",
                        "pg_stat_activity_count{",
                        'pg_database_size_bytes{datname="blog_db"}',
                        "pg_settings_superuser_reserved_connections{",
                    ),
                )
            said = (tmp_path / f"{name}.log").read_text()
            assert PASSWORDS.redis not in said
            assert PASSWORDS.postgres not in said
    finally:
        for process in started:
            end(process)


@pytest.fixture
def minio(tmp_path: Path) -> Iterator[int]:
    built = sorted(Folders.here().cache.glob("minio-*/minio"))
    if not built:
        pytest.skip("needs MinIO, as built by `make lab`")
    port, log = free_port(), tmp_path / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(built[-1]), "server", "--quiet", "--address", f"127.0.0.1:{port}",
             "--console-address", f"127.0.0.1:{free_port()}", tmp_path / "data"],
            env={"MINIO_ROOT_USER": "root-user", "MINIO_ROOT_PASSWORD": "root-password", "HOME": str(tmp_path)},
            stdout=output, stderr=output,
        )  # fmt: skip
    wait_for_port(port, process, log)
    yield port
    end(process)


def answered(port: int, path: str, token: str) -> int:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}", headers={"Authorization": f"Bearer {token}"}
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            return int(answer.status)
    except HTTPError as error:
        return error.code


def test_minio_gives_figures_for_the_token_of_its_account_and_for_no_other(minio: int) -> None:
    secret = ROOT.derive("monitoring/minio")
    config = {
        "minioServer": f"127.0.0.1:{minio}",
        "minioUser": "root-user",
        "minioPassword": "root-password",
        "minioSsl": "false",
    }
    figures_of(f"http://127.0.0.1:{minio}/minio/health/ready", ("",))
    with plugin("minio", config) as client:
        make(client, iam.USER, name=watch_names.METRICS_USER, secret=secret)
        make(client, iam.USER, name="somebody", secret="S" * 40)
        place = "/minio/v2/metrics/cluster"
        assert answered(minio, place, prometheus_token(watch_names.METRICS_USER, secret)) == 403, (
            "it has no policy yet"
        )
        make(client, iam.POLICY, name=watch_names.METRICS_USER, policy=metrics_policy())
        make(client, iam.ATTACHMENT, userName=watch_names.METRICS_USER, policyName=watch_names.METRICS_USER)
    assert answered(minio, place, prometheus_token(watch_names.METRICS_USER, secret)) == 200
    assert answered(minio, place, prometheus_token(watch_names.METRICS_USER, "another")) == 403
    assert answered(minio, place, prometheus_token("somebody", "S" * 40)) == 403
    assert answered(minio, place, "") == 403
    assert answered(minio, "/minio/admin/v3/info", prometheus_token(watch_names.METRICS_USER, secret)) in (
        400,
        403,
    )
