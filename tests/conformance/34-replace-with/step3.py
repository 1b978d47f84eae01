import pulumi
from pulumi import ResourceOptions as O
from pulumi_command import local


def cmd(name, create=None, delete=None, opts=None, **kw):
    return local.Command(name, create=create or f'echo +{name} >> order.txt', delete=delete or f'echo -{name} >> order.txt', opts=opts, **kw)


s = cmd("s", triggers=["2"])
r = cmd("r", opts=O(replace_with=[s]))
t = cmd("t", opts=O(replacement_trigger="2"))
