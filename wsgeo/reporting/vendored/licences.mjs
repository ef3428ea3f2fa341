// Writes LICENSES.txt: the licence of every package that esbuild put into vega.js (meta.json).
import fs from "node:fs";
const inputs = Object.values(JSON.parse(fs.readFileSync("meta.json")).outputs)[0].inputs;
const names = new Set(Object.keys(inputs).filter(k => k.startsWith("node_modules/")).map(k => k.split("/").slice(1, k.includes("/@") ? 3 : 2).join("/")));
for (const inlined of ["delaunator", "robust-predicates"]) names.add(inlined);  // inlined by d3-delaunay
const texts = new Map();
for (const name of [...names].sort()) {
  const pkg = JSON.parse(fs.readFileSync(`node_modules/${name}/package.json`));
  const file = fs.readdirSync(`node_modules/${name}`).find(f => /^licen[cs]e/i.test(f));
  const text = file ? fs.readFileSync(`node_modules/${name}/${file}`, "utf8").replace(/\r/g, "").trim() : null;
  if (!text) console.error("no licence file:", name, pkg.license);
  const key = text ?? `${pkg.license} (declared in package.json)`;
  if (!texts.has(key)) texts.set(key, []);
  texts.get(key).push(`${name} ${pkg.version} (${pkg.license})`);
}
let out = "Licences of the packages inside vega.js\n\n";
for (const [text, packages] of texts) out += "=".repeat(80) + "\n" + packages.join("\n") + "\n" + "-".repeat(80) + "\n" + text + "\n\n";
fs.writeFileSync("LICENSES.txt", out);
