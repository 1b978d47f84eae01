import pulumi
from pulumi import ResourceOptions as O
from pulumi_command import local


def cmd(name, create=None, delete=None, opts=None, **kw):
    return local.Command(name, create=create or f'echo +{name} >> order.txt', delete=delete or f'echo -{name} >> order.txt', opts=opts, **kw)


a = cmd("a", create="echo 1", update="exit 4")
b = cmd("b", create="echo 1", opts=O(depends_on=[a]))
pulumi.export("v", 1)
