import pulumi
from pulumi import ResourceOptions as O
from pulumi_command import local


def cmd(name, create=None, delete=None, opts=None, **kw):
    return local.Command(name, create=create or f'echo +{name} >> order.txt', delete=delete or f'echo -{name} >> order.txt', opts=opts, **kw)


cmd("a", environment={"A": "2", "B": "2"}, opts=O(ignore_changes=["environment.A"]))
cmd("b", environment={"x.y": "2", "z": "1"}, opts=O(ignore_changes=['environment["x.y"]']))
cmd("c", triggers=["2", "k"], opts=O(ignore_changes=["triggers[0]"]))
cmd("d", triggers=["2", "k"], opts=O(ignore_changes=["triggers"]))
cmd("e", triggers=["2", "2"], opts=O(ignore_changes=["triggers[*]"]))
cmd("f", environment={"A": "2"}, create="echo 2", opts=O(ignore_changes=["environment"]))
