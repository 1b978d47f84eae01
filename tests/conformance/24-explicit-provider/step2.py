import pulumi
from pulumi import ResourceOptions as O
from pulumi_command import local


def cmd(name, create=None, delete=None, opts=None, **kw):
    return local.Command(name, create=create or f'echo +{name} >> order.txt', delete=delete or f'echo -{name} >> order.txt', opts=opts, **kw)


import pulumi_command
p1 = pulumi_command.Provider("p1")
p2 = pulumi_command.Provider("p2")
cmd("x", opts=O(provider=p1))
cmd("y", opts=O(provider=p2))
