import pulumi
from pulumi import ResourceOptions as O
from pulumi_command import local


def cmd(name, create=None, delete=None, opts=None, **kw):
    return local.Command(name, create=create or f'echo +{name} >> order.txt', delete=delete or f'echo -{name} >> order.txt', opts=opts, **kw)


a = cmd("a", create="echo ok", delete="echo -a >> order.txt", triggers=["2"], opts=O(delete_before_replace=False))
b = cmd("b", triggers=[a.id])
