"""What an app's repository may say: whoever may dispatch may write anything."""

from __future__ import annotations

from typing import Any

import pytest

from codeb.model.asked import repository as repository_of
from ops.ci import asking, payload
from ops.ci.context import CiError
from tests.unit.ci.ci_world import COMMIT, IMAGE, RUN_URL, Place, told

DIGEST = f"@sha256:{'a' * 64}"
HOSTILE: list[Any] = [
    None, "", 7, True, ["shop"], {"x": 1}, "shop; reboot", "$(reboot)", "`reboot`", "../../etc/passwd", "shop\n", "shop\0",
    "-oProxyCommand=x", "{{7*7}}", "${{ secrets.GITHUB_TOKEN }}", "\uff53\uff48\uff4f\uff50", "x" * 100_000,
]  # fmt: skip


@pytest.mark.parametrize("name", ["project", "image", "repository", "commit", "run_url"])
@pytest.mark.parametrize("value", HOSTILE, ids=lambda value: repr(value)[:30])
def test_a_value_without_its_form_is_refused_by_name(place: Place, name: str, value: Any) -> None:
    place.dispatched(payload.RELEASE, **{name: value})
    with pytest.raises(CiError, match=f"^{name}: ") as error:
        payload.read_release(place.world.workflow)
    assert len(str(error.value)) < 300, "a message is no place for what somebody sent"
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "image",
    [
        "ghcr.io/leo/shop:main", "ghcr.io/leo/shop", f"ghcr.io/leo/shop{DIGEST}0", f"ghcr.io/leo/shop{DIGEST[:-1]}",
        f"ghcr.io/leo/shop{DIGEST.upper()}", f"ghcr.io/leo/shop@sha512:{'a' * 64}", DIGEST, f"ghcr.io/leo/shop {DIGEST}",
        f"ghcr.io/leo/shop:main{DIGEST}", f"shop{DIGEST}", f"ghcr.io/leo/shop{DIGEST}\n", f"ghcr.io/leo/shop\n{DIGEST}",
    ],
)  # fmt: skip
def test_an_image_is_named_by_its_digest(place: Place, image: str) -> None:
    place.dispatched(payload.RELEASE, image=image)
    with pytest.raises(CiError, match="by its digest"):
        payload.read_release(place.world.workflow)


@pytest.mark.parametrize(
    "image",
    [
        "ghcr.io/leo/shop2",
        "ghcr.io/leo/sho",
        "ghcr.io/evil/shop",
        "evil.test/leo/shop",
        "ghcr.io/leo/shop/x",
        "ghcr.io:443/leo/shop",
    ],
)
def test_an_image_of_another_repository_is_refused(place: Place, image: str) -> None:
    _, manifests = asking.read_stack(place.folder, "dev")
    with pytest.raises(CiError, match=r"which is the repository of environment\.image in .*shop\.yaml"):
        payload.checked(manifests, "shop", image + DIGEST, "leo/shop")


def test_what_is_the_manifest_s_is_taken_however_github_spells_the_owner(place: Place) -> None:
    _, manifests = asking.read_stack(place.folder, "dev")
    assert payload.checked(manifests, "shop", IMAGE, "LEO/Shop").id == "shop"


@pytest.mark.parametrize(
    "image", ["registry.lab.test:5000/codeb/demo", "localhost/a_b/c.d", "ghcr.io/leo/a/b/c"]
)
def test_an_image_may_be_of_any_registry(image: str) -> None:
    assert payload.text("image", image + DIGEST) == image + DIGEST


@pytest.mark.parametrize(
    ("image", "name"),
    [
        ("localhost:5000/a/b:1.0", "localhost:5000/a/b"), (f"reg.test:5000/a{DIGEST}", "reg.test:5000/a"),
        (f"reg.test/a:tag{DIGEST}", "reg.test/a"), ("reg.test:5000/a", "reg.test:5000/a"),
    ],
)  # fmt: skip
def test_a_port_is_no_tag(image: str, name: str) -> None:
    assert repository_of(image) == name


def test_only_the_repository_of_the_manifest_may_ask(place: Place) -> None:
    _, manifests = asking.read_stack(place.folder, "dev")
    with pytest.raises(CiError, match="leo/blog is not leo/shop"):
        payload.checked(manifests, "shop", IMAGE, "leo/blog")


