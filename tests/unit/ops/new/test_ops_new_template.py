"""Templates of `codeb new`: what is wrong with one is said, and nothing is made."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from new_app import SAID, SHOP, add, fill, tree

from ops.new.template import TemplateErrors, read_template


def lacking(said: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in said.items() if name != key}


def template_of(folder: Path) -> Path:
    return folder / "templates" / "core-cms"


def rewrite(**changes: Any) -> Callable[[Path], None]:
    return lambda folder: fill(template_of(folder), {"template.json": json.dumps({**SAID, **changes})})


def put(name: str, text: str) -> Callable[[Path], None]:
    return lambda folder: fill(template_of(folder), {name: text})


def _link(folder: Path) -> None:
    (template_of(folder) / "secrets").symlink_to("/etc/passwd")


def _linked_folder(folder: Path) -> None:
    (template_of(folder) / "src" / "more").symlink_to("/etc")


def _pipe(folder: Path) -> None:
    os.mkfifo(template_of(folder) / "pipe")


def _not_text(folder: Path) -> None:
    (template_of(folder) / "README.md").write_bytes(b"Core CMS \xff")


def _no_workflows(folder: Path) -> None:
    (folder / "templates" / "app-ci").rename(folder / "templates" / "gone")


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (lambda folder: (template_of(folder) / "template.json").unlink(), "say --no-app"),
        (put("template.json", "{"), "is not JSON"),
        (put("template.json", "[]"), "template.json"),
        (lambda folder: fill(template_of(folder), {"template.json": json.dumps(lacking(SAID, "name"))}), "name"),
        (rewrite(id="Core CMS"), "id"),
        (rewrite(more=1), "more: unknown key"),
        (rewrite(replace="package.json"), "replace"),
        (rewrite(replace=[*SAID["replace"], "../../../etc/passwd"]), "is not a path in the template"),
        (rewrite(replace=[*SAID["replace"], "/etc/passwd"]), "is not a path in the template"),
        (rewrite(replace=[*SAID["replace"], "src/gone.ts"]), "names src/gone.ts, which is no file of it"),
        (rewrite(replace=[*SAID["replace"], "only/deep/er.txt"]), "names only/deep/er.txt, which is no file of it"),
        (rewrite(replace=["package.json", "package.json"]), "replace"),
        (put("src/x.tsx", "// core-cms"), 'x.tsx: says "core-cms", which nobody replaces there'),
        (put("public/x.bin", "\x00Core CMS"), 'x.bin: says "Core CMS", which nobody replaces there'),
        (put("src/lib/name.ts", "// Core CMS, they say\n"), "has the name elsewhere than in a line like"),
        (put("src/lib/name.ts", "const a = 'Core CMS';\n"), "has the name elsewhere than in a line like"),
        (put("src/lib/name.ts", "export const A = `Core CMS`;\n"), "has the name elsewhere than in a line like"),
        (_link, "secrets: is no file"),
        (_linked_folder, "more: is no file"),
        (_pipe, "pipe: is no file"),
        (_not_text, "README.md: is no text"),
        (put("public/huge", "x" * (5 << 20)), "huge: is no file of at most 4 MiB"),
        (put("package.json", '"core-cms"'), "package.json: is no JSON mapping"),
        (put(".github/workflows/preview.yml", "on: push\n"), "preview.yml: is a workflow of app-ci, too"),
        (_no_workflows, "workflows: can't be read"),
    ],
)  # fmt: skip
def test_a_wrong_template_makes_nothing(folder: Path, harm: Callable[[Path], Any], said: str) -> None:
    harm(folder)
    result = add(folder)
    assert not result.ok
    assert said in "\n".join(result.problems)
    assert tree(folder) == {}


def test_a_name_stands_only_where_any_name_could(folder: Path) -> None:
    page = "src/app/(auth)/login/page.tsx"
    rewrite(replace=[*SAID["replace"], page])(folder)
    put(page, '<input title="Core CMS" />')(folder)
    [problem, _] = add(folder).problems
    assert "page.tsx: has the name; names may stand in .json, .md, .mjs, .svg, .ts only" in problem


def test_every_problem_of_a_template_is_said_at_once(folder: Path) -> None:
    put("a.txt", "core-cms")(folder)
    put("b.txt", "Core CMS")(folder)
    with pytest.raises(TemplateErrors) as caught:
        read_template(template_of(folder))
    assert len(caught.value.problems) == 2


def test_a_package_without_scripts_and_dependencies_will_do(folder: Path) -> None:
    put("package.json", '{"name": "core-cms", "scripts": null, "dependencies": null}')(folder)
    assert add(folder).ok
    assert "npm test" not in (folder / "apps/shop/.github/workflows/build-test.yml").read_text()


def test_without_templates_there_is_a_manifest_still(folder: Path) -> None:
    (folder / "templates" / "core-cms").rename(folder / "gone")
    assert not add(folder).ok
    assert add(folder, replace(SHOP, app="")).ok
    assert not (folder / "apps").exists()


# All or nothing
