"""How settings of training go with basins and gaps."""

import itertools

import numpy as np
import polars as pl
import pytest

from wsgeo.graph.associations import MAX_AXES, associate
from wsgeo.graph.contingency import contingency, contingency_p, cramers_v
from wsgeo.graph.mantel import gap_contrast, rank_correlation, smallest_p
from wsgeo.graph.tables import ASSOCIATIONS, CONTINGENCY

NAMES = [f"m{k:02d}" for k in range(12)]
SEEDS = np.repeat([0, 1, 2], 4)
RATES = np.tile([1e-3, 3e-4], 6)


def _gaps(values, rng, between=0.1):
    """Return gaps that are larger between members of different values."""
    n = len(values)
    noise = np.triu(rng.uniform(0, 0.02, (n, n)), 1)
    return noise + noise.T + between * (values[:, None] != values)


def _settings(**axes):
    rows = [
        (name, axis, str(value), float(value) if not isinstance(value, str) else None)
        for axis, values in axes.items()
        for name, value in zip(NAMES, values, strict=False)
        if value is not None
    ]
    return pl.DataFrame(rows, schema=["id", "axis", "value", "number"], orient="row")


def _found(settings, labels=SEEDS, gaps=None, rng=None, n=12):
    gaps = _gaps(SEEDS, np.random.default_rng(0)) if gaps is None else gaps
    labels = dict(zip(NAMES[:n], np.asarray(labels)[:n].tolist(), strict=True))
    return associate(settings, labels, gaps[:n, :n])


def _row(found, axis):
    return found.table.row(by_predicate=pl.col("axis") == axis, named=True)


class TestCramersV:
    """`cramers_v` and its test."""

    def test_is_one_for_a_renaming_and_near_zero_for_chance(self, rng):
        """V is 1 where one label gives the other; among random labels its mean is small."""
        assert cramers_v(contingency(SEEDS, 2 - SEEDS)) == pytest.approx(1)
        drawn = [cramers_v(contingency(SEEDS, rng.permutation(SEEDS))) for _ in range(200)]
        assert np.mean(drawn) < 0.25

    def test_agrees_with_the_plain_formula(self, rng):
        """Chi-squared, its bias and the corrected sizes are those of the definition."""
        rows, columns = rng.integers(0, 3, 40), rng.integers(0, 4, 40)
        counts = contingency(rows, columns)
        n, (r, k) = 40, counts.shape
        chi = sum(
            (counts[i, j] - (e := (rows == i).sum() * (columns == j).sum() / n)) ** 2 / e
            for i in range(r)
            for j in range(k)
        )
        phi = max(0, chi / n - (r - 1) * (k - 1) / (n - 1))
        least = min(r - (r - 1) ** 2 / (n - 1), k - (k - 1) ** 2 / (n - 1))

        assert cramers_v(counts) == pytest.approx(np.sqrt(phi / (least - 1)))

    @pytest.mark.parametrize("counts", [[[5, 4]], [[5], [4]], np.eye(5, dtype=int), [[1, 1]]])
    def test_does_not_exist_without_two_labels_that_repeat(self, counts):
        """One label, or a label of its own for each member, has no V."""
        assert cramers_v(np.asarray(counts)) is None

    def test_p_value_is_uniform_without_association(self):
        """Of random labels about one in ten has a p-value of at most 0.1."""
        rng = np.random.default_rng(3)
        labels = np.repeat([0, 1], 10)
        p = [contingency_p(labels, rng.permutation(labels), rng=rng) for _ in range(150)]

        assert np.mean(np.array(p) <= 0.1) < 0.2
        assert contingency_p(labels, labels, rng=rng) == 1 / 2000


class TestGapContrast:
    """`gap_contrast`."""

    def test_agrees_with_every_pair_and_every_dealing(self):
        """Means are those of the pairs; p tends to the share of all dealings."""
        rng = np.random.default_rng(1)
        values = np.array([0, 0, 0, 1, 1, 1])
        gaps = _gaps(values, rng, between=0.004)
        pairs = list(itertools.combinations(range(6), 2))

        def plain(v):
            means = {
                same: np.mean([gaps[i, j] for i, j in pairs if (v[i] == v[j]) == same])
                for same in (True, False)
            }
            return means[True], means[False], means[False] - means[True]

        found = gap_contrast(values, gaps, rng=rng)
        every = [abs(plain(values[list(d)])[2]) for d in itertools.permutations(range(6))]

        assert (found.within, found.between, found.difference) == pytest.approx(plain(values))
        share = np.mean(np.array(every) >= abs(found.difference) - 1e-12)
        assert found.p_value == pytest.approx(share, abs=0.04)
        assert found.low < found.difference < found.high

    def test_a_missing_pair_does_not_count(self, rng):
        """Pairs without a gap enter no mean."""
        gaps = _gaps(SEEDS, rng)
        holed = gaps.copy()
        holed[0, 1] = holed[1, 0] = np.nan
        inside = [gaps[i, j] for i, j in itertools.combinations(range(12), 2)
                  if SEEDS[i] == SEEDS[j] and (i, j) != (0, 1)]  # fmt: skip

        assert gap_contrast(SEEDS, holed, rng=rng).within == pytest.approx(np.mean(inside))

    def test_without_one_kind_of_pair_there_is_no_difference(self, rng):
        """Where each member has its own value, or nothing was measured, nothing is tested."""
        own = gap_contrast(np.arange(12), _gaps(SEEDS, rng), rng=rng)
        nothing = gap_contrast(SEEDS, np.full((12, 12), np.nan), rng=rng)

        assert own.within is None
        assert own.between is not None
        assert own.p_value is None
        assert nothing.between is None

    def test_smallest_p_counts_the_ways_to_part(self):
        """Three and three of six can be parted in ten ways, one and three of four in four."""
        assert smallest_p(np.repeat([0, 1], 3)) == pytest.approx(1 / 10)
        assert smallest_p(np.array([0, 1, 1, 1])) == pytest.approx(1 / 4)


