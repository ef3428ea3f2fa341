"""Where the points of a region lie, what they are made of, and what is told of them."""

import dataclasses

import numpy as np
import pytest
from region_cases import position
from scan_cases import N_MEMBERS, SETTINGS

from wsgeo.evaluation.heads import HeadPolicy
from wsgeo.processes.pool import WorkerPool
from wsgeo.workflows.region_caveats import caveats, weak_probes
from wsgeo.workflows.region_curves import centroid_norms, radial_of
from wsgeo.workflows.region_losses import Measured
from wsgeo.workflows.region_mixes import Frame, Mix
from wsgeo.workflows.region_points import points_of
from wsgeo.workflows.region_work import Sampling, work_of


class TestPlaces:
    """Points lie where their rows say."""

    def test_radii_are_distances_of_weights(self, everyone):
        """The radius of a point is its distance from the centroid over that of the members."""
        points = points_of(everyone, n_samples=2)
        centre = position(everyone, next(p.mix for p in points if p.kind == "centroid"))
        found = {p.name: np.linalg.norm(position(everyone, p.mix) - centre) for p in points}
        members = [found[m.id] for m in everyone.members]
        unit = np.sqrt(np.mean(np.square(members)))

        assert everyone.radius == pytest.approx(unit, rel=1e-4)
        for p in points:
            # A random direction is orthogonal to the way to the base only in the mean.
            rel = 0.1 if p.kind == "random" else 1e-3
            assert p.radius == pytest.approx(found[p.name] / unit, rel=rel, abs=1e-5)

    def test_ways_out_are_as_long_as_they_say(self, everyone):
        """Positions on a radial curve are distances from the centroid, whatever the way."""
        with WorkerPool(0) as pool:
            norm = centroid_norms([everyone], pool)[everyone.place]
        spots = radial_of(everyone, n_directions=1, norm=norm)
        centre = position(everyone, spots[0].mix)

        assert norm == pytest.approx(np.linalg.norm(centre), rel=1e-4)
        assert {spot.curve for spot in spots} == {"random", "origin", "base"}
        for spot in spots:
            away = np.linalg.norm(position(everyone, spot.mix) - centre) / everyone.radius
            assert away == pytest.approx(spot.position, rel=1e-3, abs=1e-5)


class TestMix:
    """Mixes become points of an engine."""

    def test_heads_of_the_base_are_not_mixed(self, everyone):
        """A mix with the base has no mean of heads, and with one head it has that of its largest member."""
        frame = Frame(everyone, everyone.data[0], seed=0)
        ids = [m.id for m in everyone.members]
        mix = Mix.of({ids[0]: 0.2, ids[1]: 0.5}, base=0.3)

        assert frame.point(mix, HeadPolicy.INTERPOLATE) is None
        assert frame.point(mix, HeadPolicy.OWN).head == everyone.members[1].content_hash
        assert frame.point(mix, HeadPolicy.REFIT).head == "refit:0"
        assert sum(frame.point(mix, HeadPolicy.OWN).coefficients) == pytest.approx(1)

    def test_a_member_with_its_own_head_is_the_member(self, everyone):
        """What the scan has measured is not measured again under another name."""
        frame = Frame(everyone, everyone.data[0], seed=0)
        mix = Mix.of({everyone.members[0].id: 1.0})

        points = {frame.point(mix, policy) for policy in (HeadPolicy.INTERPOLATE, HeadPolicy.OWN)}
        assert [(len(p.members), p.head) for p in points] == [(1, None)]


class TestCaveats:
    """What says little, or does not apply, is told."""

    def test_a_probe_that_learns_nothing_is_told(self, everyone):
        """Where members are probed no better than the class frequencies, a note says so."""
        sampling = Sampling(n_samples=0, n_lines=0, n_directions=0)
        work = [work_of(everyone, sampling, SETTINGS)]

        def found(loss):
            return {one.key: Measured(loss, 0.5) for one in work[0].asked}

        assert weak_probes(work, found(0.3)) == []
        [said] = weak_probes(work, found(0.9))
        assert said.startswith("On film a linear probe is no better than the class frequencies")
        assert "0.900 against 0.69" in said
        assert "half of 32 examples" in said

    def test_without_a_base_there_is_nothing_around_it(self, everyone):
        """A region whose norms are not known has no base among its points, and a note says so."""
        bare = dataclasses.replace(everyone, norms=np.full(N_MEMBERS, np.nan))
        work = [work_of(bare, Sampling(), SETTINGS)]

        assert {"base", "random"}.isdisjoint(point.kind for point in points_of(bare))
        assert "base" not in {spot.curve for spot, _ in work[0].spots}
        [said] = caveats(work)
        assert said.startswith("Not applicable to all members: the base")
        assert caveats([work_of(everyone, Sampling(), SETTINGS)]) == []
