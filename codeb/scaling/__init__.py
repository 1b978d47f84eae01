"""Whether a pool gets one more server, one less, or stays as it is: pure, from figures that others have read.

The clock, Prometheus and Pulumi are `ops.scaling`'s; here the same figures always lead to the same decision.
"""

from codeb.scaling.decision import Act, Decision, decide
from codeb.scaling.load import Sample, Seen, Situation, look

__all__ = ["Act", "Decision", "Sample", "Seen", "Situation", "decide", "look"]
