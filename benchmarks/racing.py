"""What races save and how often they err: a zoo with basins and a chain, scanned once in full.

The zoo of `zoos.py` (three origins, and a chain whose neighbours are joined and whose ends are not)
and the losses of all pairs at 11 positions are made once and kept in a folder. Then glimpses and
races are run on these losses as a scan runs them, once per random order of the examples, and
compared with the full scan. Costs are shares of its forward passes: nine positions of every pair and
both ends, each on all examples; those of glimpses and ends are counted. At last everything is run
for real in one process, on one thread, and compared with the usual loop of `engine.py`.

    python benchmarks/racing.py [--zoo DIR] [--seeds 20] [--members 28]
    python benchmarks/racing.py --coverage 1000
"""

from __future__ import annotations

import argparse
import cProfile
import os
import platform
import pstats
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
import torch
import transformers
import zoos
from engine import UsualLoop
from scipy.sparse.csgraph import connected_components
from sklearn.metrics import adjusted_rand_score

from wsgeo.evaluation.losses import Failure, Item, Losses, Outcome, Point
from wsgeo.evaluation.races import AbstractRacer, replay, unfolded
from wsgeo.paths.contrasts import triple_contrasts
from wsgeo.paths.line_races import LineRaces, shuffled_name
from wsgeo.paths.races import EdgeRace, RaceRule
from wsgeo.paths.reductions import Found
from wsgeo.paths.survey import PairSurvey
from wsgeo.paths.sweeps import Line
from wsgeo.processes.pool import WorkerPool
from wsgeo.store.ledger import Ledger
from wsgeo.tasks.ordering import stratified_order
from wsgeo.workflows.engines import backends_for, engine_for
from wsgeo.workflows.geometry import measure_geometry
from wsgeo.workflows.inputs import ZooRequest, read_inputs
from wsgeo.workflows.settings import ScanSettings
from wsgeo.workflows.sources import DataRequest, GroupData

N_LINKS, TAUS, TAU = 6, (0.05, 0.1, 0.3), 0.1
BETTING_LESS = 5  # bets take ten times as long to replay, so fewer orders and simulated lines
T = np.linspace(0, 1, 11).round(12)
SAMPLED_PAIRS, ROUNDS, N_RESAMPLES = 3, 2, 200
SETTINGS = ScanSettings()

RULES = {"normal": {}, "betting": {"betting": True}, "spanning": {"spanning": True}}

Flags = np.ndarray
Array = np.ndarray


def group_of(folder: Path) -> GroupData:
    """Read the zoo's loss group with its data."""
    request = ZooRequest(folder / "zoo")
    inputs = read_inputs(request, DataRequest(), SETTINGS, None)
    [group] = inputs.groups
    return group


class Scanned(AbstractRacer):
    """Serves losses that are known, in the order of the examples or in a random one.

    Parameters
    ----------
    losses : dict of Point to Losses
        Of every point that will be asked for.
    examples : str
        Name of the example set.
    """

    def __init__(self, losses: dict[Point, Losses], examples: str) -> None:
        self._sets = {examples: losses}
        self._examples = examples

    def shuffle(self, order: Array) -> None:
        """Have the losses in another random order."""
        self._sets[shuffled_name(self._examples)] = {
            point: Losses(each.loss[order], each.hit[order])
            for point, each in self._sets[self._examples].items()
        }

    def evaluate(self, items: Sequence[Item]) -> Iterator[tuple[int, tuple[Outcome, ...]]]:
        """Yield what is known."""
        for i, item in enumerate(items):
            yield i, tuple(self._sets[item.examples][point] for point in item.points)


def scan(group: GroupData, folder: Path, jobs: int) -> tuple[dict[Point, Losses], float]:
    """Return the losses of all points of all lines, and the seconds that they took."""
    name, start = group.task.name, time.monotonic()
    lines = lines_of(group)
    points = [Point.on_line(*line, float(t)) for line in lines for t in T[1:-1]]
    points += [Point.of(member.content_hash) for member in group.members]
    with Ledger(folder / "losses.sqlite") as ledger, WorkerPool(jobs) as pool:
        backends = backends_for(group, pool, ledger, SETTINGS)
        print(f"evaluated by: {backends}", flush=True)
        with engine_for(group, pool, ledger, SETTINGS, None, backends) as engine:
            found = engine.evaluate_all([Item((point,), name) for point in points])
    return dict(zip(points, (one for (one,) in found), strict=True)), time.monotonic() - start


