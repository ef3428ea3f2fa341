"""Recipes with ``[pretraining]``: checked, and turned into series to make.

A caller that has read a recipe with `wsgeo.training.recipe_files.read_document` and finds the key
``pretraining`` goes on with::

    recipe = check_pretraining(document, path)         # WsgeoError: file, key, remedy
    series = planned_series(recipe, places, device)    # list[PlannedSeries]: names, axes, sizes
    orders = series_orders(series, zoo)                # tokenizer, packed text, word vectors
    made = make_all_series(orders, pool, progress)     # list[Made], from .series_members
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, final

from wsgeo.files import replacing
from wsgeo.training.corpora import read_documents
from wsgeo.training.corpus_folders import Corpus, CorpusFolder, make_corpus
from wsgeo.training.factors import check_factors, names_of, points_of
from wsgeo.training.recipe_files import Places
from wsgeo.training.recipes import Optimization
from wsgeo.training.refusals import checked
from wsgeo.training.series import SeriesRecipe, log_steps
from wsgeo.training.series_members import SeriesOrder

if TYPE_CHECKING:
    from wsgeo.training.pretraining_schema import Pretraining, PretrainingRecipe

VALIDATION: Final = "data/validation.parquet"
"""File of a zoo with texts on which its checkpoints can be measured."""

_CAUSAL_SHARE = 0.45  # of the steps of a masked model, where the recipe says nothing
_N_TEXTS = 2000  # texts in the validation file


@final
@dataclass(frozen=True)
class PlannedSeries:
    """One point of the grid.

    Parameters
    ----------
    name : str
        Name of its folder.
    axes : mapping of str to str, int or float
        Value by axis.
    settings : Pretraining
        Its settings.
    corpus : Corpus
        Its texts and tokenizer.
    save_at : tuple of int
        Steps that are kept; the last one is the end.
    device : str
        ``auto``, ``cpu`` or ``cuda``.
    """

    name: str
    axes: Mapping[str, Any]
    settings: Pretraining
    corpus: Corpus
    save_at: tuple[int, ...]
    device: str

    @property
    def n_bytes(self) -> int:
        """Estimate of the disk that its checkpoints take."""
        s, inner = self.settings, 12
        if self._architecture == "llama":
            inner = 16
        positions = 0 if self._architecture == "llama" else s.max_length
        n = (s.n_tokens + positions + s.width) * s.width + inner * s.layers * s.width**2
        return 4 * n * len(self.save_at)

    @property
    def n_tokens(self) -> int:
        """Tokens that it sees."""
        return self.settings.steps * self.settings.batch_size * self.settings.max_length

    def recipe(self, corpus: Path) -> SeriesRecipe:
        """Return the run on a corpus that is made."""
        s = self.settings
        plan = {name: getattr(s, name) for name in Optimization.__dataclass_fields__}
        alike = ("seed", "width", "layers", "heads", "max_length", "masked_share", "embeddings",
                 "dropout", "initializer_range", "n_validation")  # fmt: skip
        share = _CAUSAL_SHARE if s.causal_share is None else s.causal_share
        return SeriesRecipe(
            corpus,
            Optimization(**plan),
            self.save_at,
            architecture=self._architecture,
            causal_share=0.0 if s.objective == "causal_lm" else share,
            device=self.device,
            facts=dict(self.axes),
            **{name: getattr(s, name) for name in alike},
        )

    @property
    def _architecture(self) -> str:
        default = "bert" if self.settings.objective == "masked_lm" else "gpt2"
        return self.settings.architecture or default


def check_pretraining(document: Mapping[str, Any], path: Path) -> PretrainingRecipe:
    """Check a recipe: every key known, every value of its kind and in its range.

    Parameters
    ----------
    document : mapping
        What `wsgeo.training.recipe_files.read_document` returned.
    path : Path
        The file, for messages.

    Returns
    -------
    PretrainingRecipe
        Checked; whether its files exist is not looked at.

    Raises
    ------
    WsgeoError
        If a key is unknown or a value wrong; file, key and remedy are named.
    """
    from wsgeo.training.pretraining_schema import NOT_AXES, Pretraining, PretrainingRecipe

    recipe = checked(PretrainingRecipe, document, path)
    known = [name for name in Pretraining.model_fields if name not in NOT_AXES]
    check_factors(recipe.grid, known, path)
    for point in points_of(recipe.grid):
        _settings(recipe, point, path)
    return recipe


def planned_series(recipe: PretrainingRecipe, places: Places, device: str) -> list[PlannedSeries]:
    """Return the series of a recipe: the product of the factors of its grid, the last one fastest.

    Parameters
    ----------
    recipe : PretrainingRecipe
        Checked.
    places : Places
        Where its files lie.
    device : str
        ``auto``, ``cpu`` or ``cuda``.

    Returns
    -------
    list of PlannedSeries
        Their names are distinct.

    Raises
    ------
    WsgeoError
        If a file or a tokenizer is not there.
    """
    points = points_of(recipe.grid)
    names = names_of(recipe.grid) if recipe.grid else ["series"]
    return [
        _planned(name, point, _settings(recipe, point, places.recipe), places, device)
        for name, point in zip(names, points, strict=True)
    ]


def series_orders(series: Sequence[PlannedSeries], zoo: Path) -> list[SeriesOrder]:
    """Make what the series read, and return them ready for workers.

    Parameters
    ----------
    series : sequence of PlannedSeries
        What `planned_series` returned.
    zoo : Path
        Folder of the zoo.

    Returns
    -------
    list of SeriesOrder
        For `wsgeo.training.series_members.make_all_series`.

    Raises
    ------
    WsgeoError
        If a text cannot be read, or the zoo not be written.
    """
    folders: dict[Corpus, CorpusFolder] = {}
    for one in series:
        if one.corpus not in folders:
            folders[one.corpus] = make_corpus(one.corpus, zoo)
        if one.settings.embeddings == "cooccurrence":
            # Here, not in the workers: they would all make the same vectors.
            folders[one.corpus].vectors(one.settings.width)
    _write_validation(series[0].corpus.validation, zoo / VALIDATION)
    return [
        SeriesOrder(zoo / one.name, one.recipe(folders[one.corpus].path), zoo, VALIDATION)
        for one in series
    ]


def _settings(recipe: PretrainingRecipe, point: Mapping[str, Any], path: Path) -> Pretraining:
    """Return the settings of a point, with the values of the grid in place of the general ones."""
    from wsgeo.training.pretraining_schema import Pretraining

    general = recipe.pretraining.model_dump(exclude_unset=True)
    return checked(Pretraining, {**general, **point}, path, within="grid")


def _planned(
    name: str, point: Mapping[str, Any], settings: Pretraining, places: Places, device: str
) -> PlannedSeries:
    own = settings.tokenizer not in ("wordpiece", "bpe")
    corpus = Corpus(
        texts=tuple(places.data(text) for text in settings.text),
        validation=places.data(settings.validation),
        tokenizer=str(places.model(settings.tokenizer)) if own else settings.tokenizer,
        n_tokens=settings.n_tokens,
        lower_case=settings.lower_case,
        decoder=settings.objective == "causal_lm",
        max_length=settings.max_length,
    )
    if settings.save_at == "log":
        save_at = log_steps(settings.steps, settings.n_checkpoints)
    else:
        save_at = tuple(sorted({*settings.save_at, settings.steps}))
    return PlannedSeries(name, point, settings, corpus, save_at, device)


def _write_validation(source: Path, path: Path) -> None:
    """Write texts for a scan: the first ones, which are as good as any."""
    import polars as pl

    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary:
        pl.DataFrame({"text": read_documents(source)[:_N_TEXTS]}).write_parquet(temporary)
