"""Preview environments: they come, are renewed and go, and one comment on their pull request says so."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import httpx2
import pytest
import yaml

from ops.ci import environments, payload
from ops.ci.context import CiError
from ops.request import request_text
from ops.runs import Ended, Said, Step, StepFailed
from tests.unit.ci.ci_world import COMMIT, HOSTILE, IMAGE, NOW, OTHER_IMAGE, Place, stack_outputs

NAME = "shop-pr-12"
MARK = f"<!-- codeb:preview:dev.{NAME} -->"
LATER = "2026-11-30T12:00:00Z"


def asked(place: Place, action: str = "open", **more: Any) -> None:
    image = {} if action == "open" else {"image": None}
    place.dispatched(payload.PREVIEW, **{"action": action, "pull": 12, **image, **more})


def there(place: Place, **until: str) -> None:
    """These environments are on the stack, by name."""
    previews = {
        name.replace("_", "-"): {
            "project": "shop",
            "pull": int(name.rpartition("_")[2]),
            "image": IMAGE,
            "until": time,
        }
        for name, time in until.items()
    }
    place.outputs["dev"] = stack_outputs("shop", *previews, previews=previews)


@pytest.fixture
def apps(place: Place) -> Place:
    """With a token for apps' repositories, and a stack that has what is opened."""
    place.environ["APPS_TOKEN"] = "the-apps-token"
    settings_of(place, **{"codeb:previews": {"max": 5}})
    place.pulumi.events = (Step(f"{NAME}-release-codeb1", "create", "command:remote:Command"),)
    there(place, shop_pr_12=LATER)
    return place


def comments(place: Place, pull: int = 12) -> list[str]:
    return [each["body"] for each in place.hub.comments.get(f"leo/shop#{pull}", [])]


def test_an_event_opens_an_environment_for_its_time_to_live(apps: Place) -> None:
    asked(apps)
    result = environments.from_event("dev", apps.world)
    assert result.ok
    entry = {"project": "shop", "pull": 12, "image": IMAGE, "until": LATER}
    assert apps.pulumi.requests == [json.loads(request_text({}, {NAME: entry}, []))]
    assert [target.domain for target in apps.visited] == [f"{NAME}.lab.test"] * 3
    (comment,) = comments(apps)
    assert comment.startswith(MARK)
    assert f"https://{NAME}.lab.test" in comment
    assert COMMIT[:12] in comment
    assert LATER in comment
    assert apps.hub.tokens == {"the-apps-token"}


def test_another_push_renews_it_and_updates_the_comment(apps: Place) -> None:
    asked(apps)
    assert environments.from_event("dev", apps.world).ok
    apps.now = NOW + timedelta(hours=5)
    asked(apps, image=OTHER_IMAGE, commit="f" * 40)
    assert environments.from_event("dev", apps.world).ok
    assert apps.pulumi.requests[1]["previews"]["open"][NAME]["until"] == "2026-11-30T17:00:00Z"
    (comment,) = comments(apps)
    assert "ffffffffffff" in comment
    assert COMMIT[:12] not in comment.partition("The platform")[0]


def settings_of(place: Place, **config: Any) -> None:
    file = place.folder / "Pulumi.dev.yaml"
    document = yaml.safe_load(file.read_text())
    document["config"] = {
        key: value for key, value in (document["config"] | config).items() if value is not None
    }
    file.write_text(yaml.safe_dump(document))


def test_the_stack_says_how_long_one_lives(apps: Place) -> None:
    settings_of(apps, **{"codeb:previews": {"ttlHours": 2}})
    asked(apps)
    assert environments.from_event("dev", apps.world).document["until"] == "2026-11-27T14:00:00Z"


@pytest.mark.parametrize("previews", [None, {"ttlHours": 0}, {"ttlHours": "soon"}, {"ttlHours": 10**9}])
def test_a_stack_that_takes_none_opens_none(apps: Place, previews: Any) -> None:
    settings_of(apps, **{"codeb:previews": previews})
    asked(apps)
    with pytest.raises(CiError, match="previews"):
        environments.from_event("dev", apps.world)
    assert apps.pulumi.runs == []


