"""One model of several: what holds for every method, and the affine ones."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from merge_cases import HEAD, SHAPES, tensors, write_base, write_members
from zoo_cases import NLI_LABELS, bert_config, fine_tuned, make_zoo, write_adapter, write_model

from wsgeo.errors import EntryError, WsgeoError
from wsgeo.regions import merge_streams
from wsgeo.regions.affine_merges import (
    GeometricMedian,
    Mean,
    Medoid,
    ModelStock,
    TaskArithmetic,
    Weighted,
)
from wsgeo.regions.fisher_merges import FisherMean
from wsgeo.regions.merging import merge
from wsgeo.regions.sign_merges import Dare, Ties
from wsgeo.regions.tables import CENTROID_LAYERS
from wsgeo.weights import magnitudes
from wsgeo.weights.tensors import read_tensors
from wsgeo.zoo import load_weights, read_zoo

BODY = [name for name in SHAPES if name != HEAD]


def flat(_):
    """Return what reads the same information everywhere."""
    return lambda _, out: out.fill(2.0)


METHODS = [
    Mean(),
    Weighted((3, 1, 2)),
    Medoid(),
    GeometricMedian(),
    TaskArithmetic(0.4),
    ModelStock(),
    ModelStock("tensor"),
    Ties(0.3),
    Dare(0.3, seed=5),
    Dare(0.3, elect=True),
    FisherMean((flat,) * 3),
]


def average(models, name, shares):
    return sum(w * model[name].astype(float) for w, model in zip(shares, models, strict=True))


class TestEveryMethod:
    """What holds whatever the method."""

    @pytest.mark.parametrize(
        "method",
        [
            Mean(), Weighted((7,)), Medoid(), GeometricMedian(), TaskArithmetic(), ModelStock(),
            Ties(1), Dare(1), FisherMean((flat,)),
        ],
        ids=lambda method: method.name,
    )  # fmt: skip
    def test_of_one_member_is_that_member(self, base, members, method):
        """The merge of a single member is the member to the bit."""
        merged = merge(method, members[:1], base)

        assert merged.weights.vector.tobytes() == load_weights(members[0]).vector.tobytes()

    @pytest.mark.parametrize("method", METHODS, ids=lambda method: str(method.parameters))
    def test_slices_do_not_matter(self, base, members, method, monkeypatch):
        """Slices that end inside a row give the same model."""
        whole = merge(method, members, base).weights.vector
        for name, width in (("_LEAST", 1), ("_MOST", 5), ("_ENTRIES", 60)):
            monkeypatch.setattr(merge_streams, name, width)
        monkeypatch.setattr(magnitudes, "_WIDTH", 3)

        np.testing.assert_allclose(merge(method, members, base).weights.vector, whole, rtol=2e-7)

    @pytest.mark.parametrize("method", METHODS[2:-1], ids=lambda method: str(method.parameters))
    def test_the_order_of_members_does_not_matter(self, base, members, method):
        """Another order of the members gives the same model."""
        there, back = (merge(method, each, base).weights for each in (members, members[::-1]))

        np.testing.assert_allclose(there.vector, back.vector, rtol=1e-5, atol=1e-7)

    @pytest.mark.parametrize("method", METHODS, ids=lambda method: str(method.parameters))
    def test_some_tensors(self, base, members, method):
        """Tensors that are not asked for change nothing in the others."""
        whole = merge(method, members, base).weights
        body = merge(method, members, base, BODY).weights

        assert body.layout.names == tuple(BODY)
        for name in BODY:
            np.testing.assert_array_equal(body.tensor(name), whole.tensor(name))

    @pytest.mark.parametrize("method", METHODS[4:-1], ids=lambda method: str(method.parameters))
    def test_what_the_base_lacks_is_averaged(self, base, members, models, method):
        """The head is the plain mean of the heads where a method starts from the base, and said."""
        merged = merge(method, members, base)

        np.testing.assert_allclose(
            merged.weights.tensor(HEAD), average(models, HEAD, [1 / 3] * 3), rtol=1e-6
        )
        assert "1 tensor that the base lacks, such as 'classifier.weight'" in merged.notes[0]

    @pytest.mark.parametrize("method", METHODS[4:-1], ids=lambda method: str(method.parameters))
    def test_a_base_that_is_missing(self, members, method):
        """A method that starts from the base says so where there is none."""
        with pytest.raises(WsgeoError, match=f"{method.name} starts from the base"):
            merge(method, members)

    def test_layers_are_told_with_a_base(self, base, members, models, start):
        """Norms and cosines are those of the task vectors in each layer."""
        layers = merge(Mean(), members, base).layers
        names = [name for name in BODY if "layer.1" in name]
        tau = [np.concatenate([(m[n] - start[n]).ravel() for n in names]) for m in models]
        norms = np.linalg.norm(tau, axis=1)
        cosines = [tau[i] @ tau[j] / (norms[i] * norms[j]) for i, j in ((0, 1), (0, 2), (1, 2))]

        assert layers.schema == CENTROID_LAYERS
        assert layers["layer"].to_list() == ["embeddings", "layer 0", "layer 1"]
        last = layers.row(2, named=True)
        assert last["cosine"] == pytest.approx(np.mean(cosines), rel=1e-5)
        assert np.cos(np.radians(last["angle"])) == pytest.approx(last["cosine"])
        assert last["norm"] == pytest.approx(norms.mean(), rel=1e-5)
        assert last["norm_spread"] == pytest.approx(norms.std() / norms.mean(), rel=1e-4)
        assert last["share"] is None
        assert merge(Mean(), members).layers is None


class TestRefusals:
    """What is never merged."""

    def test_members_of_two_bases(self, tmp_path, base, members):
        """Members of another base, or seen from another base, are refused by name."""
        other = write_base(tmp_path, tensors(7), id_="other")
        mixed = [members[0], replace(members[1], base=other)]

        for group, origin in ((mixed, None), (mixed, base), (members, other)):
            with pytest.raises(WsgeoError, match=r"'base'.*geometry group"):
                merge(Mean(), group, origin)

    def test_members_of_two_geometry_groups(self, members):
        """Groups that reading a zoo has found apart stay apart."""
        with pytest.raises(WsgeoError, match="run-1: its geometry group is g1"):
            merge(Mean(), [members[0], replace(members[1], geometry_group="g1")])

    def test_the_heads_of_two_tasks(self, base, members):
        """Heads of several loss groups are refused, and what they share with the base is not."""
        members = [members[0], replace(members[1], loss_group="g0.l1")]

        with pytest.raises(WsgeoError, match=r"'classifier.weight' in  and g0\.l1"):
            merge(Mean(), members, base)
        assert merge(Mean(), members, base, BODY).weights.layout.names == tuple(BODY)

    def test_other_shapes(self, tmp_path, base, models):
        """A tensor of another shape is named."""
        models[1][HEAD] = np.ones((2, 4), np.float32)
        members = write_members(tmp_path, base, models)

        with pytest.raises(WsgeoError, match=r"run-1: tensor 'classifier.weight' is \(2, 4\)"):
            merge(Mean(), members)

    def test_no_members(self):
        """There is no merge of nobody."""
        with pytest.raises(ValueError, match="at least one member"):
            merge(Mean(), [])

    def test_what_is_not_finite(self, base, members):
        """A result beyond float32 is refused with the name of the tensor."""
        with pytest.raises(
            WsgeoError, match=r"'bert.embeddings.word_embeddings.weight' is not fin"
        ):
            merge(TaskArithmetic(1e40), members, base)

    def test_a_file_that_changed(self, tmp_path, base, members):
        """A file that changed since the zoo was read is refused."""
        path = tmp_path / "run-1.safetensors"
        raw = bytearray(path.read_bytes())
        raw[-3] ^= 1
        path.write_bytes(raw)

        with pytest.raises(EntryError, match="not those that were checked"):
            merge(Mean(), members, base)

    @pytest.mark.parametrize(
        "make",
        [
            lambda: Weighted(()), lambda: Weighted((1, -1)), lambda: Weighted((0, 0)),
            lambda: Weighted((float("nan"), 1)), lambda: TaskArithmetic(float("inf")),
            lambda: ModelStock("row"),
            lambda: GeometricMedian(0), lambda: Ties(0), lambda: Ties(1.1),
            lambda: Dare(scale=float("nan")), lambda: FisherMean((), 0),
        ],
    )  # fmt: skip
    def test_settings_out_of_range(self, make):
        """A method checks its settings when it is made."""
        with pytest.raises(ValueError, match=r"\.$"):
            make()

    def test_weights_of_another_number(self, members):
        """Weights must match the members."""
        with pytest.raises(ValueError, match="3 members need as many weights, not 2"):
            merge(Weighted((1, 2)), members)


@pytest.fixture(scope="module")
def zoo(tmp_path_factory):
    """Give full models with labels in two orders, and adapters, of one base."""
    root = make_zoo(tmp_path_factory.mktemp("merging") / "zoo", n_members=1)
    config = bert_config(labels=NLI_LABELS[::-1])
    turned = fine_tuned(read_tensors(root / "base/model.safetensors"), config, 5)
    write_model(root / "turned", turned, config, facts={"base": "base", "task": "nli"})
    for k in range(2):
        write_adapter(root / f"lora-{k}", "base", bert_config(), seed=k)
        facts = f'{{"labels": {list(NLI_LABELS)}, "task": "nli"}}'.replace("'", '"')
        (root / f"lora-{k}/wsgeo.json").write_text(facts)
    return read_zoo(root).members


class TestMembersOnDisk:
    """Adapters, and labels in another order."""

    @pytest.mark.parametrize("method", [Mean(), Ties(0.5), ModelStock()], ids=lambda m: m.name)
    def test_agree_with_loaded_weights(self, zoo, tmp_path, method):
        """Adapters are merged, and label rows put in order, before members are merged."""
        assert len(zoo) == 4
        assert any(m.label_order not in {(), (0, 1, 2)} for m in zoo)
        merged = merge(method, zoo, zoo[0].base)
        loaded = [load_weights(member) for member in zoo]
        tensors = [{name: each.tensor(name) for name in each.layout.names} for each in loaded]
        heads = {"head": zoo[0].head, "label_rows": zoo[0].label_rows}
        written = write_members(tmp_path, zoo[0].base, tensors, **heads)

        expected = merge(method, written, zoo[0].base)

        np.testing.assert_allclose(
            merged.weights.vector, expected.weights.vector, rtol=1e-5, atol=1e-6
        )
        np.testing.assert_allclose(merged.layers["norm"], expected.layers["norm"], rtol=1e-5)

    def test_the_mean_is_that_of_the_loaded(self, zoo):
        """The mean of adapters is the mean of what they are when merged."""
        adapters = [member for member in zoo if member.adapter is not None]
        stored = [load_weights(member).vector.astype(float) for member in adapters]

        merged = merge(Mean(), adapters).weights

        np.testing.assert_allclose(merged.vector, np.mean(stored, axis=0), atol=1e-7)


@pytest.mark.parametrize("method", [Mean(), Ties(), ModelStock()], ids=lambda m: m.name)
def test_one_model_is_in_memory(tmp_path, method, monkeypatch):
    """The peak is the result and a few slices, whatever the number of members."""
    monkeypatch.setattr(merge_streams, "_ENTRIES", 1 << 16)
    monkeypatch.setattr(merge_streams, "_MOST", 1 << 16)
    monkeypatch.setattr(magnitudes, "_WIDTH", 1 << 16)
    one = {"encoder.layer.0.weight": np.ones((1_000, 1_000), np.float32)}
    base = write_base(tmp_path, one)
    members = write_members(tmp_path, base, [one] * 8)

    tracemalloc.start()
    merge(method, members, base)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < 3 * 4 * 1_000_000
