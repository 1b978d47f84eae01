"""`codeb ci drift`: one issue while what is there is not what the stack has; nothing from an API in trouble."""

from __future__ import annotations

from collections.abc import Collection

import pytest

from ops.ci.account import Account
from ops.ci.drift import drift
from ops.result import Result
from ops.runs import Ended, Said, Step
from tests.unit.ci.ci_world import HOSTILE, STEP, Place

BUCKET = Step("shop-bucket-uploads", "create", "minio:index/s3Bucket:S3Bucket")
BALANCER = Step("edge-balancer", "create", "vultr:index/loadBalancer:LoadBalancer")


def look(place: Place, account: Account = Account()) -> Result:  # noqa: B008 - frozen
    def compare(stack: str, missed: Collection[str]) -> Account:
        place.missed = set(missed)
        return account

    return drift("prod", place.world, compare)


def reality(place: Place, *steps: Step, waiting: tuple[Step, ...] = ()) -> None:
    place.pulumi.by_verb = {"preview": waiting, "refreshed-preview": (*waiting, *steps)}


def test_a_stack_without_drift_says_so_and_opens_nothing(place: Place) -> None:
    reality(place)
    result = look(place)
    assert result.ok
    assert place.pulumi.runs == ["preview", "refreshed-preview"]
    assert place.hub.issues == []
    assert "no drift" in place.summary


def test_what_was_changed_by_hand_is_one_issue_that_is_kept_up_to_date(place: Place) -> None:
    reality(place, BUCKET)
    assert look(place).ok
    reality(place, BUCKET, Step("shop-role", "update", "t"))
    assert look(place).ok
    (issue,) = place.hub.issues
    assert (issue["labels"], issue["state"]) == (["drift"], "open")
    assert place.hub.labels == ["bug", "drift"]
    assert issue["body"].startswith("<!-- codeb:drift:prod -->\n")
    assert "create shop-bucket-uploads: would put it back" in issue["body"]
    assert "update shop-role: would put it back" in issue["body"]


def test_the_issue_is_closed_with_a_word_when_all_is_well_again(place: Place) -> None:
    reality(place, BUCKET)
    assert look(place).ok
    reality(place)
    assert look(place).ok
    (issue,) = place.hub.issues
    assert issue["state"] == "closed"
    assert "has again" in place.hub.comments["leo/platform#1"][0]["body"]
    reality(place, BUCKET)
    assert look(place).ok
    assert [each["state"] for each in place.hub.issues] == ["closed", "open"], (
        "another drift is another issue"
    )


def test_what_waits_for_a_deployment_is_no_drift(place: Place) -> None:
    reality(place, waiting=(STEP,))
    result = look(place)
    assert result.ok
    assert place.hub.issues == []
    assert "1 change of the manifests not deployed yet, which is no drift" in result.lines


def test_what_is_there_before_it_was_deployed_is_drift(place: Place) -> None:
    place.pulumi.by_verb = {"preview": (BUCKET,), "refreshed-preview": ()}
    assert "create shop-bucket-uploads: is there already" in look(place).lines


def test_a_deployment_meanwhile_is_no_drift(place: Place) -> None:
    """The first preview has seen what it brings, the second has not."""
    place.pulumi.by_verb = {"preview": (STEP,), "refreshed-preview": ()}

    def deployed(verb: str) -> None:
        if verb == "refreshed-preview":
            place.pulumi.by_verb["preview"] = ()

    place.pulumi.before = deployed
    result = look(place)
    assert not result.ok
    assert "changed while it was looked at" in result.problems[0]
    assert place.hub.issues == []


def test_findings_of_the_account_are_drift(place: Place) -> None:
    reality(place)
    result = look(place, Account(("balancer edge is there twice",)))
    assert "Vultr: balancer edge is there twice" in result.lines
    assert len(place.hub.issues) == 1


def test_what_the_refresh_misses_at_vultr_is_asked_for_again(place: Place) -> None:
    lost = Step("app1-record", "create", "vultr:index/dnsRecord:DnsRecord")
    reality(place, BALANCER, BUCKET, waiting=(lost,))
    look(place)
    assert place.missed == {"edge-balancer"}


@pytest.mark.parametrize("before", [(), (BUCKET,)])
def test_an_api_in_trouble_tells_nothing(place: Place, before: tuple[Step, ...]) -> None:
    reality(place, *before)
    look(place)
    known = [dict(issue) for issue in place.hub.issues]
    reality(place, BALANCER)
    result = look(place, Account(("a finding",), ("balancer edge: taken for gone, but the account has it",)))
    assert not result.ok
    assert "nothing is concluded" in result.problems[0]
    assert place.hub.issues == known


@pytest.mark.parametrize("verb", ["preview", "refreshed-preview"])
def test_a_preview_that_fails_leaves_the_issue_as_it_is(place: Place, verb: str) -> None:
    reality(place, BUCKET)
    look(place)
    known = dict(place.hub.issues[0])
    place.pulumi.by_verb[verb] = (Said("error", "tunnel: connection refused"),)
    place.pulumi.ended[verb] = Ended(False)
    assert not look(place).ok
    assert place.hub.issues == [known]


def test_a_person_s_issue_with_the_marker_is_left_alone(place: Place) -> None:
    theirs = {
        "number": 1, "state": "open", "labels": ["drift"], "user": {"login": "eve", "type": "User"},
        "body": "<!-- codeb:drift:prod -->\nmine",
    }  # fmt: skip
    place.hub.issues.append(dict(theirs))
    reality(place, BUCKET)
    look(place)
    reality(place)
    look(place)
    assert place.hub.issues[0] == theirs
    assert place.hub.issues[1]["state"] == "closed"


def test_hostile_names_are_code_in_the_issue(place: Place) -> None:
    reality(place, Step(HOSTILE, "update", "t"))
    look(place)
    body = place.hub.issues[0]["body"]
    assert [line for line in body.split("\n") if "evil.test" in line] == [
        f"update {HOSTILE}: would put it back"
    ]
    assert "`````text" in body


def test_nothing_is_asked_for_by_a_look(place: Place) -> None:
    place.environ["CODEB_REQUEST"] = "{}"
    reality(place)
    look(place)
    assert place.pulumi.requests == [None, None]