class TestRankCorrelation:
    """`rank_correlation`."""

    def test_gaps_that_grow_with_the_difference_have_rho_one(self, rng):
        """Any rising function of the difference gives rho 1, a falling one -1."""
        numbers = np.array([0, 1, 3, 7, 15, 31, 63.0])
        far = np.abs(numbers[:, None] - numbers)

        rho, p_value = rank_correlation(numbers, np.sqrt(far), rng=rng)
        falling, _ = rank_correlation(numbers, 1 / (1 + far), rng=rng)

        assert rho == pytest.approx(1)
        assert p_value < 0.01
        assert falling == pytest.approx(-1)

    def test_nothing_to_rank_gives_none(self, rng):
        """Equal gaps, or no gap at all, have no correlation."""
        numbers = np.arange(5.0)

        assert rank_correlation(numbers, 1 - np.eye(5), rng=rng) is None
        assert rank_correlation(numbers, np.full((5, 5), np.nan), rng=rng) is None


class TestAssociate:
    """`associate`."""

    def test_says_which_setting_basins_follow(self):
        """Of a seed that makes the basins and a rate that does not, only the seed is named."""
        found = _found(_settings(seed=SEEDS, learning_rate=RATES))
        seed, rate = _row(found, "seed"), _row(found, "learning_rate")

        assert found.table.schema == ASSOCIATIONS
        assert found.contingency.schema == CONTINGENCY
        assert seed["cramers_v"] == pytest.approx(1)
        assert seed["q_value"] <= 0.05 < rate["q_value"]
        assert seed["difference_lo"] > 0
        assert seed["spearman"] is None  # the distance of two seeds means nothing
        assert found.sentences[0].startswith("Basins follow the seed: Cramer's V 1.00, p = 0.0")
        assert len(found.sentences) == 1
        assert found.contingency.filter(axis="seed")["n"].to_list() == [4, 4, 4]

    def test_nothing_is_claimed_of_chance(self):
        """Where no setting made the basins, the sentence says that none goes with them."""
        found = _found(_settings(seed=np.tile([0, 1, 2], 4), learning_rate=RATES))

        assert found.sentences == ("No setting goes with the basins.",)

    def test_a_repeated_setting_is_no_further_test(self):
        """A setting that parts the members alike is said so, and correction counts it once."""
        letters = [f"run{k}" for k in SEEDS]
        once = _found(_settings(seed=SEEDS, learning_rate=RATES))
        twice = _found(_settings(seed=SEEDS, learning_rate=RATES, trajectory=letters))

        assert _row(twice, "trajectory")["same_as"] == "seed"
        assert _row(twice, "trajectory")["q_value"] == _row(twice, "seed")["q_value"]
        assert _row(once, "seed")["q_value"] == pytest.approx(
            2 * _row(once, "seed")["p_value"], rel=0.01
        )
        assert "or trajectory, which parts the members alike" in twice.sentences[0]

    def test_noise_and_unknown_members_are_left_out_and_counted(self):
        """A member in no basin does not enter V, one without a value enters nothing."""
        labels = SEEDS.copy()
        labels[0] = -1
        found = _found(_settings(seed=[*SEEDS[:11], None]), labels)
        row = _row(found, "seed")

        assert row["n_members"] == 11
        assert "1 member without a value left out." in row["note"]
        assert "1 member in no basin left out of V." in row["note"]
        assert found.contingency.filter(pl.col("label") == -1)["n"].to_list() == [1]

    def test_without_basins_the_gaps_are_still_compared(self):
        """With one group V is null and said so; gaps that go with the seed are told."""
        found = _found(_settings(seed=SEEDS), np.zeros(12, int))
        row = _row(found, "seed")

        assert row["cramers_v"] is None
        assert row["mantel_q"] <= 0.05
        assert "no two basins" in row["note"]
        assert found.sentences[0].startswith("Gaps go with the seed: the mean gap is")

    @pytest.mark.parametrize("n", [1, 2, 3, 4])
    def test_few_members_give_a_sentence(self, n):
        """The smallest zoos are no error; nothing is claimed of them."""
        found = _found(_settings(seed=np.arange(12), learning_rate=RATES), n=n)

        assert not any(word in found.sentences[0] for word in ("follow", "Gaps go"))
        if n in (2, 3):
            assert "too few to test" in _row(found, "seed")["note"]

    def test_no_known_setting_gives_a_sentence(self):
        """Where nothing varies there are no rows."""
        found = _found(_settings(seed=np.zeros(12)))

        assert found.table.is_empty()
        assert found.sentences == ("The members differ in no known setting.",)

    def test_settings_beyond_the_bound_are_counted(self):
        """A file that declares a hundred settings does not make a hundred tests."""
        many = {f"x{k}": np.arange(12) % 2 for k in range(MAX_AXES + 3)}
        found = _found(_settings(**many))

        assert found.table.height == MAX_AXES
        assert found.sentences[-1] == "3 further settings not compared."

    def test_is_the_same_again(self):
        """The same seed gives the same table."""
        settings = _settings(seed=SEEDS, learning_rate=RATES)

        assert _found(settings).table.equals(_found(settings).table)
