"""`codeb protect`: a hash in the manifest, every other byte as it was, nothing told that is secret."""

from __future__ import annotations

import io
import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import bcrypt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codeb.model import load_manifests, read_sources
from codeb.model.document import read_document
from ops.cli import main
from ops.protect import COST, refusal_of
from ops.yaml_edit import EditError, drop, put

HASH = "$2b$10$abcdefghijklmnopqrstuu23JPZtHcGhwXSF41f93o/7vBdDut3Xu"
OTHER = HASH[:-1] + "a"
PATH = ("features", "protect", "users", "ann")
HEAD = "project: {id: shop}  # ours\nenvironment:\n  domain: shop.example.com\n  image: ghcr.io/x/shop:1\n"
PASSWORD = "correct horse"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "manifests").mkdir()
    (tmp_path / "manifests/shop.yaml").write_text(HEAD)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def typed(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))


def users(folder: Path) -> dict[str, str]:
    (manifest,) = load_manifests(read_sources(folder / "manifests"))
    protect = manifest.features.protect
    return dict(protect.users) if protect else {}


def test_a_password_from_standard_input_is_hashed_into_the_manifest(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    typed(monkeypatch, f"{PASSWORD}\n")
    assert main(["protect", "shop", "--user", "ann"]) == 0
    text = (folder / "manifests/shop.yaml").read_text()
    hashed = users(folder)["ann"]
    assert text == f"{HEAD}features:\n  protect:\n    users:\n      ann: {hashed}\n"
    assert bcrypt.checkpw(PASSWORD.encode(), hashed.encode())
    assert hashed.startswith(f"$2b${COST}$")
    out, err = capsys.readouterr()
    assert out == "manifests/shop.yaml: login ann set, from the next `pulumi up` on\n"
    assert err == ""
    assert main(["protect", "shop", "--user", "ann", "--remove"]) == 0
    assert (folder / "manifests/shop.yaml").read_text() == HEAD
    assert "everybody gets in then" in capsys.readouterr().out


def test_a_made_password_is_told_once_and_works(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["protect", "shop", "--user", "a.b@example.com", "--generate", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["ok"], said["change"], said["users"], said["open"]) == (
        True,
        "set",
        ["a.b@example.com"],
        False,
    )
    assert bcrypt.checkpw(said["password"].encode(), users(folder)["a.b@example.com"].encode())
    assert said["password"] not in (folder / "manifests/shop.yaml").read_text()


def test_a_terminal_is_asked_twice_and_shows_nothing(folder: Path) -> None:
    def talk(*lines: str) -> tuple[int, str]:
        child, terminal = pty.openpty()
        command = [sys.executable, "-c", "import sys; from ops.cli import main; sys.exit(main(sys.argv[1:]))"]
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
        process = subprocess.Popen(
            [*command, "protect", "shop", "--user", "ann"],
            stdin=terminal, stdout=terminal, stderr=terminal, start_new_session=True, env=environment,
        )  # fmt: skip
        os.close(terminal)
        said = b""
        for line in lines:
            while not said.endswith(b": "):
                said += os.read(child, 1000)
            os.write(child, line.encode() + b"\n")
            said += b"\n"
        process.wait(30)
        try:
            while more := os.read(child, 1000):
                said += more
        except OSError:
            pass
        os.close(child)
        return process.returncode, said.decode()

    status, said = talk(PASSWORD, "something else")
    assert (status, users(folder)) == (1, {})
    assert "differ" in said
    status, said = talk(PASSWORD, PASSWORD)
    assert (status, list(users(folder))) == (0, ["ann"])
    assert PASSWORD not in said


@pytest.mark.parametrize(
    "password", ["", "short", "x" * 73, "ü" * 37, "two\x00halves", "bell\x07bell", "tab\ttab\ttab"]
)
def test_a_password_that_is_none_is_refused_without_being_told(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], password: str
) -> None:
    assert refusal_of(password)
    typed(monkeypatch, password + "\n")
    assert main(["protect", "shop", "--user", "ann"]) == 1
    assert (folder / "manifests/shop.yaml").read_text() == HEAD
    captured = capsys.readouterr()
    assert not password or password not in captured.out + captured.err


@pytest.mark.parametrize("user", ["", "a b", "a:b", "-x", "a\nb", "x" * 65, "$(id)", "{a}", "#a", "@a"])
def test_a_name_that_no_login_has_is_wrong_usage(folder: Path, user: str) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(["protect", "shop", "--user", user, "--generate"])
    assert exit_.value.code == 2


def test_what_stands_in_the_way_is_said_and_changes_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["protect", "none", "--user", "ann", "--generate"]) == 1
    assert "no manifest in manifests has the id none" in capsys.readouterr().err
    assert main(["protect", "shop", "--user", "ann", "--remove"]) == 1
    assert "manifests/shop.yaml has no login ann" in capsys.readouterr().err
    broken = HEAD + "features: {protect: hunter2-hunter2}\n"
    (folder / "manifests/shop.yaml").write_text(broken)
    assert main(["protect", "shop", "--user", "ann", "--generate"]) == 1
    captured = capsys.readouterr()
    assert "features.protect" in captured.err
    assert "hunter2" not in captured.err + captured.out
    assert (folder / "manifests/shop.yaml").read_text() == broken