def test_one_that_can_t_be_opened_is_told_with_what_is_its_own(apps: Place) -> None:
    step = Step(f"{NAME}-release-codeb1", "create", "t")
    own = Said("error", f"health: answered 503 {HOSTILE}", step.resource)
    other = Said("error", "an internal matter of the platform", "codeb1-bundle")
    apps.pulumi.events = (step, own, other, StepFailed(step))
    apps.pulumi.ended["up"] = Ended(False)
    asked(apps)
    result = environments.from_event("dev", apps.world)
    assert not result.ok
    (comment,) = comments(apps)
    assert "could not be shown; it failed in update" in comment
    assert [line for line in comment.split("\n") if "answered 503" in line] == [
        f"error: {step.resource}: health: answered 503 {HOSTILE}"
    ]
    assert "internal matter" not in comment


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (
            f"CODEB_REQUEST: previews.open.{NAME}: 6 preview environments are more than 5 (codeb:previews.max); open are: "
            "secret-project-pr-1. Close one, or raise codeb:previews.max.",
            "6 preview environments are more than 5 (codeb:previews.max)",
        ),
        (
            f"manifests/shop.yaml (preview environment {NAME}): environment.domain: is too long",
            "environment.domain: is too long",
        ),
        (
            "Pulumi.dev.yaml: codeb:projectSecrets.shop-pr.API_KEY: is missing, and environment.secrets of shop names it",
            "codeb:projectSecrets.shop-pr.API_KEY: is missing",
        ),
    ],
)
def test_why_the_program_refuses_one_is_told_without_who_else_is_open(
    apps: Place, said: str, shown: str
) -> None:
    apps.pulumi.events = (Said("error", said), Said("error", "secret-project: an internal matter"))
    apps.pulumi.ended["up"] = Ended(False)
    asked(apps)
    assert not environments.from_event("dev", apps.world).ok
    (comment,) = comments(apps)
    assert shown in comment
    assert "secret-project" not in comment


def test_an_event_closes_an_environment_and_says_that_it_is_gone(apps: Place) -> None:
    asked(apps)
    assert environments.from_event("dev", apps.world).ok
    asked(apps, "close")
    result = environments.from_event("dev", apps.world)
    assert result.ok
    assert apps.pulumi.requests[1] == json.loads(request_text({}, {}, [NAME]))
    (comment,) = comments(apps)
    assert "It is gone, with its data. Its pull request is closed." in comment
    assert f"https://{NAME}.lab.test" not in comment


def test_closing_what_is_not_there_is_fine(apps: Place) -> None:
    there(apps)
    asked(apps, "close")
    result = environments.from_event("dev", apps.world)
    assert result.ok
    assert apps.pulumi.runs == []
    assert comments(apps) == [], "nobody was told of one, so nobody is told that it is gone"


def test_closing_what_has_no_manifest_any_more_is_fine(apps: Place) -> None:
    (apps.folder / "manifests" / "shop.yaml").unlink()
    apps.write("blog")
    there(apps)
    asked(apps, "close")
    assert environments.from_event("dev", apps.world).ok


@pytest.mark.parametrize(
    "change", [{"repository": "eve/shop"}, {"image": IMAGE.replace("leo", "eve")}, {"project": "blog"}]
)
def test_another_repository_opens_nothing(apps: Place, change: Any) -> None:
    asked(apps, **change)
    with pytest.raises(CiError):
        environments.from_event("dev", apps.world)
    assert apps.pulumi.runs == []
    assert apps.hub.comments == {}


def test_an_event_that_asks_for_the_opposite_is_refused(apps: Place) -> None:
    asked(apps, "close")
    with pytest.raises(CiError, match="asks to close, not to open"):
        environments.from_event("dev", apps.world, only="open")


def test_without_an_event_there_is_nothing_to_do(apps: Place) -> None:
    with pytest.raises(CiError, match="--project and --pull"):
        environments.from_event("dev", apps.world)


def test_a_pull_request_that_can_t_be_told_is_a_warning(apps: Place) -> None:
    apps.hub.refuses["/repos/leo/shop"] = 403
    asked(apps)
    result = environments.from_event("dev", apps.world)
    assert result.ok
    assert any("no comment on leo/shop#12: GitHub answered 403" in line for line in result.problems)


@pytest.mark.parametrize(
    "answer", [{"message": "x"}, [1], "x", None, [{"body": MARK, "user": {"type": "Bot"}}]]
)
def test_a_github_that_answers_something_else_undoes_nothing(
    apps: Place, answer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apps.hub, "_comments", lambda *_: httpx2.Response(200, json=answer))
    asked(apps)
    result = environments.from_event("dev", apps.world)
    assert result.ok
    assert "warning: no comment on leo/shop#12: GitHub answered with something" in result.problems[-1]


def test_without_a_token_nobody_is_told_and_that_is_said(place: Place) -> None:
    settings_of(place, **{"codeb:previews": {"max": 5}})
    there(place, shop_pr_12=LATER)
    asked(place)
    result = environments.from_event("dev", place.world)
    assert result.ok
    assert any("APPS_TOKEN is not set" in line for line in result.problems)
    assert place.hub.comments == {}


def test_a_sweep_closes_what_is_past_its_time_or_whose_pull_request_is_closed(apps: Place) -> None:
    there(apps, shop_pr_12="2026-11-27T12:00:00Z", shop_pr_13=LATER, shop_pr_14=LATER)
    apps.hub.pulls["leo/shop#14"] = {"state": "closed"}
    result = environments.sweep("dev", apps.world)
    assert result.document["closed"] == ["shop-pr-12", "shop-pr-14"]
    assert apps.pulumi.requests == [json.loads(request_text({}, {}, ["shop-pr-12", "shop-pr-14"]))]
    assert "Its time to live ended at 2026-11-27T12:00:00Z" in comments(apps, 12)[0]
    assert "Its pull request is closed." in comments(apps, 14)[0]
    assert comments(apps, 13) == []


