// The page: what is typed is translated at once, and shown as YAML, as remarks beside its lines, and as a drawing.

import { init, translateJson } from "istio-cloud-map";
import wasm from "istio-cloud-map/istio_cloud_map.wasm";
import examples from "playground:examples";
import schema from "playground:schema";
import { Editor } from "./editor.js";
import { draw } from "./drawing.js";
import { optionsForm } from "./options.js";
import { ofDiagnostics, ofError } from "./remarks.js";
import { stream } from "./yaml.mjs";

const part = (id) => document.getElementById(id);
const editor = new Editor({ text: part("text"), gutter: part("gutter"), marks: part("marks") });
const form = optionsForm(part("options"), schema, soon);
let shown = { entries: [], remarks: [] };
let waiting;

function soon() {
  clearTimeout(waiting);
  waiting = setTimeout(show, 120);
}

function show() {
  const text = editor.value;
  const { options, bad } = form.read();
  const given = Object.keys(options).length;
  part("options-count").textContent = given > 0 ? `(${given} set)` : "";
  shown = bad.length > 0 ? { entries: shown.entries, remarks: bad.map(notJson) } : translated(text, options);
  editor.mark(shown.remarks);
  part("status").textContent = summary(shown);
  part("yaml").textContent = stream(shown.entries);
  part("remarks").replaceChildren(...shown.remarks.map(remarkItem));
  pickEntry();
}

function translated(text, options) {
  if (text.trim() === "") return { entries: [], remarks: [] };
  try {
    const { serviceEntries, diagnostics } = JSON.parse(translateJson(text, options));
    return { entries: serviceEntries, remarks: ofDiagnostics(text, diagnostics) };
  } catch (error) {
    return { entries: [], remarks: [ofError(text, error)] };
  }
}

function notJson(name) {
  return { severity: "error", code: "InvalidOptions", where: `options ${name}`, message: "it is no JSON" };
}

function summary({ entries, remarks }) {
  const counted = (count, word) => `${count} ${word}${count === 1 ? "" : "s"}`;
  const of = (severity) => remarks.filter((remark) => remark.severity === severity).length;
  const endings = [counted(of("error"), "error"), counted(of("warning"), "warning")];
  return [counted(entries.length, "ServiceEntr").replace(/ServiceEntr(s?)$/, (_, plural) => (plural ? "ServiceEntries" : "ServiceEntry")), ...endings].join(", ");
}

function remarkItem(remark) {
  const item = document.createElement("li");
  const button = document.createElement("button");
  button.type = "button";
  button.className = remark.severity;
  button.append(span("what", `${remark.severity} ${remark.code}`), span("where", placeOf(remark)), span("message", remark.message));
  button.addEventListener("click", () => goTo(remark));
  item.append(button);
  return item;
}

function placeOf({ line, where }) {
  return line === undefined ? where : `line ${line}  ${where}`;
}

function goTo(remark) {
  if (remark.line !== undefined) return editor.go(remark.line);
  part("options-box").open = true;
  part("options").elements[0].focus();
}

function span(kind, text) {
  return Object.assign(document.createElement("span"), { className: kind, textContent: text });
}

function pickEntry() {
  const select = part("entry");
  const before = select.selectedIndex;
  select.replaceChildren(...shown.entries.map((entry) => Object.assign(document.createElement("option"), { textContent: entry.metadata.name })));
  select.selectedIndex = Math.min(Math.max(before, 0), shown.entries.length - 1);
  part("entry-label").hidden = shown.entries.length < 2;
  drawEntry();
}

function drawEntry() {
  const entry = shown.entries[part("entry").selectedIndex];
  part("drawing").replaceChildren(...(entry ? [draw(entry)] : []));
}

/** F8 and Shift+F8, as editors have it. */
function nextRemark(event) {
  if (event.key !== "F8") return;
  event.preventDefault();
  const lines = shown.remarks.map((remark) => remark.line).filter((line) => line !== undefined);
  const here = editor.line;
  const next = event.shiftKey ? (lines.findLast((line) => line < here) ?? lines.at(-1)) : (lines.find((line) => line > here) ?? lines[0]);
  if (next !== undefined) editor.go(next);
}

async function copy() {
  const text = part("yaml").textContent;
  try {
    await navigator.clipboard.writeText(text);
    part("status").textContent = "copied";
  } catch {
    getSelection().selectAllChildren(part("yaml"));
    part("status").textContent = "selected; copy it with the keyboard";
  }
}

function toggleTheme() {
  const dark = !isDark();
  document.documentElement.dataset.theme = dark ? "dark" : "light";
  part("theme").setAttribute("aria-pressed", String(dark));
}

function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

function pickExample() {
  const example = examples[part("example").selectedIndex];
  form.set(example.options);
  editor.value = example.input;
  show();
}

await init(wasm);
part("example").append(...examples.map(({ name }) => Object.assign(document.createElement("option"), { textContent: name })));
part("theme").setAttribute("aria-pressed", String(isDark()));
part("example").addEventListener("change", pickExample);
part("text").addEventListener("input", soon);
part("entry").addEventListener("change", drawEntry);
part("copy").addEventListener("click", copy);
part("theme").addEventListener("click", toggleTheme);
document.addEventListener("keydown", nextRemark);
pickExample();
