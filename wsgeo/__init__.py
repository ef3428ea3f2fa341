"""Weight-space geometry of model zoos."""

__version__ = "0.1.0"
