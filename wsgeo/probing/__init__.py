"""Diagnostic sets to score table to what a basin's strategy is."""
