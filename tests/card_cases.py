"""Where a centroid comes from, made up, with names that would fool a card."""

from wsgeo.regions.cards import Origin
from wsgeo.regions.tables import CentroidPlan, Evidence

HOSTILE = (
    "<script>alert(1)</script>",
    "a | b",
    '"\n- evil: true\n"',
    "[click](javascript:alert(1))",
    "```\n# heading",
    "\u202eevil\x1b[31m",
    "'; rm -rf ~ #",
    "--- \nlicense: mit",
    "naïve-模型-\U0001f600",
    "raw-\udc80-bytes",
    "www.evil.example",
)


def origin(members=("seed-0", "seed-1"), **kwargs) -> Origin:
    """Give the origin of a mean of members, measured."""
    plan = CentroidPlan("basin-0", "basin", "0", "mean", tuple(members))
    losses = {member: 0.1 * i for i, member in enumerate(members)}
    evidence = Evidence(0.25, 0.9, losses, losses, members[-1], 0.02)
    return Origin(plan, evidence, **kwargs)
