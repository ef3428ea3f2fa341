"""Word vectors from co-occurrence."""

from __future__ import annotations

import numpy as np

from wsgeo.training.cooccurrence import rotated, word_vectors

SEPARATOR = 0
TOPICS = ((1, 2, 3, 4), (5, 6, 7, 8))


def text(rng):
    """Return sentences, each of words of one topic."""
    sentences = [
        [*rng.choice(TOPICS[i % 2], 5), SEPARATOR, SEPARATOR, SEPARATOR] for i in range(400)
    ]
    return np.concatenate(sentences).astype(np.uint16)


def cosines(vectors):
    """Return cosines of the words of the topics."""
    words = vectors[1:9]
    words = words / np.linalg.norm(words, axis=1, keepdims=True)
    return words @ words.T


class TestWordVectors:
    """Vectors."""

    def test_places_words_that_occur_together_closer(self, rng):
        """Each word is nearer to every word of its topic than to any of the other."""
        near = cosines(word_vectors(text(rng), 10, 4, skip=[SEPARATOR], window=3))

        assert near[:4, :4].min() > near[:4, 4:].max()
        assert near[4:, 4:].min() > near[4:, :4].max()

    def test_agrees_with_the_formula_on_all_dimensions(self, rng):
        """With every singular value the vectors' Gram matrix is that of the information matrix."""
        ids, n = text(rng), 9
        counts = np.zeros((n, n))
        for distance in (1, 2):
            for i in range(len(ids) - distance):
                if SEPARATOR not in ids[i : i + distance + 1]:
                    a, b = ids[i], ids[i + distance]
                    counts[a, b] += 1
                    counts[b, a] += 1
        total = counts.sum(axis=0) ** 0.75
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.log(counts / counts.sum(axis=1)[:, None] * total.sum() / total)
        information = np.where(counts > 0, np.maximum(ratio, 0), 0)
        u, s, _ = np.linalg.svd(information)
        expected = (u * s) @ u.T

        found = word_vectors(ids, n, 8, skip=[SEPARATOR], window=2).astype(float)
        gram = found @ found.T

        # Vectors are rounded to three decimals.
        assert np.allclose(gram * expected[1, 1] / gram[1, 1], expected, atol=1e-2)

    def test_has_the_size_of_one_where_there_is_a_word(self, rng):
        """Rows of words have a root mean square of 1, others are zero."""
        vectors = word_vectors(text(rng), 12, 4, skip=[SEPARATOR])

        assert np.isclose(np.sqrt(np.mean(vectors[1:9] ** 2)), 1, atol=1e-3)
        assert not vectors[[SEPARATOR, 9, 10, 11]].any()

    def test_is_the_same_each_time(self, rng):
        """No start is drawn at random."""
        ids = text(rng)

        assert np.array_equal(word_vectors(ids, 10, 4), word_vectors(ids, 10, 4))


class TestRotated:
    """Rotations."""

    def test_keeps_angles_and_differs_by_seed(self, rng):
        """Two seeds are two initialisations that know the same."""
        vectors = rng.standard_normal((9, 5)).astype(np.float32)
        one, two = (rotated(vectors, np.random.default_rng(s)) for s in (0, 1))

        assert np.allclose(one @ one.T, vectors @ vectors.T, atol=1e-3)
        assert np.allclose(two @ two.T, vectors @ vectors.T, atol=1e-3)
        assert not np.allclose(one, two, atol=0.1)
