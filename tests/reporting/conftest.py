"""Fixtures of the report's tests; the made-up tables live beside, in ``report_cases.py``."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
