import pulumi
from pulumi import ResourceOptions as O
from pulumi_command import local


def cmd(name, create=None, delete=None, opts=None, **kw):
    return local.Command(name, create=create or f'echo +{name} >> order.txt', delete=delete or f'echo -{name} >> order.txt', opts=opts, **kw)


a = cmd("a", triggers=["2"], opts=O(delete_before_replace=True))
b = cmd("b", triggers=[a.id])
c = cmd("c", opts=O(depends_on=[b]))
d = cmd("d", create=pulumi.Output.concat("echo +d-", a.stdout, " >> order.txt"))
e = cmd("e", triggers=[d.id], opts=O(depends_on=[c]))
f = cmd("f", opts=O(depends_on=[a]))
