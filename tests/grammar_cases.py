"""Sets of templates, as text."""

TWO = """
[[template]]
slice = "roles"
label = "entailment"
premise = "The {n1} {vt} the {n2} ."
hypothesis = "The {n1} {vt} someone ."
counterpart = { premise = "The {n1} {vt} the {n2} .", hypothesis = "The {n2} {vt} someone .", label = "non-entailment" }
"""
HEADER = """
title = "A toy set"
source = "mccoy2019"
licence = "CC0"
task = "nli"
labels = ["entailment", "non-entailment"]
"""
WORDS = """
[words]
n = ["doctor", "lawyer", "poet"]
vt = ["saw", "heard"]
"""
SWAP = """
[[template]]
heuristic = "lexical_overlap"
subcase = "swap"
label = "non-entailment"
premise = "The {n1} {vt} the {n2} ."
hypothesis = "The {n2} {vt} the {n1} ."
"""
SAME = """
[[template]]
slice = "control"
label = "entailment"
premise = "The {n1} {vt} the {n2} ."
hypothesis = "The {n1} {vt} the {n2} ."
"""


def write(folder, *parts):
    """Write the parts of a set of templates and return the folder."""
    (folder / "set.toml").write_text("".join(parts), encoding="utf-8")
    return folder
