"""``wsgeo train``: a recipe becomes a zoo."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from wsgeo.progress import Progress
from wsgeo.training import Made, Order, make_members
from wsgeo.training.crews import Watch
from wsgeo.training.finished import are_whole
from wsgeo.training.members import diverged
from wsgeo.training.recipe_files import Places, read_document
from wsgeo.workflows.drafting import Draft, draft_of
from wsgeo.workflows.planning import plan_fine_tuning
from wsgeo.workflows.training_plans import TrainingPlan
from wsgeo.workflows.zoo_claims import check_same, claimed
from wsgeo.workflows.zoo_notes import member_folders, own_notes, write_notes
from wsgeo.workflows.zoo_work import LOST, RESULTS, Listeners, usual_jobs, work_through

PRETRAINING: Final = "pretraining"
"""Key of a recipe that makes series of pre-trained models."""


def train(
    recipe: str | Path,
    out: str | Path,
    *,
    data_root: str | Path | None = None,
    weights_root: str | Path | None = None,
    overrides: Sequence[str] = (),
    device: str = "auto",
    jobs: int | None = None,
    progress: Progress | None = None,
    watch: Watch | None = None,
    announce: Callable[[str], None] | None = None,
) -> dict[str, Any]:
    r"""Make the zoo of a recipe; what is finished is kept.

    A member that diverged is not made again by the same recipe; remove ``.unfinished/<its name>`` in
    the zoo to have it tried again.

    Parameters
    ----------
    recipe : str or Path
        TOML file; its keys are in ``docs/formats.md``.
    out : str or Path
        Folder of the zoo.
    data_root, weights_root : str or Path, optional
        Folders below which the recipe's data and bases lie, where they do not lie beside it.
    overrides : sequence of str
        ``key=value`` in place of what the recipe says, such as ``training.steps=50``.
    device : str, default 'auto'
        ``auto`` (a GPU where there is one), ``cpu`` or ``cuda``.
    jobs : int, optional
        Single-threaded workers; default one per core, and one on a GPU.
    progress : Progress, optional
        Told how many members are done.
    watch : callable, optional
        Told about once a second how the members in work get on, as a `wsgeo.training.Standing`.
    announce : callable, optional
        Told what comes next, in sentences.

    Returns
    -------
    dict
        ``zoo``, ``members`` (``name``, ``status``, ``reason``, ``steps``, ``folders``, ``train_loss``,
        ``validation_loss``, ``validation_metric``, ``seconds``), ``data`` (``file``, ``n``,
        ``labels``, ``n_mixed``, ``n_dropped``, ``n_seen``, ``n_truncated``, ``longest_input`` in
        tokens), ``notices`` (sentences), ``seconds``, ``next`` (a command) and ``exit_code`` (4 where
        a member has no model).

    Raises
    ------
    WsgeoError
        If the recipe is wrong, a file is missing, or the folder holds a zoo of another recipe.

    References
    ----------
    [juneja2022]_, [qin2022]_, [gueta2023]_, [verma2024]_

    Examples
    --------
    >>> import tempfile
    >>> settings = (
    ...     'pretraining = { text = "text.txt", validation = "text.txt", n_tokens = 40, steps = 4, '
    ...     'layers = 1, width = 8, heads = 1, max_length = 8, embeddings = "random" }'
    ... )
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     recipe = Path(folder) / "recipe.toml"
    ...     _ = recipe.with_name("text.txt").write_text("the otter sleeps\n" * 99)
    ...     _ = recipe.write_text(settings + "\ngrid = { seed = [0, 1] }")
    ...     found = train(recipe, Path(folder) / "zoo", jobs=0)
    >>> [(member["name"], member["status"], member["steps"]) for member in found["members"]]
    [('seed0', 'trained', 4), ('seed1', 'trained', 4)]
    """
    started = time.monotonic()
    zoo, places = Path(out), _places(recipe, data_root, weights_root)
    document = read_document(places.recipe, overrides)
    listeners = Listeners(announce or (lambda _: None), progress, watch)
    jobs = usual_jobs(device) if jobs is None else jobs
    if PRETRAINING in document:
        from wsgeo.workflows.making_series import pretrain, series_of

        series = series_of(document, places, device)
        with claimed(zoo, document, places.recipe, overrides):
            return pretrain(series, zoo, jobs=jobs, listeners=listeners)
    draft = draft_of(document, places, zoo, device)
    with claimed(zoo, document, places.recipe, overrides):
        draft.write_inputs()
        made: list[Made] = []
        try:
            made = work_through(
                draft.orders, make_members, _is_settled,
                jobs=jobs, nouns=("member", "members"), listeners=listeners,
            )  # fmt: skip
        finally:
            write_notes(zoo, draft.recipe.title, draft.planned, _lost(draft.orders, made))
    return _summary(draft, made, time.monotonic() - started)


def plan_training(
    recipe: str | Path,
    out: str | Path,
    *,
    data_root: str | Path | None = None,
    weights_root: str | Path | None = None,
    overrides: Sequence[str] = (),
    device: str = "auto",
    jobs: int | None = None,
) -> TrainingPlan:
    """Say what `train` would do and cost; nothing is written to the zoo.

    Parameters
    ----------
    recipe, out, data_root, weights_root, overrides, device, jobs
        As in `train`.

    Returns
    -------
    TrainingPlan
        Members, updates, and estimates of time and disk, from a few updates of the real model.

    Raises
    ------
    WsgeoError
        As in `train`.
    """
    zoo, places = Path(out), _places(recipe, data_root, weights_root)
    document = read_document(places.recipe, overrides)
    check_same(zoo, document)
    jobs = usual_jobs(device) if jobs is None else jobs
    if PRETRAINING in document:
        from wsgeo.workflows.making_series import series_of
        from wsgeo.workflows.planning_series import plan_series

        return plan_series(series_of(document, places, device), zoo, jobs)
    return plan_fine_tuning(draft_of(document, places, zoo, device), jobs)


def _is_settled(order: Order) -> bool:
    """Tell whether a member is finished, or known to diverge."""
    return are_whole(order.folders.values()) or bool(diverged(order))


def _lost(orders: Sequence[Order], made: Sequence[Made]) -> dict[str, str]:
    """Return why members have no model; those on record too, for ``made`` may have been cut off."""
    on_record = {order.folder.name: diverged(order) for order in orders}
    failed = {m.folder.name: f"{m.status}: {m.reason}" for m in made if m.status in LOST}
    return {name: f"nonfinite: {why}" for name, why in on_record.items() if why} | failed


def _places(
    recipe: str | Path, data_root: str | Path | None, weights_root: str | Path | None
) -> Places:
    data, weights = (None if root is None else Path(root) for root in (data_root, weights_root))
    return Places(Path(recipe), data, weights)


def _summary(draft: Draft, made: Sequence[Made], seconds: float) -> dict[str, Any]:
    """Return what was made as plain values."""
    members = [
        {
            "name": planned.cell.name,
            "status": outcome.status,
            "reason": outcome.reason,
            "steps": planned.steps,
            "folders": member_folders(draft.zoo, planned),
            **{name: getattr(outcome, name) for name in RESULTS},
        }
        for planned, outcome in zip(draft.planned, made, strict=True)
    ]
    lost = any(member["status"] in LOST for member in members)
    return {
        "zoo": str(draft.zoo),
        "members": members,
        "data": _data_rows(draft),
        "notices": draft.notices(),
        "seconds": round(seconds, 1),
        "next": f"wsgeo scan {draft.zoo}",
        "exit_code": 4 if lost else 0,
    }


def _data_rows(draft: Draft) -> list[dict[str, Any]]:
    """Return what the files of data hold, and how many of their texts a member saw cut, at most."""
    cut: dict[str, tuple[int, int]] = {}
    for order in draft.orders:
        notes = own_notes(order.folder)
        for split, n in notes.get("n_truncated", {}).items():
            file = notes["data"][split]
            cut[file] = max(cut.get(file, (0, 0)), (n, notes["longest_input"]))
    return [
        {**row, "n_truncated": n, "longest_input": longest}
        for row in draft.data_rows()
        for n, longest in [cut.get(row["file"], (0, 0))]
    ]
