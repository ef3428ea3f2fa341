// Drawing: one Vega view per chart, parameters by name, colours from the style sheet.
const Vega = window.wsgeoVega;
const views = new Map();
const live = {
  chosen: null, picked: -1, threshold: 0, map: 0, quantity: "convexity_gap", floor: 0, ceiling: 1, names: [],
  axis: 0, view: 0, slice: 0, probe: 0, curve: 0,
  level: 0, count: 0, inside: 0, line: 0, centroid: 0, gain: 0, stage: 0, score: 0,
};
const themed = ["ink", "muted", "paper", "rule", "within", "between", ...Array.from({ length: 8 }, (_, k) => `g${k}`)];
const renderer = members.length > 40 ? "canvas" : "svg";

const property = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

function theme() {
  themed.forEach((name) => { live[name] = property(name); });
  const { ink, muted, rule } = live, font = property("sans");
  return {
    background: null, font, padding: 2,
    axis: {
      labelColor: muted, titleColor: muted, gridColor: rule, domainColor: rule, tickColor: rule,
      labelFontSize: 11, titleFontSize: 12, titleFontWeight: 400, labelPadding: 5, titlePadding: 8,
    },
    legend: { labelColor: muted, titleColor: muted, labelFontSize: 12, labelLimit: 240 },
    view: { stroke: null }, text: { color: ink },
    range: {
      category: [0, 1, 2, 3, 4, 5, 6, 7].map((k) => property(`g${k}`)),
      symbol: ["circle", "square", "triangle-up", "diamond", "cross", "triangle-down", "triangle-right"],
    },
  };
}

const tip = document.getElementById("tip");
function showTip(_, event, __, value) {
  tip.hidden = value == null || typeof value !== "object";
  if (tip.hidden) return;
  const list = document.createElement("dl");
  Object.entries(value).forEach(([name, text]) => {
    if (text == null || text === "" || text === "null") return;
    list.append(element("dt", name), element("dd", String(text)));
  });
  tip.replaceChildren(list);
  const { width, height } = tip.getBoundingClientRect();
  const x = event.clientX + 14, y = event.clientY + 14;
  tip.style.transform = `translate(${Math.max(4, Math.min(x, innerWidth - width - 4))}px, ${
    y + height > innerHeight ? event.clientY - height - 10 : y}px)`;
}

function element(name, text) {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}

// The specification with data, present parameters and the width of its place on the page.
function complete(panel, box) {
  const spec = structuredClone(specs[panel]);
  const sets = new Set(JSON.stringify(specs[panel]).match(/(?<="data":\{"name":")\w+/g));
  spec.datasets = Object.fromEntries([...sets].map((name) => [name, fresh[name] ? fresh[name]() : datasets[name]]));
  spec.params.push(...themed.map((name) => ({ name, value: live[name] })));
  spec.params.forEach((param) => { if (param.name in live) param.value = live[param.name]; });
  spec.width = Math.max(240, box.clientWidth);
  if (panel === "heatmap") spec.height = Math.min(spec.width, 560);
  if (panel === "settings") spec.height = 30 * summary.settings.axes[live.axis].values.length;
  if (panel in nRows) spec.height *= Math.max(1, nRows[panel]());
  spec.autosize = { type: panel === "heatmap" ? "fit" : "fit-x", contains: "padding" };
  return spec;
}

function draw(box, config, onView) {
  const panel = box.dataset.chart;
  if (views.has(panel)) views.get(panel).finalize();
  box.replaceChildren();
  const { spec } = Vega.compile(complete(panel, box), { config });
  const view = new Vega.View(Vega.parse(spec, null, { ast: true }), {
    container: box, renderer, hover: true, tooltip: showTip, expr: Vega.expressionInterpreter,
    // An empty layer is no fault worth a warning.
    logLevel: Vega.errorsOnly,
  });
  views.set(panel, view);
  onView(panel, view);
  return view.runAsync();
}

// One chart per frame, so that the page can be read and scrolled while it fills.
let drawing = 0;
async function drawAll(onView) {
  const mine = ++drawing, config = theme();
  for (const box of document.querySelectorAll("[data-chart]")) {
    await draw(box, config, onView);
    await new Promise((resolve) => { setTimeout(resolve); });
    if (mine !== drawing) return;
  }
  document.documentElement.dataset.drawn = "yes";
}

// Set a parameter in every view that has it.
function set(name, value) {
  live[name] = value;
  views.forEach((view, panel) => {
    if (specs[panel].params.some((param) => param.name === name)) view.signal(name, value).runAsync();
  });
}
