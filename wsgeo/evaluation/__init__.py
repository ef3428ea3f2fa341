"""Losses of a weight vector on a task: backends, workers, gates."""
