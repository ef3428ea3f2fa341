// Linking: what is chosen in one view is chosen in all.
const byId = (id) => document.getElementById(id);
const chips = [...document.querySelectorAll(".chip")];
const memberRows = [...document.querySelectorAll("tr[data-member]")];
const digits = (value) => value == null ? "–" : String(Number(value.toPrecision(4)));

// `from` is the view or control that chose; the others let go of what they showed as pressed.
function choose(kept, from) {
  const some = kept && kept.some(Boolean) && !kept.every(Boolean) ? kept : null;
  if (from !== "chips") chips.forEach((chip) => chip.setAttribute("aria-pressed", "false"));
  if (from !== "brush") clearBrush();
  set("chosen", some);
  if (views.has("settings")) views.get("settings").data("contingency", contingency(some)).runAsync();
  memberRows.forEach((row) => row.classList.toggle("faint", Boolean(some) && !some[row.dataset.member]));
  document.querySelector(".chosen").hidden = !some;
  if (some) byId("chosen-text").textContent = `${some.filter(Boolean).length} of ${members.length} members`;
}

let brushing = false;
function clearBrush() {
  brushing = false;
  const view = views.get("map");
  if (view?.signal("brush_x")?.length) view.signal("brush_x", []).signal("brush_y", []).runAsync();
}

function chooseOne(member, from) {
  const alone = live.chosen && live.chosen.filter(Boolean).length === 1 && live.chosen[member];
  choose(alone ? null : members.map((row) => row.member === member), from);
}

// A second click on the same cell shows all again.
function chooseMany(inside) {
  const kept = members.map((row) => inside.includes(row.member));
  const again = live.chosen && kept.every((value, member) => value === live.chosen[member]);
  choose(again ? null : kept, "click");
}

function chooseChips() {
  const pressed = chips.filter((chip) => chip.getAttribute("aria-pressed") === "true").map((chip) => Number(chip.dataset.group));
  choose(pressed.length ? members.map((row) => pressed.includes(row.group)) : null, "chips");
}

// A drag fires many times per frame, and from inside the view's own update.
let waiting = 0;
function brushed(box) {
  cancelAnimationFrame(waiting);
  waiting = requestAnimationFrame(() => chooseBox(box));
}

function chooseBox(box) {
  if (!box || !box.u || !box.v) {
    // An empty box is also what letting go of it for another choice sends.
    if (brushing) choose(null, "brush");
    brushing = false;
    return;
  }
  const inside = (value, [p, q]) => value >= Math.min(p, q) && value <= Math.max(p, q);
  const kept = members.map(() => false);
  datasets.map.filter((row) => row.map === live.map && inside(row.u, box.u) && inside(row.v, box.v))
    .forEach((row) => { kept[row.member] = true; });
  brushing = true;
  choose(kept, "brush");
}

const interval = (row, name) => row[`${name}_lo`] == null ? digits(row[name])
  : `${digits(row[name])} [${digits(row[`${name}_lo`])}, ${digits(row[`${name}_hi`])}]`;

function pick(pair) {
  const row = pairs[pair];
  set("picked", pair);
  if (views.has("paths")) views.get("paths").data("picked", pickedRow(pair)).runAsync();
  if (!row || !byId("readout")) return;
  byId("pick-a").value = row.a;
  byId("pick-b").value = row.b;
  const facts = [
    ["status", row.status_words + (row.reason ? `: ${row.reason}` : "")],
    ["convexity gap (nats)", row.convexity_gap === undefined ? null : interval(row, "convexity_gap")],
    ["barrier height (nats)", row.barrier_height === undefined ? null : interval(row, "barrier_height")],
    ["peak at t", row.t_peak == null ? null : digits(row.t_peak)],
    ["error barrier (fraction)", row.error_barrier == null ? null : digits(row.error_barrier)],
    ["distance of the weights", row.l2 == null ? null : digits(row.l2)],
    ["cosine of the task vectors", row.cosine == null ? null : digits(row.cosine)],
  ].filter(([, value]) => value != null);
  byId("readout").replaceChildren(...facts.map(([name, value], k) => {
    const fact = document.createElement("div");
    fact.className = k === 0 ? "wide" : "";
    fact.append(element("dt", name), element("dd", value));
    return fact;
  }));
}

function clicked(item) {
  const row = item && item.datum;
  if (!row) return;
  if (row.pair !== undefined) pick(row.pair);
  else if (row.inside !== undefined) chooseMany(row.inside);
  else if (row.member !== undefined) chooseOne(row.member, "click");
}

function onView(panel, view) {
  if (panel === "map") view.addSignalListener("brush", (_, box) => brushed(box));
  view.addEventListener("click", (_, item) => clicked(item));
}

function moveThreshold(value) {
  set("threshold", value);
  const drawn = edges.filter((row) => row.convexity_gap <= value).length;
  byId("threshold-text").textContent = `${digits(value)} nats, ${drawn} of ${edges.length} edges`;
}

