"""The environment on disk: whatever a value holds, it is read back as it was, and no line becomes another variable."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agent.project import environment
from tests.unit.agent.fakes.host import FakeHost
from tests.unit.agent.verbs import V1, back, fails, new_host, run

NAMES = st.from_regex(r"[A-Z_][A-Z0-9_]{0,8}", fullmatch=True)
VALUES = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=40)
PEM = "-----BEGIN KEY-----\nhunter2-line\n-----END KEY-----\n"
FOLDER = "/etc/codeb/projects/shop-app"


@given(st.dictionaries(NAMES, VALUES, max_size=6), st.dictionaries(NAMES, VALUES, max_size=6))
def test_any_text_is_read_back_as_it_was(before: dict[str, str], values: dict[str, str]) -> None:
    host = FakeHost()
    files = host.ports().files
    for each in (before, values):
        environment.write(files, "shop-app", "blue", each)
        assert environment.read(files, "shop-app", "blue") == each
    lines = (host.tell(f"{FOLDER}/blue.env") or "").split("\n")[:-1]
    assert {line.partition("=")[0] for line in lines} <= values.keys()
    assert all(entry.mode == 0o600 for path, entry in host.files.items() if path.startswith(FOLDER))


def test_a_value_with_line_breaks_is_in_a_file_of_its_own() -> None:
    host = new_host()
    run(host, environment={"PORT": "3000", "PEM": PEM})
    assert host.tell(f"{FOLDER}/blue.env") == "PORT=3000\n"
    assert "PEM=-----BEGIN KEY-----\\U0000000A" in (host.tell(f"{FOLDER}/blue.conf") or "")
    run(host, environment={"PORT": "3000"})
    assert host.tell(f"{FOLDER}/green.conf") is None
    back(host)
    assert environment.read(host.ports().files, "shop-app", "blue")["PEM"] == PEM


def test_a_release_that_fails_puts_the_file_back() -> None:
    host = new_host()
    run(host, environment={"PEM": PEM})
    run(host, environment={"PEM": "other\n"})
    before = host.tell(f"{FOLDER}/blue.conf")
    fails(host, "reg.lab:5000/shop:2", environment={"PEM": "third\n"}, site="broken")
    assert host.tell(f"{FOLDER}/blue.conf") == before


def test_a_variable_that_the_image_sets_itself_can_have_no_line_breaks() -> None:
    """Podman's configuration gives way to the image's: better no release than another value."""
    host = new_host()
    run(host, V1, environment={"OWN": "one line is fine"})
    failure = fails(host, environment={"OWN": "two\nlines"}).failure
    assert (failure.phase, "OWN" in failure.cause, "ENV" in failure.remedy) == ("check", True, True)
    assert host.tell(f"{FOLDER}/green.env") is None