def lines_of(group: GroupData) -> list[Line]:
    """Return the lines between every two members."""
    names = sorted(member.content_hash for member in group.members)
    return list(combinations(names, 2))


def gaps_of(losses: dict[Point, Losses], lines: Sequence[Line]) -> Array:
    """Return the gap of each line on all examples."""
    rows = triple_contrasts(T)
    means = [[losses[Point.on_line(*line, float(t))].mean for t in T] for line in lines]
    return np.maximum(rows @ np.array(means).T, 0.0).max(axis=0)


def labels_of(lines: Sequence[Line], joined: Flags) -> Array:
    """Return the connected component of each member, in the order of their hashes."""
    names = {name: i for i, name in enumerate(sorted({end for line in lines for end in line}))}
    edges = np.zeros((len(names), len(names)), bool)
    for (a, b), holds in zip(lines, joined, strict=True):
        edges[names[a], names[b]] = holds
    return connected_components(edges, directed=False)[1]


def describe(group: GroupData, lines: Sequence[Line], gaps: Array) -> None:
    """Print the gaps within origins, between them, and along the chain, and whether they are such."""
    kind = {member.content_hash: member.id.split("-")[0] for member in group.members}
    link = {m.content_hash: int(m.id.split("-")[1]) for m in group.members if "link" in m.id}
    parts: dict[str, list[float]] = {"within origins": [], "between origins": []}
    chain = np.full((len(link), len(link)), np.nan)
    for (a, b), gap in zip(lines, gaps, strict=True):
        if a in link and b in link:
            chain[link[a], link[b]] = chain[link[b], link[a]] = gap
        elif a not in link and b not in link:
            parts["within origins" if kind[a] == kind[b] else "between origins"].append(gap)
    for name, found in parts.items():
        print(f"  {name:18s} {min(found):.3f} to {max(found):.3f}, median {np.median(found):.3f}")
    steps, ends = np.diagonal(chain, 1), chain[0, -1]
    print(f"  links, neighbours  {', '.join(f'{gap:.3f}' for gap in steps)}; ends {ends:.3f}")
    print(f"  links, all         {np.nanmin(chain):.3f} to {np.nanmax(chain):.3f}")
    sound = {
        "members of an origin are joined": max(parts["within origins"]) < 0.05,
        "origins are apart": min(parts["between origins"]) > 0.3,
        "neighbours of the chain are nearer than its ends": steps.max() < np.nanmax(chain),
        "the chain is not transitive at 0.1": steps.max() < TAU < np.nanmax(chain),
    }
    for claim, holds in sound.items():
        print(f"  {'yes' if holds else 'NO '} {claim}")


@dataclass
class Tally:
    """What one rule found over many random orders of the examples."""

    shares: list[float] = field(default_factory=list)
    errors: list[float] = field(default_factory=list)
    wrong: list[float] = field(default_factory=list)
    undecided: list[float] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    spared: list[float] = field(default_factory=list)
    n_verified: int = 0
    n_refuted: int = 0

    def judge(self, lines: Sequence[Line], gaps: Array, tau: float, found: Found) -> None:
        """Compare what was found with the gaps on all examples."""
        joined, decided, spared = statuses(found, lines, tau)
        wrong = (joined != (gaps <= tau)) & ~spared
        self.errors.append(wrong.sum() / len(lines))
        self.wrong.append((wrong & decided).sum() / max(1, decided.sum()))
        self.undecided.append((~decided & ~spared).mean())
        full, mine = labels_of(lines, gaps <= tau), labels_of(lines, joined)
        self.scores.append(adjusted_rand_score(full, mine))
        self.spared.append(spared.mean())

    def __str__(self) -> str:
        """Return a row of the table."""
        row = (
            f"{np.mean(self.shares):7.2%} {np.max(self.shares):7.2%}"
            f"{np.mean(self.errors):8.2%} {np.max(self.errors):7.2%}"
            f"{np.mean(self.wrong):8.2%} {np.max(self.wrong):7.2%}"
            f"{np.mean(self.undecided):8.2%}"
            f"{np.min(self.scores):7.3f} {sum(s >= 0.95 for s in self.scores):3d}"
        )
        row += f" of {len(self.scores)}"
        spared = (
            f"; {np.mean(self.spared):.1%} spared, {self.n_refuted} of {self.n_verified} refuted"
        )
        return row + (spared if any(self.spared) else "")