// Barriers are shaded from zero to at least twice the threshold: one basin must look like one.
function shade(quantity) {
  const shown = pairs.map((row) => row[quantity]).filter((value) => value != null);
  const barrier = quantity === "convexity_gap" || quantity === "barrier_height";
  set("floor", barrier ? 0 : Math.min(...shown, Infinity));
  set("ceiling", Math.max(...shown, barrier ? 2 * (summary.tau.value || 0) : -Infinity));
  set("quantity", quantity);
}

// A chart of other data is drawn anew, for it may be of another height.
function redraws(name, ...panels) {
  byId(`pick-${name}`)?.addEventListener("change", (event) => {
    live[name] = Number(event.target.value);
    panels.map((panel) => byId(`chart-${panel}`)).filter(Boolean).forEach((box) => draw(box, theme(), onView));
    told();
  });
}

function prepareControls() {
  const slider = byId("threshold");
  if (slider) {
    const highest = Math.max(...edges.map((row) => row.convexity_gap), 1e-9);
    slider.max = highest * 1.02;
    slider.step = highest / 500;
    slider.value = summary.tau.value ?? highest / 2;
    slider.addEventListener("input", () => moveThreshold(Number(slider.value)));
    live.threshold = summary.tau.value ?? highest / 2;
  }
  const listen = (id, name, convert) => {
    const control = byId(id);
    if (control) control.addEventListener("change", () => {
      if (name === "map") choose(null, "control");
      if (name === "quantity") shade(control.value);
      else set(name, convert(control.value));
    });
  };
  listen("pick-map", "map", Number);
  redraws("axis", "settings");
  redraws("view", "diagnostics");
  redraws("slice", "transfer", "along");
  redraws("probe", "probes");
  redraws("curve", "slice_curves");
  redraws("level", "region_map");
  redraws("count", "counts");
  redraws("inside", "orders", "losses", "radii");
  redraws("line", "interpolation", "extrapolation", "radial");
  redraws("centroid", "centroid_angles", "centroid_norms", "centroid_shares");
  redraws("gain", "gains");
  redraws("stage", "stages");
  redraws("score", "stages");
  document.querySelectorAll("tr[data-part]").forEach((row) => row.addEventListener("click", () => {
    byId("pick-slice").value = row.dataset.part;
    byId("pick-slice").dispatchEvent(new Event("change"));
  }));
  listen("pick-quantity", "quantity", String);
  if (byId("pick-a")) {
    const ends = [byId("pick-a"), byId("pick-b")];
    ends.forEach((end) => end.append(...members.map((row) => new Option(row.id, row.member))));
    ends.forEach((end) => end.addEventListener("change", () => pick(findPair(...ends.map((e) => Number(e.value))))));
  }
}

function prepareLinks() {
  chips.forEach((chip) => chip.addEventListener("click", () => {
    chip.setAttribute("aria-pressed", chip.getAttribute("aria-pressed") !== "true");
    chooseChips();
  }));
  byId("clear").addEventListener("click", () => choose(null, "clear"));
  document.querySelectorAll("[data-shows]").forEach((button) => button.addEventListener("click", () => {
    byId(button.dataset.shows).hidden = false;
    button.hidden = true;
  }));
  memberRows.forEach((row) => row.addEventListener("click", () => chooseOne(Number(row.dataset.member), "table")));
}

// What tells the groups apart most, and the pair with the highest gap, are shown first.
function firstChoices() {
  const most = (list, value) => list.reduce((best, row, k) => ((value(row) ?? -1) > (value(list[best]) ?? -1) ? k : best), 0);
  live.names = summary.order.map((member) => summary.labels[member]);
  if (summary.quantities.length) shade(summary.quantities[0].field);
  live.picked = curves.length ? curves[most(curves, (curve) => pairs[curve.pair].convexity_gap)].pair : pairs.length ? 0 : -1;
  live.slice = summary.diagnosis.views[0].parts[0] ?? 0;
  live.probe = summary.probes.first;
  live.curve = summary.ridges.first;
  live.line = summary.first_line;
  live.score = summary.starts.first_score;
  live.centroid = most(summary.centroid_layers.views, (view) => view.rows[0].share);
  ["slice", "probe", "curve", "level", "count", "inside", "line", "centroid", "gain", "stage", "score"].forEach((name) => { if (byId(`pick-${name}`)) byId(`pick-${name}`).value = live[name]; });
  told();
}

function watch() {
  let width = innerWidth, waiting = 0;
  addEventListener("resize", () => {
    // A phone's address bar changes the height only.
    if (innerWidth === width) return;
    width = innerWidth;
    clearTimeout(waiting);
    waiting = setTimeout(() => drawAll(onView), 150);
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => drawAll(onView));
}
