"""What ``wsgeo.json`` of a centroid holds: where it comes from, for programs."""

from __future__ import annotations

from wsgeo.regions.cards import TORCH_NAMES, Origin, head_policy
from wsgeo.regions.staging import KIND
from wsgeo.regions.tables import finite
from wsgeo.version import __version__
from wsgeo.weights.precision import StoredType


def provenance(origin: Origin, labels: tuple[str, ...], dtype: StoredType) -> dict[str, object]:
    """Return what ``wsgeo.json`` of a centroid holds.

    Parameters
    ----------
    origin : Origin
        Where it comes from.
    labels : tuple of str
        Label names in the order of its head; empty for language models.
    dtype : {"F32", "F16", "BF16"}
        The type of the weights in its file.

    Returns
    -------
    dict
        Ready for strict JSON; unknown figures are None.
    """
    plan, evidence = origin.plan, origin.evidence
    facts = {"base": origin.base, "task": origin.task, "data": origin.data}
    return {
        "kind": KIND,
        "wsgeo": __version__,
        "method": f"centroid ({plan.title})",
        **{name: value for name, value in facts.items() if value is not None},
        **({"labels": list(labels)} if labels else {}),
        "dtype": TORCH_NAMES[dtype],
        "centroid": {"name": plan.name, "level": plan.level, "group": plan.group},
        "merge": {
            "method": plan.method,
            "parameters": dict(plan.parameters),
            "head": head_policy(plan)[0],
        },
        "members": [
            {
                "id": member,
                "source": origin.source(member),
                "content_hash": origin.hashes.get(member),
                "share": share,
            }
            for member, share in zip(plan.members, plan.weights, strict=True)
        ],
        "evidence": {
            "loss": finite(evidence.loss),
            "metric": finite(evidence.metric),
            "medoid": evidence.medoid,
            "best_member": evidence.best_member,
            "largest_gap_inside": finite(evidence.largest_gap_inside),
            **({"missing": evidence.missing} if evidence.missing else {}),
            **({"caveat": evidence.caveat} if evidence.caveat else {}),
        },
        "command": list(origin.command),
        "notes": list(origin.notes),
    }
