import pulumi
from pulumi import ResourceOptions as O
from pulumi_command import local


def cmd(name, create=None, delete=None, opts=None, **kw):
    return local.Command(name, create=create or f'echo +{name} >> order.txt', delete=delete or f'echo -{name} >> order.txt', opts=opts, **kw)


class Box(pulumi.ComponentResource):
    def __init__(self, name, opts=None):
        super().__init__("codeb:test:Box", name, None, opts)
        self.a = cmd(f"{name}-a", create="echo changed; exit 9", opts=O(parent=self))
        self.b = cmd(f"{name}-b", create="echo b >> order.txt", opts=O(parent=self, depends_on=[self.a]))
        self.register_outputs({"a": self.a.stdout})


first, second = Box("first"), cmd("free")
third = Box("third", O(depends_on=[first]))
pulumi.export("free", second.stdout)
pulumi.export("a", first.a.stdout)