def statuses(found: Found, lines: Sequence[Line], tau: float) -> tuple[Flags, Flags, Flags]:
    """Return which lines are taken to be joined, which are decided, and which were left out."""
    joined, decided, spared = (np.zeros(len(lines), bool) for _ in range(3))
    for i, line in enumerate(lines):
        outcome = found[line]
        if isinstance(outcome, Failure):
            spared[i] = True
            continue
        numbers = outcome.numbers
        high, low = numbers["convexity_gap_hi"], numbers["convexity_gap_lo"]
        connected, separated = high is not None and high <= tau, low > tau
        decided[i] = connected or separated
        joined[i] = connected if decided[i] else numbers["convexity_gap"] <= tau
    return joined, decided, spared


def replays(
    group: GroupData, losses: dict[Point, Losses], lines: Sequence[Line], gaps: Array, n_seeds: int
) -> None:
    """Print what races cost and find, by threshold and rule."""
    name, n = group.task.name, len(group.encoded)
    everything = (9 * len(lines) + len(group.members)) * n
    taus = {f"{tau:g}": tau for tau in TAUS} | {"median": float(np.median(gaps))}
    tallies = {(label, rule): Tally() for label in taus for rule in RULES}
    engine, start = Scanned(losses, name), time.process_time()
    for seed in range(n_seeds):
        order = stratified_order(group.encoded, seed)
        engine.shuffle(order)
        races = races_of(engine, group, order, seed)
        races.glimpse()
        n_first = races.n_forwards + len(group.members) * n
        for (label, rule), tally in tallies.items():
            if rule == "betting" and seed >= max(1, n_seeds // BETTING_LESS):
                continue
            forwards = races.n_forwards
            found = races.race(RaceRule(taus[label], **RULES[rule]))
            tally.shares.append((n_first + races.n_forwards - forwards) / everything)
            tally.judge(lines, gaps, taus[label], found)
            if rule == "spanning":
                tally.n_verified += races.n_verified
                tally.n_refuted += races.n_refuted
    print(f"\n{n_seeds} orders of the examples; {time.process_time() - start:.0f} s of CPU time")
    print("                    forwards            errors   errors of decided  open     ARI")
    print("tau      rule       mean     max    mean   worst    mean   worst    mean    min >=.95")
    for (label, rule), tally in tallies.items():
        print(f"{label:8s} {rule:9s}{tally}", flush=True)
    truth = {label: labels_of(lines, gaps <= tau) for label, tau in taus.items()}
    for label, tau in taus.items():
        sizes = np.bincount(truth[label])
        sizes = "/".join(map(str, sorted(sizes, reverse=True)))
        near = np.mean(np.abs(gaps - tau) < 0.03)
        print(f"tau {label} ({tau:.3f}): components {sizes}; {near:.1%} of the gaps within 0.03")


def races_of(engine: AbstractRacer, group: GroupData, order: Array, seed: int) -> LineRaces:
    """Return races about all lines, as a scan makes them."""
    name, split = group.task.name, group.task.split
    survey = PairSurvey(
        engine, group.members, name, split=split, seed=seed, n_resamples=N_RESAMPLES
    )
    return survey.races(engine, order)


class Clock:
    """CPU time of the stages of a run."""

    def __init__(self) -> None:
        self.stages: dict[str, float] = {}
        self._last = time.process_time()

    def stage(self, name: str) -> None:
        """Note what was spent since the last stage."""
        now = time.process_time()
        self.stages[name], self._last = now - self._last, now


def run_for_real(folder: Path, *, spanning: bool) -> tuple[Clock, Array]:
    """Read the zoo and decide all its edges in this process; return the stages and the labels."""
    clock = Clock()
    group = group_of(folder)
    clock.stage("reading zoo and texts")
    lines = lines_of(group)
    with (
        tempfile.TemporaryDirectory() as place,
        Ledger(Path(place) / "losses.sqlite") as ledger,
        WorkerPool(0) as pool,
    ):
        backends = backends_for(group, pool, ledger, SETTINGS)
        clock.stage("choosing a backend")
        measure_geometry(group.members)
        clock.stage("Gram of the weights")
        with engine_for(group, pool, ledger, SETTINGS, None, backends) as engine:
            order = stratified_order(group.encoded, SETTINGS.seed)
            races = races_of(engine, group, order, SETTINGS.seed)
            clock.stage("loading, packing, ends")
            races.glimpse()
            clock.stage("glimpses")
            found = races.race(RaceRule(TAU, spanning=spanning))
            clock.stage("races")
    labels = labels_of(lines, statuses(found, lines, TAU)[0])
    clock.stage("components")
    return clock, labels


def usual_loop(group: GroupData, pad: int) -> float:
    """Return the CPU seconds a pair takes, from sampled pairs."""
    rng, folders = np.random.default_rng(0), [member.folder for member in group.members]
    seconds = []
    for _ in range(SAMPLED_PAIRS):
        pair = [folders[i] for i in rng.choice(len(folders), 2, replace=False)]
        start = time.process_time()
        UsualLoop(pair, group.encoded, pad)()
        seconds.append(time.process_time() - start)
    return float(np.mean(seconds))


def end_to_end(folder: Path, gaps: Array, *, profile: bool) -> None:
    """Print what the edges of the zoo cost, with everything that is needed for them."""
    group = group_of(folder)
    lines = lines_of(group)
    width = group.encoded.input_ids.shape[1]
    usual = {pad: usual_loop(group, pad) * len(lines) for pad in (128, width)}
    print(f"\nend to end, one thread, CPU seconds; tau {TAU}; least of {ROUNDS}")
    for pad, seconds in usual.items():
        each = seconds / len(lines)
        print(
            f"  usual loop, padded to {pad}: {seconds:.0f} s ({each:.2f} a pair, from {SAMPLED_PAIRS})"
        )
    truth = labels_of(lines, gaps <= TAU)
    for spanning in (False, True):
        runs = [run_for_real(folder, spanning=spanning) for _ in range(ROUNDS)]
        clock, labels = min(runs, key=lambda run: sum(run[0].stages.values()))
        total, reading = sum(clock.stages.values()), clock.stages["reading zoo and texts"]
        same = adjusted_rand_score(truth, labels) == 1.0
        print(
            f"  {'union-find and races' if spanning else 'all edges raced'}: {total:.2f} s, components {'as' if same else 'NOT as'} in full"
        )
        print("    " + ", ".join(f"{name} {seconds:.2f}" for name, seconds in clock.stages.items()))
        for pad, seconds in usual.items():
            ratios = f"{seconds / total:.0f} x; {seconds / (total - reading):.0f} x without reading"
            print(f"    usual loop padded to {pad}: {ratios}")
        if profile:
            show_profile(folder, spanning=spanning)


def show_profile(folder: Path, *, spanning: bool) -> None:
    """Print where the time goes."""
    profile = cProfile.Profile()
    profile.runcall(run_for_real, folder, spanning=spanning)
    for order in ("cumulative", "tottime"):
        pstats.Stats(profile).sort_stats(order).print_stats(45)


NOISES: dict[str, Callable[[np.random.Generator, int, float], Array]] = {
    "light": lambda rng, n, gap: rng.normal(gap, 0.3, n),
    "heavy tail": lambda rng, n, gap: gap * rng.lognormal(-0.5 * 1.5**2, 1.5, n),
    "rare 5 %": lambda rng, n, gap: gap / 0.05 * (rng.random(n) < 0.05),
    "rare 1 %": lambda rng, n, gap: gap / 0.01 * (rng.random(n) < 0.01),
}
"""What examples lose on top of a ridge, by kind; their mean is the gap."""

CLOSE = (0.7, 0.98, 1.02, 1.3)
"""Gaps in units of the threshold."""


def simulated(rng: np.random.Generator, noise: str, gap: float, n: int = 512) -> list[Losses]:
    """Return losses along a line whose gap is known: a ridge of one height from 0.3 to 0.7."""
    shape = np.clip(np.minimum(T, 1 - T) / 0.3, 0, 1)
    ends = rng.lognormal(-2, 1, (2, n))
    chord = (1 - T)[:, None] * ends[0] + T[:, None] * ends[1]
    each = chord + shape[:, None] * NOISES[noise](rng, n, gap)
    return [Losses(row.astype(np.float32), np.zeros(n, np.float32)) for row in each]


def race_about(losses: Sequence[Losses], tau: float, level: float, *, betting: bool) -> str:
    """Return what a race answers."""
    points = tuple(Point.on_line("a", "b", float(t)) for t in T[1:-1])
    ends = losses[0].loss, losses[-1].loss
    race = EdgeRace(points, "simulated", tuple(T.tolist()), ends, tau, level, betting)
    grid, _ = unfolded(replay(race, losses[1:-1]), len(points))
    judged = race.judge(grid)
    return "above" if judged.separated else "below" if judged.connected else "open"


def coverage(n: int) -> None:
    """Print how often races answer wrongly about lines whose gap is known."""
    kinds = {
        "normal .05": {"level": 0.05, "betting": False},
        "normal .01": {"level": 0.01, "betting": False},
        "betting .01": {"level": 0.01, "betting": True},
    }
    print(f"\n{n} simulated lines per row, 512 examples, tau {TAU}: wrong and open answers, %")
    print(f"{'noise':12} {'gap':>6}" + "".join(f"{kind:>20}" for kind in kinds))
    for noise in NOISES:
        for close in CLOSE:
            answers: dict[str, list[str]] = {kind: [] for kind in kinds}
            for i in range(n):
                rng = np.random.default_rng([i, list(NOISES).index(noise)])
                losses = simulated(rng, noise, close * TAU)
                for kind, how in kinds.items():
                    if not how["betting"] or i < n // BETTING_LESS:
                        answers[kind].append(race_about(losses, TAU, **how))
            row = f"{noise:12} {close * TAU:6.3f}"
            for found in answers.values():
                wrong = found.count("above" if close < 1 else "below") / max(1, len(found))
                row += f"{100 * wrong:12.1f}{100 * found.count('open') / max(1, len(found)):8.1f}"
            print(row, flush=True)


def main() -> None:
    """Make what is missing, and print everything."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--zoo", type=Path, default=Path(tempfile.gettempdir()) / "racing-zoo")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--members", type=int, default=28)
    parser.add_argument(
        "--coverage", type=int, metavar="N", help="simulate N lines per row instead"
    )
    parser.add_argument("--jobs", type=int, default=0, help="processes of the full scan")
    parser.add_argument("--profile", action="store_true", help="say where the time goes")
    options = parser.parse_args()
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    cores = len(os.sched_getaffinity(0))
    print(
        f"{platform.processor() or platform.machine()}, {cores} cores, one used, torch {torch.__version__}"
    )
    if options.coverage:
        coverage(options.coverage)
        return
    seconds = zoos.make_zoo(options.zoo, options.members, N_LINKS)
    print(f"zoo in {options.zoo}, made in {seconds:.0f} s")
    group = group_of(options.zoo)
    lengths = group.encoded.lengths
    print(
        f"{len(group.members)} members of {group.members[0].layout.n_parameters:,} parameters, "
        f"{len(lengths)} examples, {lengths.mean():.1f} tokens on average, {lengths.max()} at most"
    )
    lines = lines_of(group)
    losses, seconds = scan(group, options.zoo, options.jobs)
    gaps = gaps_of(losses, lines)
    print(
        f"{len(lines)} pairs at {T.size} positions; full scan {seconds:.1f} s wall, without what was kept"
    )
    describe(group, lines, gaps)
    replays(group, losses, lines, gaps, options.seeds)
    end_to_end(options.zoo, gaps, profile=options.profile)


if __name__ == "__main__":
    main()
