"""Whatever an app is called, its files stay what they are and say that name: JSON, scripts, Markdown, SVG, YAML.

And of the real template: it says what it is called in the files that `template.json` names, and nowhere else.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from pydantic import TypeAdapter, ValidationError

from codeb.model import ManifestSource, load_manifests
from codeb.model import types as t
from codeb.sources import is_made
from ops.new import DATASETS, Wanted, manifest
from ops.new.app import app_files
from ops.new.spelled import Called, Misplaced, respelled
from ops.new.template import Template, read_template
from ops.new.workflows import FOLDER, Origin

TEMPLATES = Path(__file__).parents[4] / "templates"
OLD = Called("core-cms", "Core CMS")
WANTED = Wanted("tea-shop", "tea.lab.test", "ghcr.io/leo/tea:1", app="apps/tea-shop", name="Tea")
_DISPLAY = TypeAdapter(t.DisplayText)


def allowed(name: str) -> bool:
    """Whether a manifest may have this name for people."""
    try:
        _DISPLAY.validate_python(name)
    except ValidationError:
        return False
    return True


NAMES = st.text(min_size=1, max_size=100).filter(allowed)
HOSTILE = (
    'Tea "and" cups', "Tea's", "\\", '\\"', "\\\\", "*/ alert(1) /*", "--> <!--", "</title><script>alert(1)</script>",
    "${process.env.NEXTAUTH_SECRET}", "`id`", "$(reboot)", "{{ x }}", "<b>", "&amp;", "a: b # c", "- x", "[x](javascript:y)",
    "![](x)", "1. one", "core-cms", "Core CMS", "My Core CMS core-cms", "맛있는 배달", "O'Brien & Söhne", "\U0001f375 Tea",
    "null", "\u200d", "%s %(x)s \\1 \\g<0>", "~~x~~", "https://example.com", "@import", "| a | b |", "--- ---",
)  # fmt: skip


def spelled(path: str, text: str, name: str) -> str:
    return respelled(path, text, OLD, Called("tea-shop", name))


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_names(name: str) -> None:
    """So that each of them gets as far as the files."""
    assert allowed(name)


def examples(function):  # type: ignore[no-untyped-def]
    for name in HOSTILE:
        function = example(name)(function)
    return given(NAMES)(function)


@examples
def test_json_says_the_name(name: str) -> None:
    before = {"name": "core-cms", "description": "Core CMS: Core CMS", "x": ["core-cms-cache"]}
    after = json.loads(spelled("package.json", json.dumps(before, indent=2), name))
    assert after == {"name": "tea-shop", "description": f"{name}: {name}", "x": ["tea-shop-cache"]}


@examples
def test_a_script_s_constant_says_the_name(name: str) -> None:
    before = '/** core-cms */\nexport const APP_NAME = "Core CMS";\nconst other: string = "Core CMS"\nexport default 1;\n'
    lines = spelled("src/lib/name.ts", before, name).split("\n")
    assert len(lines) == 5, "no name ends a line"
    first = re.fullmatch(r'export const APP_NAME = ("[^"]*");', lines[1])
    second = re.fullmatch(r'const other: string = ("[^"]*")', lines[2])
    assert first, lines[1]
    assert second, lines[2]
    assert json.loads(first[1]) == json.loads(second[1]) == name, (
        "a string of JSON is the same string of JavaScript"
    )
    assert (lines[0], lines[3]) == ("/** tea-shop */", "export default 1;")


@examples
def test_markdown_shows_the_name(name: str) -> None:
    text = spelled("README.md", "# Core CMS\n\nThis is Core CMS, in `core-cms`.\n\nCore CMS is it.\n", name)
    shown = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(text)
    page = parsed(f"<page>{shown}</page>")
    assert [(each.tag, "".join(each.itertext()).replace("\n", " ")) for each in page] == [
        ("h1", name),
        ("p", f"This is {name}, in tea-shop."),
        ("p", f"{name} is it."),
    ]
    assert [each.tag for each in page.iter()] == ["page", "h1", "p", "code", "p"], "nothing of it is markup"


@examples
def test_a_picture_s_title_is_the_name(name: str) -> None:
    before = '<svg xmlns="x" aria-label="Core CMS"><!-- Core CMS --><title>Core CMS</title></svg>'
    after = parsed(spelled("icon.svg", before, name))
    assert (after.get("aria-label"), after.findtext("{x}title"), len(after)) == (name, name, 1)


@examples
def test_the_manifest_says_the_name(name: str) -> None:
    text = manifest(replace(WANTED, name=name), "")
    [found] = load_manifests([ManifestSource("tea.yaml", text)])
    assert found.project.name == name
    assert set(yaml.safe_load(text)) == {"project", "environment", "features"}


@pytest.mark.parametrize(
    "path", ["page.tsx", "next.config.js", "Dockerfile", "x.yml", ".env.example", "x.css", "x.cjs"]
)
def test_other_files_take_the_id_alone(path: str) -> None:
    assert spelled(path, "x core-cms y", "*/") == "x tea-shop y"
    with pytest.raises(Misplaced):
        spelled(path, "x Core CMS y", "Tea")


@pytest.mark.parametrize(
    "line",
    ["const a = 'Core CMS';", "const a = `Core CMS`;", '// "Core CMS"', 'f("Core CMS");', 'const a = "x Core CMS";',
     'const a = "Core CMS" + b;', '  const a = "Core CMS";', "const a = /Core CMS/;"],
)  # fmt: skip
def test_a_script_has_the_name_in_a_constant_of_its_own_only(line: str) -> None:
    with pytest.raises(Misplaced):
        spelled("x.ts", f"{line}\n", "Tea")


def parsed(text: str | bytes) -> ElementTree.Element:
    return ElementTree.fromstring(text)  # noqa: S314 - our own


# The real template


@pytest.fixture(scope="module")
def template() -> Template:
    return read_template(TEMPLATES / "core-cms")


def test_no_other_file_of_the_template_says_what_it_is_called(template: Template) -> None:
    assert (template.id, template.name) == (OLD.id, OLD.name)
    having = {file.path for file in template.files if re.search(b"core-cms|Core CMS", file.content)}
    assert having == template.replace, "`replace` of template.json names exactly these files"


def test_the_template_is_the_version_that_manifests_begin_with(template: Template) -> None:
    package = json.loads(next(file.content for file in template.files if file.path == "package.json"))
    assert (package["name"], package["version"]) == (OLD.id, "1.0.0")


def test_an_app_of_the_real_template_keeps_the_lock_and_loses_the_name(template: Template) -> None:
    made = {file.path: file for file in app_files(WANTED, TEMPLATES, Origin())}
    assert not [path for path, file in made.items() if re.search(b"core-cms|Core CMS", file.content)]
    same = {file.path: file for file in template.files if file.path not in template.replace}
    assert {path: file for path, file in made.items() if path in same} == same
    for name in ("package.json", "package-lock.json"):
        before = json.loads(next(file.content for file in template.files if file.path == name))
        after = json.loads(made[name].content)
        assert list(differences(before, after)), "it is renamed"
        assert all("core-cms" in old or "Core CMS" in old for old, _ in differences(before, after))
    assert {
        path for path in set(made) - {file.path for file in template.files} if not path.startswith(FOLDER)
    } == set()


def test_no_app_gets_what_tools_leave_or_people_keep_for_themselves(template: Template) -> None:
    assert not [file.path for file in template.files if is_made(file.path)]
    assert "template.json" not in {file.path for file in template.files}


@settings(max_examples=20)
@given(NAMES)
def test_the_real_template_bears_any_name(name: str) -> None:
    files = app_files(replace(WANTED, name=name), TEMPLATES, Origin())
    for file in files:
        if file.path.endswith(".json") and file.path not in ("tsconfig.json", "biome.json"):
            json.loads(file.content)
        if file.path.endswith(".svg"):
            parsed(file.content)


def test_a_developer_of_the_app_sees_its_dataset_too() -> None:
    made = {file.path: file for file in app_files(replace(WANTED, dataset="posts"), TEMPLATES, Origin())}
    assert b"\nAPP_DATASET=posts\n" in made[".env.example"].content


def test_its_datasets_are_those_that_an_app_may_have() -> None:
    seeds = {path.stem for path in (TEMPLATES / "core-cms" / "seeds").glob("*.json")}
    assert seeds == set(DATASETS)


def differences(before: object, after: object) -> Iterator[tuple[str, str]]:
    """Texts that differ in two documents of one shape."""
    assert type(before) is type(after)
    if isinstance(before, dict) and isinstance(after, dict):
        assert list(before) == list(after)
        for key in before:
            yield from differences(before[key], after[key])
    elif isinstance(before, list) and isinstance(after, list):
        assert len(before) == len(after)
        for old, new in zip(before, after, strict=True):
            yield from differences(old, new)
    elif before != after:
        yield str(before), str(after)
