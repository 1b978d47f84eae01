"""From `git push` to a release: the workflows themselves, run by act, on two stacks on two hosts."""

from __future__ import annotations

import json
import subprocess
from datetime import UTC, datetime, timedelta

import pytest
from way import Way, results

from lab.delivery import app_work, places, stacks, telling
from lab.delivery.flow import wait_for
from lab.paths import REPO

PREVIEW = "leo/platform preview-environments.yml"


def opened(way: Way, branch: str, version: str) -> int:
    number = app_work.propose(way.delivery, branch, version)
    done = results(way.delivery.pull_request(places.APP, number, "opened"))
    assert done[PREVIEW] == "success", done
    return number


@pytest.mark.slow
def test_a_push_is_built_released_to_dev_and_after_a_yes_to_prod(way: Way) -> None:
    before = way.served(stacks.PROD)
    version, done = way.release()
    assert results(done) == {
        "leo/shop build-test.yml": "success",
        "leo/platform deploy-dev.yml": "success",
        "leo/platform deploy-prod.yml": "success",
    }
    (seen,) = way.seen
    assert (seen["waiting"], seen["dev"], seen["prod"]) == (["deploy"], version, before)
    assert before != version
    assert "approval wanted: prod" in str(seen["told"])
    assert [way.served(kind) for kind in stacks.KINDS] == [version, version]


@pytest.mark.slow
def test_both_stacks_run_the_digest_that_was_built(way: Way) -> None:
    images = [telling.outputs(kind)["registry"]["images"]["shop"] for kind in stacks.KINDS]
    digest = way.delivery.lab.registry().digest(places.APP, "latest")
    assert digest is not None
    wanted = {
        "image": f"registry.lab.test:5000/leo/shop@{digest}",
        "instead_of": "registry.lab.test:5000/leo/shop:main",
    }
    assert images == [wanted, wanted]


@pytest.mark.slow
def test_who_waits_for_news_is_told_of_both_releases(way: Way) -> None:
    told = telling.messages(way.delivery, "/slack/pipeline")
    deployed = [text.splitlines()[0] for text in told if "deployed to" in text]
    assert [line.rpartition(":")[0] for line in deployed] == [
        ":white_check_mark: deployed to dev",
        ":white_check_mark: deployed to prod",
    ]
    assert "3 successes in a row" in told[0]
    assert "by ann via github, environment production" in told[-1]
    hosts = ("(dev)", "(prod)")
    assert wait_for(
        way.delivery.receiver,
        lambda _: all(
            any(
                "serves after" in text and host in text
                for text in telling.messages(way.delivery, "/slack/hosts")
            )
            for host in hosts
        ),
    )
    assert wait_for(
        way.delivery.receiver,
        lambda receiver: len(receiver.documents("/api/0/organizations/tea-and-cups/releases/")) >= 2,
    )


@pytest.mark.slow
def test_no_secret_is_in_a_log_of_a_run_nor_in_the_repositories(way: Way) -> None:
    secrets = [
        stacks.passphrase(),
        *((places.SECRETS / kind.name / "root-secret").read_text().strip() for kind in stacks.KINDS),
        way.delivery.owned[places.PLATFORM].secrets["APPS_TOKEN"],
        way.delivery.owned[places.APP].secrets["PLATFORM_TOKEN"],
        "PRIVATE KEY",
    ]
    assert [secret for secret in secrets if secret in way.delivery.hub.file.read_text()] == []
    for repository in (places.PLATFORM, places.APP):
        line = ["git", "-C", str(places.REPOSITORIES / repository), "grep", "--fixed-strings", "-e"]
        for secret in secrets[:-1]:
            assert subprocess.run([*line, secret, "main"], capture_output=True, check=False).returncode == 1


