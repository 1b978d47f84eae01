"""The containers of the archive: closed, of the image that is here, without a secret among their words."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from agent.archive import programs
from agent.host import paths
from agent.store.settings import Server

SERVER = Server("docker.io/library/postgres:16-alpine", "postgres", "127.0.0.1", 5432)
IMAGE = "1" * 64
CLIENTS = {
    "questions": programs.questions(SERVER, IMAGE, "ship"),
    "administration": programs.administration(SERVER, IMAGE),
    "base backup": programs.base_backup(SERVER, IMAGE, soon=False),
}
RECOVERY = programs.recovery("codeb-recovery-1", IMAGE, "/srv/codeb/archive/recovery-1", [("fsync", "off")])


@pytest.mark.parametrize("argv", [*CLIENTS.values(), RECOVERY], ids=[*CLIENTS, "recovery"])
def test_each_container_is_closed(argv: Sequence[str]) -> None:
    image = argv.index(IMAGE)
    closed = {"--user=70:70", "--read-only", "--cap-drop=all", "--security-opt=no-new-privileges"}
    assert closed | {"--image-volume=ignore", "--pull=never"} <= set(argv[:image])
    assert all(word.startswith("--") for word in argv[2:image]), "no option takes the next word for its value"


@pytest.mark.parametrize(("name", "login"), [
    ("questions", paths.ARCHIVE_LOGIN), ("administration", paths.BACKUP_LOGIN), ("base backup", paths.ARCHIVE_LOGIN),
])  # fmt: skip
def test_a_client_has_its_own_password_file_and_checks_the_server_s_name(name: str, login: str) -> None:
    argv = CLIENTS[name]
    assert [word for word in argv if "secrets" in word] == [f"--volume={login}:/run/codeb/pgpass:ro"]
    assert "--env=PGSSLMODE=verify-full" in argv
    assert "--no-password" in argv


def test_containers_that_run_side_by_side_have_names_of_their_own() -> None:
    """One that starts replaces another of its name."""
    side_by_side = [*CLIENTS.values(), programs.questions(SERVER, IMAGE, "base"), RECOVERY]
    names = [next(word for word in argv if word.startswith("--name=")) for argv in side_by_side]
    assert len(set(names)) == len(names)


def test_nobody_reaches_a_recovered_server_from_outside_its_container() -> None:
    assert "--network=none" in RECOVERY
    assert [word for word in RECOVERY if word.startswith("--volume=")] == [
        "--volume=/srv/codeb/archive/recovery-1:/srv/codeb/archive/recovery-1"
    ]
    assert "--entrypoint=postgres" in RECOVERY, "the image's own entry point would make a new cluster"


def test_a_base_backup_waits_for_a_gentle_checkpoint_unless_it_is_to_be_soon() -> None:
    assert "--checkpoint=spread" in CLIENTS["base backup"]
    assert "--checkpoint=fast" in programs.base_backup(SERVER, IMAGE, soon=True)
    assert any(word.startswith("--max-rate=") for word in CLIENTS["base backup"])