def test_a_sweep_without_a_token_goes_by_time_alone(place: Place) -> None:
    there(place, shop_pr_12="2026-11-27T11:59:59Z", shop_pr_13=LATER)
    place.hub.pulls["leo/shop#13"] = {"state": "closed"}
    assert environments.sweep("dev", place.world).document["closed"] == ["shop-pr-12"]


def test_a_namesake_of_a_repository_elsewhere_closes_nothing(apps: Place) -> None:
    apps.write("shop", project={"id": "shop", "repository": "https://gitlab.com/leo/shop"})
    apps.hub.pulls["leo/shop#12"] = {"state": "closed"}
    assert environments.sweep("dev", apps.world).document["closed"] == []


def test_a_repository_that_can_t_be_asked_closes_nothing(apps: Place) -> None:
    apps.hub.refuses["/repos/leo/shop"] = 404
    result = environments.sweep("dev", apps.world)
    assert (result.ok, result.document["closed"], apps.pulumi.runs) == (True, [], [])
    assert any("answered 404" in line for line in result.problems)


def _does_not_start(apps: Place) -> None:
    step = Step(f"{NAME}-release-codeb1", "create", "command:remote:Command")
    apps.pulumi.by_verb["up"] = (step, StepFailed(step))
    apps.pulumi.ended["up"] = Ended(False)


def test_a_new_environment_that_does_not_start_is_closed_again(apps: Place) -> None:
    apps.outputs["dev"] = stack_outputs("shop")
    _does_not_start(apps)
    asked(apps)
    assert not environments.from_event("dev", apps.world).ok
    assert apps.pulumi.requests[1] == json.loads(request_text({}, {}, [NAME]))


def test_an_open_environment_whose_new_image_does_not_start_has_that_of_before(apps: Place) -> None:
    there(apps, shop_pr_12=LATER)
    apps.outputs["dev"]["registry"]["previews"][NAME]["pull"] = 12.0
    _does_not_start(apps)
    asked(apps, image=OTHER_IMAGE)
    assert not environments.from_event("dev", apps.world).ok
    was = {"project": "shop", "pull": 12, "image": IMAGE, "until": LATER}
    assert apps.pulumi.requests[1] == json.loads(request_text({}, {NAME: was}, []))


@pytest.mark.parametrize(
    ("serves", "back"),
    [
        ({"status": "planned", "image": IMAGE}, request_text({}, {}, [NAME])),
        (
            {"status": "running", "image": OTHER_IMAGE},
            request_text(
                {}, {NAME: {"project": "shop", "pull": 12, "image": OTHER_IMAGE, "until": LATER}}, []
            ),
        ),
    ],
    ids=["it has never started", "it serves another image"],
)
@pytest.mark.parametrize("event", ["the same again", "another one's"])
def test_what_a_cut_job_has_left_is_taken_back_by_the_next_one(
    apps: Place, serves: Any, back: str, event: str
) -> None:
    there(apps, shop_pr_12=LATER)
    apps.outputs["dev"]["registry"]["projects"][NAME] |= serves
    _does_not_start(apps)
    asked(apps, pull=12 if event == "the same again" else 13)
    assert not environments.from_event("dev", apps.world).ok
    assert apps.pulumi.requests[1] == json.loads(back)


def test_a_sweep_that_fails_tells_nobody_that_it_is_gone(apps: Place) -> None:
    there(apps, shop_pr_12="2026-11-27T11:00:00Z")
    apps.pulumi.ended["up"] = Ended(False, "no")
    result = environments.sweep("dev", apps.world)
    assert (result.ok, result.document["closed"]) == (False, [])
    assert comments(apps) == []


def test_a_list_has_address_pull_request_time_and_image(apps: Place) -> None:
    there(apps, shop_pr_12="2026-11-27T11:00:00Z", shop_pr_13=LATER)
    result = environments.listing("dev", apps.world)
    first, second = result.document["environments"]  # type: ignore[misc]
    assert first == {
        "environment": NAME, "url": f"https://{NAME}.lab.test", "pull": 12, "until": "2026-11-27T11:00:00Z", "over": True,
        "image": IMAGE,
    }  # fmt: skip
    assert not second["over"]
    assert len(result.lines) == 3


def test_a_stack_without_any_has_an_empty_list(place: Place) -> None:
    assert environments.listing("dev", place.world).lines == ("none",)
    assert environments.sweep("dev", place.world).lines == ("nothing to close",)


@pytest.mark.parametrize(
    "entry",
    [
        None,
        "x",
        {},
        {"project": "shop", "pull": 1, "image": IMAGE, "until": "soon"},
        {"project": 7, "pull": 1},
    ],
)
def test_a_registry_that_can_t_be_read_is_said(place: Place, entry: Any) -> None:
    place.outputs["dev"] = stack_outputs("shop", previews={NAME: entry})
    with pytest.raises(CiError):
        environments.sweep("dev", place.world)
    assert place.pulumi.runs == []