@pytest.mark.slow
def test_a_pull_request_has_an_environment_that_is_updated_and_goes(way: Way) -> None:
    number = opened(way, "tea", "2.0.0-tea.1")
    assert way.shown(number) == "2.0.0-tea.1"
    (first,) = way.comments(number)
    assert f"https://shop-pr-{number}.dev.test" in first
    app_work.push_again(way.delivery, number, "2.0.0-tea.2")
    done = results(way.delivery.pull_request(places.APP, number, "synchronize"))
    assert done[PREVIEW] == "success"
    assert way.shown(number) == "2.0.0-tea.2"
    (second,) = way.comments(number)
    assert second != first
    way.delivery.pull_request(places.APP, number, "closed")
    assert way.previews() == set()
    assert way.shown(number) != "2.0.0-tea.2"
    (third,) = way.comments(number)
    assert "It is gone, with its data." in third


@pytest.mark.slow
def test_two_are_there_at_once_a_third_is_refused_and_who_never_closes_is_swept(way: Way) -> None:
    one, two = opened(way, "one", "2.0.0-one"), opened(way, "two", "2.0.0-two")
    names = [f"shop-pr-{number}" for number in (one, two)]
    assert way.previews() == set(names)
    assert [way.shown(number) for number in (one, two)] == ["2.0.0-one", "2.0.0-two"]
    third = app_work.propose(way.delivery, "three", "2.0.0-three")
    refused = results(way.delivery.pull_request(places.APP, third, "opened"))
    assert refused[PREVIEW] == "failure"
    assert way.previews() == set(names), "those that are there stay"
    assert "could not be shown" in way.comments(third)[0]
    age(names[0])
    assert way.delivery.scheduled(places.PLATFORM, "preview-environments.yml").conclusion == "success"
    assert way.previews() == {names[1]}
    assert "Its time to live ended" in way.comments(one)[0]
    way.delivery.pull_request(places.APP, two, "closed")
    assert way.previews() == set()
    assert way.served(stacks.DEV) == way.served(stacks.PROD), "the app itself was left alone"


def age(name: str) -> None:
    """An environment as it is when its time is over."""
    entry = telling.outputs(stacks.DEV)["registry"]["previews"][name]
    past = (datetime.now(UTC) - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    entry = {**entry, "pull": int(entry["pull"]), "until": past}
    request = {"version": 1, "previews": {"open": {name: entry}}}
    stack = stacks.stack(stacks.DEV)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CODEB_REQUEST", json.dumps(request))
        stack.ask("up", "--yes", "--skip-preview")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "repository", "cause"),
    [
        ("type-error", places.APP, "Type 'number' is not assignable to type 'string'"),
        ("out-of-memory", places.APP, "heap out of memory"),
        ("failing-migration", places.PLATFORM, 'relation "baskets" does not exist'),
    ],
)
def test_a_build_that_fails_is_one_issue_that_names_the_cause(
    way: Way, name: str, repository: str, cause: str
) -> None:
    known = {issue["number"] for issue in way.issues(repository)}
    served = [way.served(kind) for kind in stacks.KINDS]
    try:
        for seen in (1, 2):
            app_work.break_build(name)
            done = results(way.delivery.push(places.APP))
            assert done[f"{repository} ai-analysis.yml"] == "success", done
            (issue,) = [issue for issue in way.issues(repository) if issue["number"] not in known]
            said = str(issue["body"]).partition("### Cause")[2].partition("### Evidence")[0]
            assert cause in said.replace("\\", ""), issue["body"]
            assert seen == 1 or "2 times" in str(issue["body"]), issue["body"]
    finally:
        app_work.release(app_work.next_version())
    assert [way.served(kind) for kind in stacks.KINDS] == served


@pytest.mark.slow
def test_the_lab_deploys_this_project_s_own_program_and_workflows() -> None:
    for name in ("__main__.py", ".github/workflows/deploy-prod.yml", "locks/ci.txt"):
        assert (places.work(places.PLATFORM) / name).read_bytes() == (REPO / name).read_bytes()
