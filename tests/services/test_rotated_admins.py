"""Administrators' passwords go from number to number on real servers, under requests: none fails, the old ones end."""

from __future__ import annotations

import io
import json
import subprocess
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import psycopg
import pytest
from minio import Minio
from minio.error import S3Error

from agent.admins.document import read_admins
from agent.admins.ensure import ensure
from agent.admins.settle import settle
from agent.documents.reader import Reader
from agent.host.ports import Argv, Ports, Result
from agent.real.redis import RealRedis
from agent.real.runner import SEARCHED, RealRunner
from codeb import names
from codeb.model.settings import Rotation
from codeb.render import admins_document
from codeb.secrets import PlatformSecrets, resolve
from components.backup import backup_policy
from lab.host.paths import Folders
from lab.providers.minio import bucket, iam
from lab.providers.postgresql import role
from lab.providers.protocol import ProviderError
from tests.plugins.client import plugin
from tests.plugins.life import make, remove
from tests.plugins.processes import end, wait_for_port
from tests.ports import free_port
from tests.postgres import Cluster, postgres_cluster
from tests.services.redis_server import Client, RedisServer
from tests.services.rendered import as_rendered
from tests.services.stack import ROOT, Stack
from tests.unit.agent.fakes.host import FakeHost

APP, SECRET = "blog", "of the app itself"


@dataclass(frozen=True)
class Storage:
    """A MinIO whose root user has the password of number 1, started again by `restart`."""

    port: int
    folder: Path
    binary: str
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self, number: int) -> None:
        log = self.folder / "log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [self.binary, "server", "--quiet", "--address", f"127.0.0.1:{self.port}",
                 "--console-address", f"127.0.0.1:{free_port()}", self.folder / "data"],
                env={"MINIO_ROOT_USER": names.MINIO_ADMIN, "HOME": str(self.folder),
                     "MINIO_ROOT_PASSWORD": ROOT.derive("minio/admin", number)},
                stdout=output, stderr=output,
            )  # fmt: skip
        self.processes.append(process)
        wait_for_port(self.port, process, log)
        while not self._answers():
            threading.Event().wait(0.02)

    def _answers(self) -> bool:
        """Whether it refuses nobody in particular: before that its users are still being loaded."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/", timeout=5):
                return False
        except HTTPError as error:
            return error.code == 403
        except OSError:
            return False

    def stop(self) -> None:
        for process in self.processes:
            end(process)
        self.processes.clear()

    def client(self, user: str, secret: str) -> Minio:
        return Minio(
            f"127.0.0.1:{self.port}", access_key=user, secret_key=secret, secure=False, region="us-east-1"
        )

    def config(self, number: int) -> dict[str, str]:
        """The provider's, as `components.data` has it."""
        return {
            "minioServer": f"127.0.0.1:{self.port}",
            "minioUser": names.minio_admin(number),
            "minioPassword": ROOT.derive("minio/admin", number),
            "minioSsl": "false",
        }


class Containers(RealRunner):
    """`podman exec` as the program itself on this machine: PostgreSQL's socket and MinIO's port are where they are here."""

    def __init__(self, cluster: Cluster, storage: Storage) -> None:
        super().__init__()
        self._cluster, self._storage = cluster, storage
        self._environment["PATH"] = f"{Path(storage.binary).parent}:{SEARCHED}"

    def run(
        self,
        argv: Argv,
        *,
        stdin: str | None = None,
        timeout_s: float = 60,
        unless: Callable[[], object] = lambda: False,
    ) -> Result:
        words = list(argv)
        assert words[:3] == ["podman", "exec", "--interactive"]
        inside = words[words.index("psql") :] if "psql" in words else words[words.index("minio") + 1 :]
        home, port = self._cluster.certificate.parent, self._cluster.config["port"]
        told = [word.replace("--host=/run/postgresql", f"--host={home}") for word in inside]
        told = [word.replace("127.0.0.1:9000", f"127.0.0.1:{self._storage.port}") for word in told]
        told = [word.replace("/tmp/.mc", str(self._storage.folder / "mc")) for word in told]
        more = [f"--port={port}"] if "psql" in words else []
        return super().run([*told, *more], stdin=stdin, timeout_s=timeout_s, unless=unless)


