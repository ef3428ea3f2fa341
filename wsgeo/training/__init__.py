"""Recipes that make zoos: fine-tuning grids, and pre-training of language models."""

from wsgeo.training.crews import Made, Running, Standing
from wsgeo.training.members import Order, make_member, make_members
from wsgeo.training.methods import METHODS, AbstractMethod
from wsgeo.training.recipes import FineTuneRecipe, Optimization, PretrainRecipe
from wsgeo.training.series import SeriesRecipe, log_steps
from wsgeo.training.series_members import SeriesOrder, make_all_series, make_series
from wsgeo.training.tokenizers import write_tokenizer

__all__ = [
    "METHODS",
    "AbstractMethod",
    "FineTuneRecipe",
    "Made",
    "Optimization",
    "Order",
    "PretrainRecipe",
    "Running",
    "SeriesOrder",
    "SeriesRecipe",
    "Standing",
    "log_steps",
    "make_all_series",
    "make_member",
    "make_members",
    "make_series",
    "write_tokenizer",
]
