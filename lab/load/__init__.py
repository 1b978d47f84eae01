"""Load on an app of the lab from well-kept tools (vegeta, websockets, curl), and what became of every request and stream.

with Load(Target("shop.lab.test", "10.77.0.2", paths.CA_CERTIFICATE)) as load:
    release()
assert load.result.failed == 0
"""

from lab.load.errors import LoadError
from lab.load.run import Load, Result
from lab.load.surface import CORE_CMS, PROBE, Shape, Surface
from lab.load.target import Target

__all__ = ["CORE_CMS", "PROBE", "Load", "LoadError", "Result", "Shape", "Surface", "Target"]
