"""Recipes that make zoos: fine-tuning grids and masked-LM pre-training."""
