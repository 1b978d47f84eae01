import pulumi
from pulumi import ResourceOptions as O
from pulumi_command import local


def cmd(name, create=None, delete=None, opts=None, **kw):
    return local.Command(name, create=create or f'echo +{name} >> order.txt', delete=delete or f'echo -{name} >> order.txt', opts=opts, **kw)


s = cmd("s", triggers=["2"])
db = cmd("db", triggers=[s.id], opts=O(deleted_with=s))
late = cmd("late", triggers=[db.id])
same = cmd("same", opts=O(deleted_with=s))
