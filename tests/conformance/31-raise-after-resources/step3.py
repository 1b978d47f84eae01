import pulumi
from pulumi import ResourceOptions as O
from pulumi_command import local


def cmd(name, create=None, delete=None, opts=None, **kw):
    return local.Command(name, create=create or f'echo +{name} >> order.txt', delete=delete or f'echo -{name} >> order.txt', opts=opts, **kw)


a = cmd("a", create="sleep 1; echo done >> order.txt")
def boom(_):
    raise ValueError("in apply")


pulumi.export("v", a.id.apply(boom))