@dataclass(frozen=True)
class Data:
    """The three services, and the agent beside them."""

    stack: Stack
    cluster: Cluster
    redis: RedisServer
    storage: Storage
    host: FakeHost = field(default_factory=FakeHost)

    def ports(self) -> Ports:
        runner = Containers(self.cluster, self.storage)
        return replace(self.host.ports(), runner=runner, redis=RealRedis())

    def document(self, numbers: Rotation) -> dict[str, Any]:
        """What the program sends, with the port of the instance here."""
        plan = self.stack.plan
        plan = replace(plan, settings=plan.settings.model_copy(update={"rotation": numbers}))
        lookup = PlatformSecrets(ROOT, ["127.0.0.1"]).lookup
        document: dict[str, Any] = json.loads(resolve(json.dumps(admins_document(plan)), lookup))
        [shared] = [each for each in document["redis"] if each["name"] == self.redis.name]
        return {**document, "redis": [shared | {"port": self.redis.port}]}

    def rotate(self, numbers: Rotation) -> list[str]:
        return ensure(self.ports(), read_admins(Reader(self.document(numbers), "")))

    def settle(self, numbers: Rotation) -> None:
        assert settle(self.ports(), Reader(self.document(numbers), ""), "tester") == {"ok": True}

    def administrator(self, number: int) -> psycopg.Connection[Any]:
        return self._connected(names.POSTGRES_ADMIN, ROOT.derive("postgres/admin", number), "postgres")

    def app(self) -> psycopg.Connection[Any]:
        return self._connected(APP, SECRET, "blog_db")

    def _connected(self, user: str, password: str, dbname: str) -> psycopg.Connection[Any]:
        config = self.cluster.config
        return psycopg.connect(
            host=config["host"], port=config["port"], user=user, password=password, dbname=dbname,
            sslmode="verify-full", sslrootcert=config["sslrootcert"], autocommit=True,
        )  # fmt: skip

    def cache_login(self, number: int) -> str:
        """What Redis says to its administrator's password of this number."""
        purpose = next(r.admin_purpose for r in self.stack.plan.data.redis if r.name == self.redis.name)
        return str(Client(self.redis.port).do("AUTH", ROOT.derive(purpose, number)))

    def provider(self, number: int) -> dict[str, str]:
        """The configuration of PostgreSQL's provider."""
        return {**self.cluster.config, "password": ROOT.derive("postgres/admin", number)}


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[Storage]:
    built = sorted(Folders.here().cache.glob("minio-*/minio"))
    if not built:
        pytest.skip("needs MinIO and mc, as built by `make lab`")
    running = Storage(free_port(), tmp_path, str(built[-1]))
    running.start(1)
    yield running
    running.stop()


@pytest.fixture
def data(stack: Stack, start_redis: Callable[..., RedisServer], storage: Storage) -> Iterator[Data]:
    """All of them with keys of number 1, and a project on them."""
    prepare = partial(as_rendered, stack)
    with postgres_cluster(names.POSTGRES_ADMIN, {"fsync": "off"}, prepare) as cluster:
        redis = start_redis("redis-0")
        redis.grant(APP)
        here = Data(stack, cluster, redis, storage)
        assert here.rotate(Rotation()) == ["password:postgres"], "initdb has given it another one"
        with here.administrator(1) as admin:
            admin.execute(f"CREATE ROLE blog LOGIN PASSWORD '{SECRET}'")
            admin.execute("CREATE DATABASE blog_db OWNER blog")
        with here.app() as app:
            app.execute("CREATE TABLE rows (number int)")
        with plugin("minio", storage.config(1)) as minio:
            make(minio, bucket.TYPE, bucket="blog-uploads")
            make(minio, iam.USER, name=APP, secret=SECRET)
            make(minio, iam.POLICY, name=APP, policy=_whole("blog-uploads"))
            make(minio, iam.ATTACHMENT, userName=APP, policyName=APP)
            make(minio, bucket.TYPE, bucket=names.BACKUP_BUCKET)
            make(minio, iam.POLICY, name=names.BACKUP_USER, policy=backup_policy())
        yield here


