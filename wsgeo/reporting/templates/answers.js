// What the members answered: rows for the slices, the probe and the lines that are shown.
const parts = summary.diagnosis.parts.map((part) => ({ ...part, metric: decode(part.metric) }));
const lines = { ...summary.ridges, parts: summary.ridges.parts.map((part) => ({ ...part, loss: decode(part.loss) })) };
const measures = summary.probes.measures;
const coordinate = summary.strategies.coordinate;

// One row per member with a value; members that fail the gate would stretch an axis for all others.
const eachMember = (values, facts) => members
  .filter((row) => values[row.member] != null)
  .map((row) => facts(row, values[row.member]));

const scoresOf = (numbers) => numbers.flatMap((number) => eachMember(parts[number].metric, (row, metric) => ({
  id: row.id, member: row.member, group: row.group, group_name: row.group_name, metric,
  part: parts[number].name, counts: parts[number].counts, n_examples: parts[number].n_examples,
  in_domain: summary.members.gate[row.member] === false ? null : row.metric,
  coordinate: coordinate[row.member] ?? null,
})));
const meansOf = (numbers) => numbers.flatMap((number) => summary.diagnosis.means
  .filter((row) => row.part === number)
  .map((row) => withGroup({ ...row, part: parts[number].name }, row.group)));
const chanceOf = (numbers) => numbers.filter((number) => parts[number]?.chance != null)
  .map((number) => ({ chance: parts[number].chance, part: parts[number].name }));

// The name of a strip carries its unit, for each has its own scale.
const stripName = (measure) => measure.unit ? `${measure.name} · ${measure.unit}` : measure.name;
const onStrip = (measure, value) => measure.high > measure.low ? (value - measure.low) / (measure.high - measure.low) : 0.5;
const probeRows = (numbers) => numbers.map((number) => measures[number]);
const probeValues = (numbers) => probeRows(numbers).flatMap((measure) => eachMember(measure.value, (row, value) => ({
  ...row, value, part: stripName(measure), unit: measure.unit, x: onStrip(measure, value),
})));
const probeMeans = (numbers) => probeRows(numbers).flatMap((measure) => measure.means
  .map((row) => withGroup({ ...row, part: stripName(measure), x: onStrip(measure, row.mean) }, row.group)));
const probeEnds = (numbers) => probeRows(numbers).map((measure) => ({
  part: stripName(measure), low_words: digits(measure.low), high_words: digits(measure.high),
}));

const linesOf = (part) => part === null || !lines.parts[part] ? [] : lines.lines
  .map((row, line) => ({ ...row, line, t: lines.t, loss: lines.parts[part].loss[line] }))
  .filter((row) => row.loss);
const bandsOf = (part) => part === null || !lines.parts[part] ? [] : lines.parts[part].bands.flatMap((band) => lines.t.map((t, k) => (
  { kind: band.kind, basins: band.basins, n: band.n, t, low: band.low && band.low[k], middle: band.middle[k], high: band.high && band.high[k] })));

const classical = summary.placed_on;
Object.assign(datasets, {
  likeness: pairs.filter((row) => row.convexity_gap != null && row.jensen_shannon != null)
    .map((row) => ({ ...row, kind: kindOf(row) })).filter((row) => row.kind),
  predictors: summary.strategies.predictors.map((row) => ({ ...row, part: parts[row.part].name })),
  placed: classical === null ? [] : summary.placements.models.filter((row) => row.x != null && row.y != null)
    .map((row) => ({ ...row, map: classical, u: row.x, v: row.y, where: groupNames.get(row.basin) ?? "none" })),
  own_lines: linesOf(lines.own), own_bands: bandsOf(lines.own),
});

// Data that follow a control: made anew when their chart is drawn.
const shownParts = () => summary.diagnosis.views[live.view]?.parts ?? [];
const shownMeasures = () => summary.probes.views[live.probe]?.measures ?? [];
const fresh = {
  contingency: () => contingency(live.chosen), picked: () => pickedRow(live.picked),
  scores: () => scoresOf(shownParts()), means: () => meansOf(shownParts()), chance: () => chanceOf(shownParts()),
  slice_scores: () => parts[live.slice] ? scoresOf([live.slice]) : [], slice_chance: () => chanceOf([live.slice]),
  probe_values: () => probeValues(shownMeasures()), probe_means: () => probeMeans(shownMeasures()),
  probe_ends: () => probeEnds(shownMeasures()),
  slice_lines: () => linesOf(live.curve), slice_bands: () => bandsOf(live.curve),
};
// How many rows of its own height a chart shows.
const nRows = { diagnostics: () => shownParts().length, probes: () => shownMeasures().length };

// What stands below the charts of a slice and of a probe.
function told() {
  const found = summary.strategies.correlation[live.slice];
  if (byId("along-text")) byId("along-text").textContent = !found ? "No correlation with the coordinate."
    : `Correlation with the coordinate: ${digits(found[0])}${found[1] == null ? "" : ` [${digits(found[1])}, ${digits(found[2])}], 95 % over members`}.`;
  document.querySelectorAll("[data-probe]").forEach((box) => { box.hidden = Number(box.dataset.probe) !== live.probe; });
  toldOfRegions();
}
