import pulumi
from pulumi import ResourceOptions as O
from pulumi_command import local


def cmd(name, create=None, delete=None, opts=None, **kw):
    return local.Command(name, create=create or f'echo +{name} >> order.txt', delete=delete or f'echo -{name} >> order.txt', opts=opts, **kw)


a = cmd("a", triggers=["1"])
b = cmd("b", triggers=[a.id])
c = cmd("c", triggers=[b.id], opts=O(delete_before_replace=False))
d = cmd("d", triggers=[c.id])
