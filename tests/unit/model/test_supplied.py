"""`codeb:projectSecrets`: values arrive as they are, and each that can't is named with its path, all at once."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codeb.model import Manifest, ManifestSource, SettingsErrors, load_manifests
from codeb.model.supplied import parse_supplied


def manifests(**secrets: list[str]) -> list[Manifest]:
    documents = [
        {
            "project": {"id": name},
            "environment": {"domain": f"{name}.lab.test", "image": "reg.lab:5000/x:1", "secrets": names},
        }
        for name, names in secrets.items()
    ]
    sources = [ManifestSource(f"{n}.yaml", json.dumps(document)) for n, document in enumerate(documents)]
    return list(load_manifests(sources))


def said(data: Any, **secrets: list[str]) -> list[str]:
    with pytest.raises(SettingsErrors) as caught:
        parse_supplied(data, manifests(**secrets), "dev")
    assert "hunter2" not in str(caught.value)
    return str(caught.value).splitlines()


@given(st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), min_size=1, max_size=200))
def test_any_text_without_nul_arrives_as_it_is(value: str) -> None:
    supplied = parse_supplied({"blog": {"PEM": value}}, manifests(blog=["PEM"]))
    assert supplied.values == {"blog": {"PEM": value}}
    assert supplied.notes == ()


def test_preview_environments_have_secrets_of_their_own_which_are_one_project_s_for_all() -> None:
    of = {"blog-pr-1": "blog", "blog-pr-2": "blog"}
    names = {"blog": ["A"], "blog-pr-1": ["A"], "blog-pr-2": ["A"]}
    data = {"blog": {"A": "own"}, "blog-pr": {"A": "theirs"}}
    supplied = parse_supplied(data, manifests(**names), "dev", of)
    assert supplied.values == {
        "blog": {"A": "own"},
        "blog-pr-1": {"A": "theirs"},
        "blog-pr-2": {"A": "theirs"},
    }
    assert supplied.notes == ()


def test_the_project_s_own_never_stand_in_for_an_environment_s() -> None:
    with pytest.raises(SettingsErrors) as caught:
        parse_supplied(
            {"blog": {"A": "hunter2"}},
            manifests(**{"blog": ["A"], "blog-pr-1": ["A"]}),
            "dev",
            {"blog-pr-1": "blog"},
        )
    assert str(caught.value) == (
        "Pulumi.dev.yaml: codeb:projectSecrets.blog-pr.A: is missing, and environment.secrets of blog, for its preview "
        "environments, names it. Run `pulumi config set --secret --path 'codeb:projectSecrets.blog-pr.A'` (in the lab: "
        "in the shell that `make lab-env` opens)."
    )


def test_secrets_for_environments_of_which_there_is_none_now_are_left_alone() -> None:
    data = {"blog": {"A": "x"}, "blog-pr": {"A": "x"}, "blog-pr-1": {"A": "x"}, "gone-pr": {"A": "x"}}
    supplied = parse_supplied(data, manifests(blog=["A"]))
    assert [note.partition(" ")[0] for note in supplied.notes] == [
        "codeb:projectSecrets.blog-pr-1",
        "codeb:projectSecrets.gone-pr",
    ]


def test_what_no_environment_gets_is_said_with_whose_manifest_would_name_it() -> None:
    data = {"blog": {"A": "x"}, "blog-pr": {"A": "x", "B": "x"}}
    supplied = parse_supplied(
        data, manifests(**{"blog": ["A"], "blog-pr-1": ["A"]}), "dev", {"blog-pr-1": "blog"}
    )
    assert supplied.notes == (
        "codeb:projectSecrets.blog-pr is used but for B: name it in environment.secrets of blog, for its preview "
        "environments, if its app is to get it.",
    )


def test_every_problem_of_every_project_is_one_line_with_its_path_and_the_command() -> None:
    data = {
        "shop": {"A": 1234, "B": True, "C": "hunter2\0", "D": None, "E": ["hunter2"], "F": "\ud800", "G": "x" * 60_001},
        "blog": "hunter2",
        "news": {"X": "fine"},
    }  # fmt: skip
    lines = said(data, shop=list("ABCDEFG"), blog=["P"], news=["X", "Y"])
    assert [line.partition(". ")[0] for line in lines] == [
        "Pulumi.dev.yaml: codeb:projectSecrets.blog: is not a mapping of names to values",
        "Pulumi.dev.yaml: codeb:projectSecrets.news.Y: is missing, and environment.secrets of news names it",
        "Pulumi.dev.yaml: codeb:projectSecrets.shop.A: is a number without quotes, not text",
        "Pulumi.dev.yaml: codeb:projectSecrets.shop.B: is true or false without quotes, not text",
        "Pulumi.dev.yaml: codeb:projectSecrets.shop.C: has a NUL character, which no environment can hold",
        "Pulumi.dev.yaml: codeb:projectSecrets.shop.D: is not text",
        "Pulumi.dev.yaml: codeb:projectSecrets.shop.E: is not text",
        "Pulumi.dev.yaml: codeb:projectSecrets.shop.F: has half a character (a lone surrogate), which is no text",
        "Pulumi.dev.yaml: codeb:projectSecrets.shop.G: is longer than 60000 bytes",
    ]
    assert "`pulumi config set --secret --path 'codeb:projectSecrets.news.Y'`" in lines[1]
    assert "make lab-env" in lines[1]


@pytest.mark.parametrize("data", ["hunter2", ["hunter2"], 3, True])
def test_what_is_no_mapping_is_refused_as_a_whole(data: Any) -> None:
    (line,) = said(data, blog=["P"])
    assert line.startswith("Pulumi.dev.yaml: codeb:projectSecrets: is not a mapping")


def test_what_no_manifest_names_is_said_and_left() -> None:
    data = {"gone": {"A": "x"}, "blog": {"P": "x", "OLD": "hunter2"}}
    supplied = parse_supplied(data, manifests(blog=["P"]))
    assert supplied.values == {"blog": {"P": "x"}}
    blog, gone = supplied.notes
    assert blog.startswith("codeb:projectSecrets.blog is used but for OLD")
    assert gone.startswith("codeb:projectSecrets.gone is not used, as no manifest has this id")
    assert "hunter2" not in blog + gone


def test_an_empty_secret_arrives_and_is_told() -> None:
    supplied = parse_supplied({"blog": {"P": ""}}, manifests(blog=["P"]))
    assert supplied.values == {"blog": {"P": ""}}
    (note,) = supplied.notes
    assert note.startswith("codeb:projectSecrets.blog.P is empty: set it again")


def test_no_secrets_are_needed_when_none_are_named() -> None:
    assert parse_supplied(None, manifests(blog=[])).values == {}