def test_a_manifest_without_repository_leaves_it_to_the_image(place: Place) -> None:
    place.write("shop", project={"id": "shop"})
    _, manifests = asking.read_stack(place.folder, "dev")
    assert payload.checked(manifests, "shop", IMAGE, "anybody/else").id == "shop"


def test_a_project_without_manifest_is_refused(place: Place) -> None:
    _, manifests = asking.read_stack(place.folder, "dev")
    with pytest.raises(CiError, match="no manifest has the id blog"):
        payload.checked(manifests, "blog", IMAGE, "leo/blog")


@pytest.mark.parametrize("pull", [0, -1, 10_000_000, 1.0, "12", True, None, [1], 10**40])
def test_a_pull_request_has_a_number(place: Place, pull: Any) -> None:
    place.dispatched(payload.PREVIEW, action="open", pull=pull)
    with pytest.raises(CiError, match=r"^pull: "):
        payload.read_preview(place.world.workflow)


@pytest.mark.parametrize("action", ["", "opened", "OPEN", None, ["open"], "open\n"])
def test_an_action_is_open_or_close(place: Place, action: Any) -> None:
    place.dispatched(payload.PREVIEW, action=action, pull=12)
    with pytest.raises(CiError, match=r"^action: "):
        payload.read_preview(place.world.workflow)


def test_unknown_keys_are_refused(place: Place) -> None:
    place.dispatched(payload.RELEASE, stack="prod")
    with pytest.raises(CiError, match='unknown key "stack"'):
        payload.read_release(place.world.workflow)
    place.dispatched(payload.PREVIEW, action="close", pull=12)
    with pytest.raises(CiError, match='unknown key "image"'):
        payload.read_preview(place.world.workflow)


@pytest.mark.parametrize("given", [None, "x", [1], 7])
def test_an_event_without_payload_is_refused(place: Place, given: Any) -> None:
    place.event_name, place.event = (
        "repository_dispatch",
        {"action": payload.RELEASE, "client_payload": given},
    )
    with pytest.raises(CiError, match="no client_payload"):
        payload.read_release(place.world.workflow)


def test_other_events_ask_for_nothing(place: Place) -> None:
    place.event_name, place.event = "push", {"action": payload.RELEASE, "client_payload": told()}
    assert payload.read_release(place.world.workflow) is None
    place.dispatched("something-else")
    assert payload.read_release(place.world.workflow) is None
    assert payload.read_preview(place.world.workflow) is None


def test_what_is_right_is_read(place: Place) -> None:
    place.dispatched(payload.RELEASE)
    source = payload.Source("leo/shop", COMMIT, RUN_URL)
    assert payload.read_release(place.world.workflow) == payload.Release("shop", IMAGE, source)
    place.dispatched(payload.PREVIEW, action="close", pull=12, image=None)
    assert payload.read_preview(place.world.workflow) == payload.Preview("close", "shop", 12, "", source)


@pytest.mark.parametrize(
    "url",
    [
        "http://github.com/x", "https://user:pw@github.com/x", "https://github.com", "https://github.com/\x1b[2J",
        "//github.com/x",
        "https://github.com/x)](evil)", "https://github.com/<x>", "https://github.com/\u202e", "javascript:alert(1)//https://x/",
    ],
)  # fmt: skip
def test_a_run_has_a_plain_https_address(place: Place, url: str) -> None:
    place.dispatched(payload.RELEASE, run_url=url)
    with pytest.raises(CiError, match=r"^run_url: "):
        payload.read_release(place.world.workflow)


@pytest.mark.parametrize(
    ("name", "event", "commit"),
    [
        ("push", {}, COMMIT[:12]),
        ("workflow_run", {"workflow_run": {"head_sha": "f" * 40}}, "f" * 12),
        ("pull_request", {"pull_request": {"head": {"sha": "e" * 40}}}, "e" * 12),
        ("workflow_run", {}, "unknown"),
        ("pull_request", {"pull_request": {"head": {"sha": "$(reboot)"}}}, "unknown"),
    ],
)
def test_a_run_is_about_the_commit_that_it_checks_out(
    place: Place, name: str, event: Any, commit: str
) -> None:
    place.event_name, place.event = name, event
    assert payload.commit_of(place.world.workflow) == commit
