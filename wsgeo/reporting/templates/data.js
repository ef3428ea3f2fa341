// From the summary's columns to the data sets that the charts name.
const read = (id) => JSON.parse(document.getElementById(id).textContent);
const summary = read("summary");
const specs = read("charts");

// A text column arrives as its few different words and a code per row, decimals as whole numbers, small rises as steps.
const parted = (value, power) => Array.isArray(value) ? value.map((item) => parted(item, power)) : value === null ? null : value / power;
const wordAt = (code) => typeof code === "string" ? parseInt(code, 36) : code;
function climbed(first, steps) {
  let at = first;
  return [first, ...[...steps].map((step) => { at += wordAt(step); return at; })];
}
const decode = (column) => Array.isArray(column) ? column
  : column.steps ? climbed(column.first, column.steps)
  : column.words ? [...column.codes].map((code) => column.words[wordAt(code)]) : parted(column.whole, column.power);

function rows(columns) {
  const names = Object.keys(columns);
  const lists = names.map((name) => decode(columns[name]));
  return (lists[0] || []).map((_, k) => Object.fromEntries(names.map((name, j) => [name, lists[j][k]])));
}

const groupNames = new Map(summary.groups.map((group) => [group.label, group.name]));
const withGroup = (row, label) => ({ ...row, group: label, group_name: groupNames.get(label) });

const members = summary.members.id.map((id, member) => withGroup({
  id, member, loss: summary.members.loss[member], metric: summary.members.metric[member],
  copy: summary.members.duplicate_of[member] != null,
}, summary.members.group[member]));

const pairs = rows(summary.pairs).map((row, pair) => ({
  ...row, pair, a_id: members[row.a].id, b_id: members[row.b].id,
  status_words: summary.status_words[row.status] || row.status,
}));
const pairAt = new Map(pairs.map((row) => [`${row.a} ${row.b}`, row.pair]));
const findPair = (a, b) => pairAt.get(`${a} ${b}`) ?? pairAt.get(`${b} ${a}`) ?? -1;

const rank = [];
summary.order.forEach((member, place) => { rank[member] = place; });

const bridges = new Set(summary.bridges);
const edges = pairs
  .filter((row) => row.convexity_gap != null && summary.graph.length)
  .map((row) => {
    const [x, y] = summary.graph[row.a], [x2, y2] = summary.graph[row.b];
    return { ...row, x, y, x2, y2, bridge: bridges.has(row.pair) };
  });

const cells = pairs.flatMap((row) => [[row.a, row.b], [row.b, row.a]].map(([member, other]) => (
  { ...row, member, row: rank[member], column: rank[other] })));

const kindOf = (row) => {
  const a = members[row.a].group, b = members[row.b].group;
  return a < 0 || b < 0 ? null : a === b ? "within" : "between";
};
const curveOf = new Map();
const curveLoss = decode(summary.curves.loss), curveMetric = summary.curves.metric && decode(summary.curves.metric);
const curveGrid = decode(summary.curves.grid);
const curves = decode(summary.curves.pair).map((pair, k) => {
  const curve = {
    pair, a: pairs[pair].a, b: pairs[pair].b, kind: kindOf(pairs[pair]),
    t: summary.curves.grids[curveGrid[k]], loss: curveLoss[k],
    metric: curveMetric ? curveMetric[k] : null,
  };
  curveOf.set(pair, curve);
  return curve;
});

// One row per value of a setting and group, the first column for all groups together.
function contingency(chosen) {
  const columns = [null, ...summary.groups.map((group) => group.label)];
  return summary.settings.axes.flatMap((axis, number) => axis.values.flatMap((value, code) => {
    const having = members.filter((row) => axis.codes[row.member] === code);
    const total = having.filter((row) => !row.copy).length;
    return columns.map((label) => {
      const inside = label === null ? having : having.filter((row) => row.group === label);
      const n = inside.filter((row) => !row.copy).length;
      return {
        axis: number, value, n, share: label === null || !total ? 0 : n / total,
        column: label === null ? "all" : label < 0 ? "none" : String(label),
        group_name: label === null ? "all" : groupNames.get(label),
        kept: !chosen || inside.some((row) => chosen[row.member]),
        inside: inside.map((row) => row.member),
      };
    });
  }));
}

// Per setting the means within and between its values, as a span and as two dots.
function contrasts(rows) {
  const means = rows.map((row) => ({ title: row.title, within: row.gap_within, between: row.gap_between }));
  return {
    spans: means.filter((row) => row.within != null && row.between != null),
    dots: means.flatMap(({ title, ...both }) => Object.entries(both)
      .filter(([, mean]) => mean != null).map(([kind, mean]) => ({ title, kind, mean }))),
  };
}
const ofGaps = contrasts(summary.settings.rows), ofAngles = contrasts(summary.settings.angles.rows);

const datasets = {
  map: summary.maps.flatMap((map, k) => members
    .map((row) => ({ ...row, map: k, u: map.x[row.member], v: map.y[row.member] }))
    .filter((row) => row.u != null && row.v != null)),
  nodes: members.filter((row) => summary.graph[row.member])
    .map((row) => ({ ...row, x: summary.graph[row.member][0], y: summary.graph[row.member][1] })),
  edges, cells,
  bars: rows(summary.tree.bars),
  line: [{}],
  bands: summary.bands,
  // Single curves are drawn only while the eye can follow them.
  curves: curves.length <= 300 ? curves.filter((curve) => curve.kind) : [],
  layers: summary.layers,
  gap_spans: ofGaps.spans, gap_means: ofGaps.dots, angle_spans: ofAngles.spans, angle_means: ofAngles.dots,
  nulls: rows(summary.nulls),
  observed: summary.evidence.silhouette == null ? [] : [{ silhouette: summary.evidence.silhouette }],
};

// The picked pair's row: its curve, its chord, and the interval of its height at the peak.
function pickedRow(pair) {
  const curve = curveOf.get(pair), row = pairs[pair];
  if (!curve) return [];
  const first = curve.loss[0], last = curve.loss[curve.loss.length - 1];
  const chord = row.t_peak == null ? null : first + (last - first) * row.t_peak;
  const known = chord != null && row.barrier_height_lo != null && row.barrier_height_hi != null;
  return [{
    pair, t: curve.t, loss: curve.loss, metric: curve.metric || curve.loss.map(() => null),
    start: 0, end: 1, loss_start: first, loss_end: last, t_peak: known ? row.t_peak : null,
    interval_low: known ? chord + row.barrier_height_lo : null,
    interval_high: known ? chord + row.barrier_height_hi : null,
  }];
}
