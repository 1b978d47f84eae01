import pulumi
from pulumi import ResourceOptions as O
from pulumi_command import local


def cmd(name, create=None, delete=None, opts=None, **kw):
    return local.Command(name, create=create or f'echo +{name} >> order.txt', delete=delete or f'echo -{name} >> order.txt', opts=opts, **kw)


pulumi.export("int", 7)
pulumi.export("big", 2**40)
pulumi.export("float", 1.5)
pulumi.export("whole", 2.0)
pulumi.export("yes", True)
pulumi.export("no", False)
pulumi.export("none", None)
pulumi.export("empty", "")
pulumi.export("list", [])
pulumi.export("map", {})
pulumi.export("deep", {"a": [1, True, None, {"b": None, "c": ""}], "snake_key": {"camelKey": 1}})
pulumi.export("unicode", "Kofi ☕\n\ttab \"quoted\"")
a = cmd("a", create="echo 1")
pulumi.export("resource", {"id": a.id, "urn": a.urn})
