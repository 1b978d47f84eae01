import pulumi
from pulumi import ResourceOptions as O
from pulumi_command import local


def cmd(name, create=None, delete=None, opts=None, **kw):
    return local.Command(name, create=create or f'echo +{name} >> order.txt', delete=delete or f'echo -{name} >> order.txt', opts=opts, **kw)


cmd("a", environment={"A": "1", "B": "1"}, opts=O(ignore_changes=["environment.A"]))
cmd("b", environment={"x.y": "1", "z": "1"}, opts=O(ignore_changes=['environment["x.y"]']))
cmd("c", triggers=["1", "k"], opts=O(ignore_changes=["triggers[0]"]))
cmd("d", triggers=["1", "k"], opts=O(ignore_changes=["triggers"]))
cmd("e", triggers=["1", "1"], opts=O(ignore_changes=["triggers[*]"]))
cmd("f", environment={"A": "1"}, create="echo 1", opts=O(ignore_changes=["environment"]))
