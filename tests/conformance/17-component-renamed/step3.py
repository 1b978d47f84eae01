import pulumi
from pulumi import ResourceOptions as O
from pulumi_command import local


def cmd(name, create=None, delete=None, opts=None, **kw):
    return local.Command(name, create=create or f'echo +{name} >> order.txt', delete=delete or f'echo -{name} >> order.txt', opts=opts, **kw)


class Tree(pulumi.ComponentResource):
    def __init__(self, name, opts=None, kind="codeb:test:Tree", props=None):
        super().__init__(kind, name, props, opts)
        self.c = cmd(f"{name}-c", opts=O(parent=self, aliases=getattr(self, "child_aliases", None)))
        self.register_outputs({"out": self.c.stdout})


Tree("new", O(aliases=[pulumi.Alias(type_="codeb:test:Tree")]), kind="codeb:test:Bush")
