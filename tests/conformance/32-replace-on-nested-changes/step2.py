import pulumi
from pulumi import ResourceOptions as O
from pulumi_command import local


def cmd(name, create=None, delete=None, opts=None, **kw):
    return local.Command(name, create=create or f'echo +{name} >> order.txt', delete=delete or f'echo -{name} >> order.txt', opts=opts, **kw)


cmd("a", environment={"A": "2", "B": "1"}, opts=O(replace_on_changes=["environment.A"]))
cmd("b", create="echo 2", opts=O(replace_on_changes=["*"]))
cmd("c", create="echo 2", opts=O(replace_on_changes=["create"], delete_before_replace=True))
cmd("d", environment={"A": "1", "B": "2"}, opts=O(replace_on_changes=["environment.A"]))