def _whole(name: str) -> str:
    resources = [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"]
    allowed = {"Effect": "Allow", "Action": ["s3:*"], "Resource": resources}
    return json.dumps({"Version": "2012-10-17", "Statement": [allowed]})


@dataclass
class Users:
    """Requests of a project without a pause, each on a new connection and on one that stays open."""

    data: Data
    done: dict[str, int] = field(default_factory=lambda: {"database": 0, "cache": 0, "storage": 0})
    failures: list[str] = field(default_factory=list)

    def database(self, kept: psycopg.Connection[Any]) -> None:
        kept.execute("INSERT INTO rows VALUES (1)")
        with self.data.app() as fresh:
            fresh.execute("INSERT INTO rows VALUES (2)")

    def cache(self, kept: Client) -> None:
        assert kept.do("INCR", "kept") > 0
        fresh = self.data.redis.app(APP)
        assert fresh.do("INCR", "fresh") > 0
        fresh.close()

    def storage(self, kept: Minio) -> None:
        for client in (kept, self.data.storage.client(APP, SECRET)):
            client.put_object("blog-uploads", "object", io.BytesIO(b"content"), 7)
            with client.get_object("blog-uploads", "object") as answer:
                assert answer.read() == b"content"

    @contextmanager
    def busy(self) -> Iterator[Users]:
        over = threading.Event()
        opened: dict[str, Callable[[], Any]] = {
            "database": self.data.app,
            "cache": partial(self.data.redis.app, APP),
            "storage": partial(self.data.storage.client, APP, SECRET),
        }

        def work(kind: str, kept: Any) -> None:
            while not over.is_set():
                try:
                    getattr(self, kind)(kept)
                    self.done[kind] += 1
                except Exception as error:  # noqa: BLE001 - whatever it is, a request failed
                    self.failures.append(f"{kind}: {error}")

        threads = [threading.Thread(target=work, args=(kind, make())) for kind, make in opened.items()]
        for thread in threads:
            thread.start()
        try:
            yield self
        finally:
            over.set()
            for thread in threads:
                thread.join()

    def goes_on(self) -> None:
        """Each kind has been served once more, from its start."""
        before = dict(self.done)
        while any(self.done[kind] < count + 2 for kind, count in before.items()) and not self.failures:
            threading.Event().wait(0.01)
        assert self.failures == []


def test_no_request_fails_while_administrators_go_from_number_to_number_and_the_old_ones_are_refused_then(
    data: Data,
) -> None:
    # What is logged in with the old ones goes on, and whoever logs in with them meanwhile is let in, but to PostgreSQL.
    with Users(data).busy() as users, data.administrator(1) as kept:
        users.goes_on()
        for number in (2, 3):
            numbers = Rotation(postgres=number, redis=number, minio=number, backup=number)
            assert set(data.rotate(numbers)) == {
                "password:postgres", "password:redis-0", f"user:{names.minio_admin(number)}"
            }  # fmt: skip
            users.goes_on()
            for each in (number - 1, number):
                assert data.cache_login(each) == "OK"
                data.storage.client(names.minio_admin(each), ROOT.derive("minio/admin", each)).list_buckets()
            data.administrator(number).close()
            data.settle(numbers)
            users.goes_on()
        assert kept.execute("SELECT 1").fetchone() == (1,)
    assert users.failures == []
    for number in (1, 2):
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            data.administrator(number)
        assert data.cache_login(number).startswith("WRONGPASS")
        login = data.storage.client(names.minio_admin(number), ROOT.derive("minio/admin", number))
        with pytest.raises(S3Error, match="InvalidAccessKeyId"):
            login.list_buckets()
    assert data.cache_login(3) == "OK"
    print("requests served meanwhile:", users.done)


def test_providers_make_resources_with_the_old_login_before_and_with_the_new_one_after(data: Data) -> None:
    numbers = Rotation(postgres=2, minio=2)
    with plugin("postgresql", data.provider(1)) as before, plugin("minio", data.storage.config(1)) as minio:
        first = make(before, role.TYPE, name="first", login=True)
        old_user = make(minio, iam.USER, name="first", secret="A" * 20)
        data.rotate(numbers)
        with (
            plugin("postgresql", data.provider(2)) as after,
            plugin("minio", data.storage.config(2)) as later,
        ):
            make(after, role.TYPE, name="second", login=True)
            make(later, iam.USER, name="second", secret="A" * 20)
            remove(after, role.TYPE, *first)
            remove(minio, iam.USER, *old_user)  # a deletion by the old login, before all is settled
            data.settle(numbers)
            make(later, bucket.TYPE, bucket="of-the-second")
        with pytest.raises(ProviderError, match="disabled"):
            make(minio, iam.USER, name="third", secret="A" * 20)
    with (
        plugin("postgresql", data.provider(1)) as again,
        pytest.raises(ProviderError, match="authentication"),
    ):
        make(again, role.TYPE, name="third", login=True)


def test_an_account_of_backups_is_there_before_its_resources_and_those_take_it_over(data: Data) -> None:
    numbers = Rotation(backup=2)
    data.rotate(numbers)
    key = ROOT.derive("backup/storage", 2)
    client = data.storage.client("codeb_backup.2", key)
    client.put_object(names.BACKUP_BUCKET, "database/blog/1", io.BytesIO(b"x"), 1)
    with plugin("minio", data.storage.config(1)) as minio:
        user = make(minio, iam.USER, name="codeb_backup.2", secret=key)
        access = make(minio, iam.ATTACHMENT, userName="codeb_backup.2", policyName=names.BACKUP_USER)
        client.put_object(names.BACKUP_BUCKET, "database/blog/2", io.BytesIO(b"x"), 1)
        remove(minio, iam.ATTACHMENT, *access)
        remove(minio, iam.USER, *user)
    with pytest.raises(S3Error, match="InvalidAccessKeyId"):
        client.put_object(names.BACKUP_BUCKET, "database/blog/3", io.BytesIO(b"x"), 1)


def test_minio_comes_back_with_another_root_password_and_administrators_and_users_as_they_were(
    data: Data,
) -> None:
    numbers = Rotation(minio=2)
    data.rotate(numbers)
    data.settle(numbers)
    data.storage.stop()
    data.storage.start(2)
    root = data.storage.client(names.MINIO_ADMIN, ROOT.derive("minio/admin", 2))
    with pytest.raises(S3Error, match="disabled"):
        root.list_buckets()
    data.storage.client("codeb_admin.2", ROOT.derive("minio/admin", 2)).list_buckets()
    assert data.storage.client(APP, SECRET).bucket_exists("blog-uploads")
    assert data.rotate(numbers) == []


def test_redis_comes_back_with_the_passwords_that_it_had(data: Data) -> None:
    data.rotate(Rotation(redis=2))
    data.settle(Rotation(redis=2))
    purpose = next(r.admin_purpose for r in data.stack.plan.data.redis if r.name == data.redis.name)
    admin = Client(data.redis.port, (ROOT.derive(purpose, 2),))
    assert admin.do("ACL", "LOAD") == "OK", "what is on disk is what a restart reads"
    assert [data.cache_login(number) == "OK" for number in (1, 2)] == [False, True]
    assert data.redis.app(APP).do("PING") == "PONG"


def test_a_run_that_changes_nothing_says_so(data: Data) -> None:
    numbers = Rotation(postgres=2, redis=2, minio=2)
    data.rotate(numbers)
    data.settle(numbers)
    assert data.rotate(numbers) == []
