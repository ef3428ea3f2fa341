"""Writes that fail."""

import os


def fail_writes(monkeypatch, *, at, code):
    """Let the flush of a file fail from the given one on."""
    from wsgeo import files

    n_calls, flush = 0, files._sync

    def failing(path):
        nonlocal n_calls
        n_calls += 1
        if n_calls > at:
            raise OSError(code, os.strerror(code), str(path))
        flush(path)

    monkeypatch.setattr(files, "_sync", failing)
