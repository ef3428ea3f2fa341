// Regions and start models: rows for the region, the lines, the clusters and the target that are picked.
const memberAt = new Map(members.map((row) => [row.id, row.member]));
const levels = summary.regions.levels;
const around = { points: rows(summary.around.points), means: rows(summary.around.means) };
const regionLines = { points: rows(summary.region_lines.points), medians: rows(summary.region_lines.medians) };
const ofView = (list, view) => list.filter((row) => row.view === view);
const dots = rows(summary.starts.dots);
const stages = summary.starts.stages.map((view) => rows(view.points));

// Tasks give shapes; without them all members have one. Other geometry has members of other pages too.
const ofLevel = (title) => levels.find((level) => level.title === title);
const nameIn = (level, k) => level?.names[level.codes[k]];
function regionMembers() {
  const level = levels[live.level], task = ofLevel("task"), { x, y } = summary.regions.map;
  return summary.regions.ids.map((id, k) => ({
    id, u: x[k], v: y[k], region: level ? level.codes[k] : -1, region_name: nameIn(level, k) ?? "none",
    task: task ? Math.max(0, task.codes[k]) % 7 : 0, task_name: nameIn(task, k), member: memberAt.get(id),
  })).filter((row) => row.u != null && row.v != null);
}
const regionCentres = () => summary.regions.centres.filter((row) => row.level === live.level)
  .map((row) => ({ ...row, region_name: levels[row.level].names[row.region] }));

const countsView = () => summary.regions.counts.views[live.count];
const countRows = () => (countsView()?.n ?? []).map((n, k) => {
  const view = countsView();
  return { n, value_name: view.values[view.value[k]], cluster: view.cluster[k], share: view.share[k] };
});

const kinds = summary.kinds;
// Points of a row are spread over it, always alike.
const lane = (k) => (k * 0.618034) % 1;
const pointRows = () => ofView(around.points, live.inside).map((row, k) => ({
  ...row, kind: kinds[row.kind].words, family: kinds[row.kind].family, lane: lane(k), id: summary.regions.ids[row.person],
}));
const pointMeans = () => ofView(around.means, live.inside).map((row) => ({ ...row, kind: kinds[row.kind].words }));
function orderRows() {
  const found = summary.around.orders[live.inside];
  if (!found) return [];
  const [p, lo, hi, mean] = ["p", "lo", "hi", "mean"].map((name) => decode(found[name])), size = found.kinds.length;
  return p.map((value, k) => {
    const [i, j] = [Math.floor(k / size), k % size];
    return {
      a: kinds[found.kinds[i]].words, b: kinds[found.kinds[j]].words, p: value ?? 0, p_words: value == null ? "" : value.toFixed(2),
      interval: limits(lo[k], hi[k]), n: `${found.n[i]} and ${found.n[j]}`,
      means: `${digits(mean[i])} and ${digits(mean[j])}`,
    };
  });
}

const curveRows = (part) => ofView(regionLines[part], live.line)
  .map((row) => ({ ...row, curve_words: summary.curve_words[row.curve] }));

const limits = (low, high) => low == null || high == null ? "not known" : `${digits(low)} to ${digits(high)}`;
function gainRows() {
  const view = summary.starts.views[live.gain];
  return (view?.rows ?? []).map((k) => dots[k])
    .map((row) => ({ ...row, label: row[view.by], interval: limits(row.gain_lo, row.gain_hi) }));
}
const stageRows = () => (stages[live.stage] ?? [])
  .map((row) => ({ ...row, score: row[summary.starts.scores[live.score]?.field] })).filter((row) => row.score != null);

Object.assign(datasets, { unit: [{ x: 1 }], zero: [{ x: 0 }] });
Object.assign(fresh, {
  region_members: regionMembers, region_centres: regionCentres, counts: countRows,
  region_losses: pointRows, loss_means: pointMeans, orders: orderRows,
  region_lines: () => curveRows("points"), region_medians: () => curveRows("medians"),
  centroid_layers: () => summary.centroid_layers.views[live.centroid]?.rows ?? [],
  gains: gainRows, stages: stageRows,
});
Object.assign(nRows, {
  counts: () => countsView()?.values.length, orders: () => summary.around.orders[live.inside]?.kinds.length,
  losses: () => pointMeans().length, gains: () => gainRows().length,
});

// What goes with the choices: the names of a level's regions, and what a region's lines lack.
function toldOfRegions() {
  document.querySelectorAll("[data-level]").forEach((box) => { box.hidden = Number(box.dataset.level) !== live.level; });
  document.querySelectorAll("[data-stage]").forEach((box) => { box.hidden = Number(box.dataset.stage) !== live.stage; });
  document.querySelectorAll("[data-inside]").forEach((box) => { box.hidden = Number(box.dataset.inside) !== live.inside; });
  const met = new Set(ofView(regionLines.medians, live.line).map((row) => row.curve));
  document.querySelectorAll("[data-lacks]").forEach((box) => {
    box.hidden = box.dataset.lacks.split(" ").some((name) => met.has(name));
  });
}