def test_a_file_keeps_its_mode_and_a_link_stays_one(folder: Path) -> None:
    real = folder / "real.yaml"
    (folder / "manifests/shop.yaml").rename(real)
    real.chmod(0o640)
    (folder / "manifests/shop.yaml").symlink_to(real)
    assert main(["protect", "shop", "--user", "ann", "--generate"]) == 0
    assert (folder / "manifests/shop.yaml").is_symlink()
    assert real.stat().st_mode & 0o777 == 0o640
    assert "ann" in real.read_text()
    assert sorted(path.name for path in folder.iterdir()) == ["manifests", "real.yaml"]


SHAPES = {
    "features only": "features:\n  max_upload: 1Mi # big\n\n# end\n",
    "not at the end": "features:\n\n  # about size\n  max_upload: 1Mi\n\nbackup: {enabled: true}\n",
    "text over lines": "features:\n  maintenance:\n    message: >-\n      We are\n      soon back.\n\n# the end\n",
    "addresses": "features:\n  protect: # who\n    addresses: [203.0.113.7]\n    # last\n",
    "another": f'features:\n    protect:\n        users:\n            # ops\n            "bob": {HASH} # b\n',
    "flow": "features: {max_upload: 1Mi, }\n",
    "flow over lines": "features: {\n  max_upload: 1Mi, # big\n  metrics: true # yes\n}\n",
    "flow of flow": f"features: {{protect: {{addresses: [203.0.113.7], users: {{bob: '{HASH}'}}}}}}\n",
    "no users": "features: {protect: {addresses: [203.0.113.7], users: {}}}\n",
    "empty": "features: {}\n",
    "list last": "features:\n  canary:\n    - 5\n    - 25 # step\n  # after\n",
    "no line end": "features:\n  max_upload: 1Mi",
    "marks": "features:\n  max_upload: 1Mi\n...\n",
    "windows": "features:\r\n  max_upload: 1Mi\r\n",
    "unicode": "features:\n  maintenance: {message: 곧 돌아옵니다 😀}\n",
    "quoted keys": "\"features\":\n  'max_upload': 1Mi\n",
}


@pytest.mark.parametrize("name", SHAPES)
def test_only_lines_or_words_are_added_and_they_go_again(name: str) -> None:
    before = HEAD.replace("\n", "\r\n") + SHAPES[name] if name == "windows" else HEAD + SHAPES[name]
    made = put(before, PATH, HASH)
    assert read_document("m", made).value["features"]["protect"]["users"]["ann"] == HASH
    _is_within(before, made)
    changed = put(made, PATH, OTHER)
    assert changed == made.replace(f"ann: {HASH}", f"ann: {OTHER}")
    back = drop(made, PATH)
    expected: Any = read_document("m", before).value
    if name in ("empty", "no users"):  # mappings without anything go, too
        assert "ann" not in back
        return
    assert read_document("m", back).value == expected
    assert back.rstrip("\n") == before.rstrip("\n")
    if name == "windows":
        assert "\n" not in made.replace("\r\n", "")


def _is_within(before: str, made: str) -> None:
    """What was there is there, in one or two pieces."""
    more = len(made) - len(before)
    assert any(made[:at] + made[at + more :] == before for at in range(len(before) + 1)), made


scalars = st.sampled_from(
    ["1Mi", "'x: y'", '"a # b"', "text, of words", "|\n{0}  line\n{0}\n{0}  two", "[1, 2]", "{{a: 1}}"]
)
trivia = st.sampled_from(["", "", " # note: {{x}}", "\n\n{0}# own line", "\n"])


@st.composite
def mappings(draw: st.DrawFn, depth: int, indent: str) -> str:
    keys = draw(st.lists(st.sampled_from(["a", "b", "c", '"d e"']), min_size=1, max_size=3, unique=True))
    keys += ["features"] if depth == 0 else ["protect"] if depth == 1 else []
    text = ""
    for key in draw(st.permutations(keys)):
        if key in ("features", "protect") or (depth < 3 and draw(st.booleans())):
            inner = indent + " " * draw(st.integers(1, 4))
            note = draw(st.sampled_from(["", " # who"]))
            text += f"{indent}{key}:{note}\n{draw(mappings(depth + 1, inner))}"
        else:
            value = draw(scalars)
            note = "" if value.startswith("|") else draw(trivia)
            text += f"{indent}{key}: {value.format(indent)}{note.format(indent)}\n"
    return text


@given(mappings(0, ""))
@settings(deadline=None, max_examples=150)
def test_whatever_the_file_looks_like_the_rest_stays_or_nothing_is_done(text: str) -> None:
    before = read_document("m", text).value
    try:
        made = put(text, PATH, HASH)
        after = read_document("m", made).value
        back = drop(made, PATH)
    except EditError:
        return
    assert after["features"]["protect"].pop("users") == {"ann": HASH}
    assert after == before
    assert back == text
    _is_within(text, made)


def test_a_preview_environment_is_protected_by_its_project_s_manifest(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    typed(monkeypatch, f"{PASSWORD}\n")
    assert main(["protect", "shop-pr-12", "--user", "ann"]) == 1
    assert (
        "has the id shop-pr-12: a preview environment is what the manifest of shop says"
        in capsys.readouterr().err
    )
    assert (folder / "manifests/shop.yaml").read_text() == HEAD
