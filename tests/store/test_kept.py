"""How many evaluations a run folder keeps."""

import numpy as np

from wsgeo.evaluation.losses import Losses
from wsgeo.store.kept import count_kept
from wsgeo.store.ledger import Ledger


def test_counts_without_touching(tmp_path):
    """The finished evaluations are counted; a folder that is not there is not made."""
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        for key in "abc":
            ledger.put(key, Losses(np.ones(2, np.float32), np.zeros(2, np.float32)))

    assert count_kept(tmp_path) == 3
    assert count_kept(tmp_path / "new") == 0
    assert not (tmp_path / "new").exists()
