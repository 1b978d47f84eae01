"""What is said of a Pulumi CLI that fails: it explains itself on either output."""

from __future__ import annotations

from pathlib import Path

import pytest

from ops.pulumi import CliStack, PulumiError, ask

RUN = "Importing (prod):\n    vultr:index:Instance app-1 importing failed [diff: +label]\nDiagnostics:\n"


@pytest.mark.parametrize(
    ("out", "err", "said"),
    [
        ("", "error: no stack named 'prod' found", "error: no stack named 'prod' found"),
        (f"{RUN}    error: the import failed\n", "", "error: the import failed"),
        (f"{RUN}    error: inputs differ\n", "warning: old\n", "error: inputs differ"),
        ("error: twice\n", "error: twice\n", "error: twice"),
        ("", "killed\n", "killed"),
        ("no error at all\n", "", "nothing"),
    ],
)
def test_its_errors_are_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, out: str, err: str, said: str
) -> None:
    (tmp_path / "out").write_text(out)
    (tmp_path / "err").write_text(err)
    fake = tmp_path / "pulumi"
    fake.write_text(f"#!/bin/sh\ncat {tmp_path}/out; cat {tmp_path}/err >&2; exit 1\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(PulumiError) as failed:
        ask(tmp_path, "prod", "import")
    assert str(failed.value) == f"`pulumi import --stack prod` failed and said: {said}"


@pytest.mark.parametrize("aside", [False, True])
def test_what_a_verb_says_goes_aside_where_the_answer_is_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], aside: bool
) -> None:
    fake = tmp_path / "pulumi"
    fake.write_text("#!/bin/sh\necho updating\nexit 3\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert CliStack(tmp_path, "prod", aside=aside).run("up", []) == 3
    out, err = capfd.readouterr()
    assert (out, err) == (("", "updating\n") if aside else ("updating\n", ""))
