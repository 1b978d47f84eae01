"""Keys of the platform's own accounts go from number to number while visitors are served; killed runs are finished."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import demo
import pytest
from killing import CLI, EVERYTHING
from stack import HOST, Stack, get

from codeb import names
from codeb.secrets import RootSecret
from lab import paths
from lab.host.processes import wait_until

pytestmark = [pytest.mark.lab, pytest.mark.slow]

KINDS = ("postgres", "redis", "minio", "archive", "backup")
PURPOSES = {
    "postgres": "postgres/admin",
    "redis": "redis/0/admin",
    "minio": "minio/admin",
    "archive": "postgres/archive",
    "backup": "backup/storage",
}
SITES = ("blog.lab.test", "food.lab.test")
SERVICES = ("postgres", "redis-0", "minio")
PSQL = 'read -r PGPASSWORD; export PGPASSWORD; exec psql "host=$1 dbname=postgres sslmode=require" -wU "$2" -Atqc "select 1"'
REDIS_CLI = "read -r REDISCLI_AUTH; export REDISCLI_AUTH; exec redis-cli --no-auth-warning"
MC = 'read -r login; export MC_HOST_it="http://$login@127.0.0.1:9000" MC_CONFIG_DIR=/tmp/.mc; exec mc --json "$@"'
DEADLINE_S = 60


def key(kind: str, number: int) -> str:
    return RootSecret(paths.ROOT_SECRET.read_text().strip()).derive(PURPOSES[kind], number)


def in_container(stack: Stack, name: str, script: str, *words: str, stdin: str) -> str:
    """What a script says in a container of the data server; "" when it fails."""
    done = stack.on_host("podman", "exec", "-i", name, "sh", "-c", script, "sh", *words, stdin=stdin)
    return done.stdout.decode() if done.returncode == 0 else ""


def minio(stack: Stack, user: str, secret: str, *words: str) -> str:
    return in_container(stack, "minio", MC, *words, stdin=f"{user}:{secret}\n")


def lets_in(stack: Stack, kind: str, number: int) -> bool:
    """Whether the service takes the key of this number."""
    secret = key(kind, number)
    if kind in ("postgres", "archive"):
        user = names.POSTGRES_ADMIN if kind == "postgres" else names.POSTGRES_ARCHIVE
        return in_container(stack, "postgres", PSQL, "127.0.0.1", user, stdin=f"{secret}\n") == "1\n"
    if kind == "redis":
        return "PONG" in in_container(stack, "redis-0", REDIS_CLI, stdin=f"{secret}\nPING\n")
    if kind == "minio":
        return bool(minio(stack, names.minio_admin(number), secret, "admin", "user", "ls", "it"))
    return bool(minio(stack, names.backup_user(number), secret, "ls", f"it/{names.BACKUP_BUCKET}"))


@dataclass
class Visitors:
    """Ask each site for what needs its database and its cache, and for an object, again and again."""

    answers: int = 0
    wrong: list[str] = field(default_factory=list)

    def ask(self, site: str) -> None:
        image = get(demo.rows(get, site).images[0])
        assert image.status == 200, f"{site}: an object: {image.status}"
        self.answers += 1

    @contextmanager
    def served(self) -> Iterator[None]:
        over = threading.Event()

        def work(site: str) -> None:
            while not over.is_set():
                try:
                    self.ask(site)
                except Exception as error:  # noqa: BLE001 - whatever it is, a visitor was not served
                    self.wrong.append(str(error))

        threads = [threading.Thread(target=work, args=(site,)) for site in SITES]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            over.set()
            for thread in threads:
                thread.join()
        assert not self.wrong, self.wrong[:5]


def running(stack: Stack) -> dict[str, str]:
    """The containers of data services and apps, and which they are: another id is another start."""
    done = stack.on_host("podman", "ps", "--no-trunc", "--format", "{{.Names}} {{.ID}}")
    pairs = dict(line.split() for line in done.stdout.decode().splitlines())
    return {
        name: id_ for name, id_ in pairs.items() if name in SERVICES or name.endswith(("-blue", "-green"))
    }


@pytest.fixture
def fresh(stack: Stack) -> Iterator[Stack]:
    """The stack with keys of number 1; what rotated goes back to them, as no number does by itself."""
    assert stack.up().status == 0
    yield stack
    highest, cache = (max(n for n in range(1, 10) if lets_in(stack, kind, n)) for kind in ("minio", "redis"))
    acl = f"{key('redis', cache)}\nACL SETUSER default >{key('redis', 1)}\nACL SAVE\n"
    assert "OK" in in_container(stack, "redis-0", REDIS_CLI, stdin=acl)
    login = names.minio_admin(highest), key("minio", highest)
    assert minio(stack, *login, "admin", "config", "set", "it", "api", "root_access=on")
    assert stack.on_host("rm", "-f", "/var/lib/codeb/admins.json").returncode == 0
    stack.configure()
    again = stack.up()
    assert again.status == 0, again.text
    for number in range(2, highest + 1):
        minio(
            stack, names.MINIO_ADMIN, key("minio", 1), "admin", "user", "rm", "it", names.minio_admin(number)
        )
    assert all(lets_in(stack, kind, 1) for kind in KINDS if kind != "archive")


def rotate(stack: Stack, numbers: dict[str, int]) -> None:
    stack.configure(rotation=numbers)
    done = stack.up()
    assert done.status == 0, done.text


def archived(stack: Stack) -> bool:
    """Whether somebody takes WAL over; asked as root of the host, who needs no password."""
    ask = "SELECT count(*) FROM pg_stat_replication WHERE usename = 'codeb_archive'"
    door = ("psql", "-XAtq", "-h", "/run/postgresql", "-U", "postgres", "-d", "template1", "-c", ask)
    done = stack.on_host("podman", "exec", "--user", "0:0", "postgres", *door)
    return done.stdout.decode().strip() == "1"


def soon(true: Callable[[], bool], what: str) -> None:
    assert wait_until(true, DEADLINE_S), what


def test_each_kind_of_key_rotates_while_visitors_are_served_and_the_old_one_is_refused(fresh: Stack) -> None:
    stack, before, visitors = fresh, running(fresh), Visitors()
    numbers: dict[str, int] = {}
    for kind in KINDS:
        with visitors.served():
            rotate(stack, numbers | {kind: 2})
            numbers[kind] = 2
            soon(lambda kind=kind: lets_in(stack, kind, 2), f"{kind}: the new key is not taken")  # type: ignore[misc]
        if kind == "backup":
            assert lets_in(stack, kind, 1), "a backup that runs still has the one before"
        else:
            assert not lets_in(stack, kind, 1), f"{kind}: the old key is still taken"
        assert running(stack) == before, f"{kind}: something was started anew"
        print(f"{kind}: number 2; {visitors.answers} answers so far, none wrong", flush=True)
    assert stack.up().changes == {}, "an update of what has rotated has nothing to do"
    saved = stack.codeb("backup", "blog", "--wait", "600")
    assert saved.returncode == 0, saved.stdout + saved.stderr
    with visitors.served():
        rotate(stack, dict.fromkeys(KINDS, 3))
    assert not lets_in(stack, "backup", 1)
    assert running(stack) == before
    soon(lambda: archived(stack), "nobody takes WAL over")
    assert stack.on_host("codeb-agent", "doctor", stdin="{}").returncode == 0


def test_an_update_that_is_killed_while_it_rotates_is_finished_by_the_next_one(fresh: Stack) -> None:
    stack, before, visitors = fresh, running(fresh), Visitors()
    moments = (
        (f"{HOST}-bundle", EVERYTHING),
        (f"{HOST}-data-postgres", CLI),
        (f"blog-release-{HOST}", EVERYTHING),
        (f"{HOST}-settled", CLI),
    )
    for number, (resource, victim) in enumerate(moments, start=2):
        stack.configure(rotation=dict.fromkeys(KINDS, number))
        stack.pulumi.clear()
        with visitors.served():
            run = stack.start_up()
            assert run.wait_for([resource], 240), f"{resource} was never begun"
            run.kill(victim)
            again = stack.up()
            assert again.status == 0, again.text
        assert stack.up().changes == {}
        for kind in ("postgres", "redis", "minio"):
            assert lets_in(stack, kind, number), f"{kind}, killed at {resource}"
            assert not lets_in(stack, kind, number - 1), f"{kind}, killed at {resource}"
        print(f"killed at {resource}: finished by the next run", flush=True)
    assert running(stack) == before


def test_a_lower_number_is_refused_before_anything_is_changed(fresh: Stack) -> None:
    rotate(fresh, {"redis": 2})
    fresh.configure(rotation={"redis": 1})
    refused = fresh.up()
    assert refused.status != 0
    assert "redis is 1, and this server has had 2: numbers only go up" in refused.text
    assert lets_in(fresh, "redis", 2)
