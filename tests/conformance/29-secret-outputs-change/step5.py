import pulumi
from pulumi import ResourceOptions as O
from pulumi_command import local


def cmd(name, create=None, delete=None, opts=None, **kw):
    return local.Command(name, create=create or f'echo +{name} >> order.txt', delete=delete or f'echo -{name} >> order.txt', opts=opts, **kw)


a = cmd("a", create=pulumi.Output.secret("echo y"))
pulumi.export("a", a.stdout)
