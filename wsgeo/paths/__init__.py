"""Paths through weight space, the loss along them, and what a barrier is."""
