"""Recipes that make zoos: fine-tuning grids and masked-LM pre-training."""

from wsgeo.training.members import Made, Order, make_member, make_members
from wsgeo.training.recipes import FineTuneRecipe, Optimization, PretrainRecipe
from wsgeo.training.tokenizers import write_tokenizer

__all__ = [
    "FineTuneRecipe",
    "Made",
    "Optimization",
    "Order",
    "PretrainRecipe",
    "make_member",
    "make_members",
    "write_tokenizer",
]
