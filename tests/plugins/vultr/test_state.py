"""What of a resource stands in the state: nested objects, sets in Terraform's order, and the way back to Terraform's own."""

from __future__ import annotations

from tests.plugins.vultr.account import Account
from tests.plugins.vultr.conftest import Lives
from tests.plugins.vultr.lives import CHECK, RULES, SSH_RULE

DELTA = "__pulumi_raw_state_delta"
OBJECT: dict[str, object] = {"obj": {}}


def test_a_balancer(made: Lives, account: Account) -> None:
    outputs = made("LoadBalancer", forwardingRules=[*RULES, SSH_RULE]).state.outputs
    assert [rule["frontendPort"] for rule in outputs["forwardingRules"]] == [22, 443, 80], (
        "by their values as text"
    )
    assert {"ruleId": "forwarding_rules-0", **SSH_RULE} in outputs["forwardingRules"]
    assert outputs["healthCheck"] == CHECK
    assert (outputs["ssl"], outputs["firewallRules"], outputs["cookieName"]) == (None, [], "")
    assert outputs[DELTA]["obj"]["ps"] == {
        "attachedInstances": {"arr": {}},
        "firewallRules": {"arr": {}},
        "forwardingRules": {"arr": {"el": {"0": OBJECT, "1": OBJECT, "2": OBJECT}}},
        "healthCheck": {"plu": {"i": OBJECT}},
        "ssl": {"plu": {"i": {}}},
    }


def test_an_instance(made: Lives, account: Account) -> None:
    outputs = made("Instance").state.outputs
    assert (outputs["tags"], outputs["features"], outputs["backupsSchedule"]) == (["a", "b"], [], None)
    assert outputs["osId"] == 2625
    assert outputs[DELTA]["obj"]["ps"] == {
        "backupsSchedule": {"plu": {"i": {}}},
        "features": {"arr": {}},
        "sshKeyIds": {"arr": {}},
        "tags": {"arr": {}},
        "vpcIds": {"arr": {}},
    }


def test_a_file_system(made: Lives, account: Account) -> None:
    outputs = made("VirtualFileSystemStorage").state.outputs
    attached = {"instanceId": "instance_id", "state": "ATTACHED", "mount": 12345}
    assert (outputs["attachments"], outputs["attachedInstances"]) == ([attached], ["instance_id"])
    assert (outputs["cost"], outputs["sizeGb"], outputs["tags"]) == (1.0, 10, None)
    assert outputs[DELTA]["obj"]["ps"]["attachments"] == {"arr": {"el": {"0": OBJECT}}}


def test_a_cost_has_the_precision_of_the_client_library(made: Lives, account: Account) -> None:
    one = made("BlockStorage")
    account.of("blocks")[0]["cost"] = 2.1
    assert one.refresh().outputs["cost"] == 2.0999999046325684


def test_inputs_keep_their_objects_after_a_refresh(made: Lives, account: Account) -> None:
    one = made("LoadBalancer", healthCheck={"protocol": "tcp", "port": 443})
    before = one.inputs
    assert before["healthCheck"]["__defaults"] == [
        "checkInterval",
        "healthyThreshold",
        "path",
        "responseTimeout",
        "unhealthyThreshold",
    ]
    assert one.refresh().inputs == before
