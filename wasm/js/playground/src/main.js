// The page: what is typed is translated at once, and shown as YAML, as remarks beside its lines, and as a drawing.

import { explain, init, translateJson } from "istio-cloud-map";
import wasm from "istio-cloud-map/istio_cloud_map.wasm";
import schema from "playground:schema";
import { counted, element, prose } from "./dom.js";
import { draw, redrawLinks } from "./drawing.js";
import { Editor } from "./editor.js";
import { examples } from "./examples.mjs";
import { highlight } from "./highlight.js";
import { optionsForm } from "./options.js";
import { ofDiagnostics, ofError } from "./remarks.js";
import { fromFragment, toFragment } from "./share.js";
import { themeChoice } from "./theme.js";
import { explainEntry } from "./why.js";
import { stream } from "./yaml.mjs";

/** More remarks than these are counted. */
const MOST_REMARKS = 200;

const part = (id) => document.getElementById(id);
const editor = new Editor({ text: part("text"), gutter: part("gutter"), marks: part("marks") });
const form = optionsForm(part("options"), schema, edited);
/** The last good result stays when what is typed next can't be translated. */
let [entries, yaml, remarks] = [[], "", []];
/** What was translated last; explained when somebody asks. */
let last;
let waiting;
let lastTook = 0;

function edited() {
  if (location.hash !== "") history.replaceState(null, "", location.pathname + location.search);
  clearTimeout(waiting);
  waiting = setTimeout(show, Math.max(120, lastTook));
}

function show() {
  clearTimeout(waiting);
  const began = performance.now();
  const result = translated(editor.value);
  remarks = result.remarks;
  if (result.entries) {
    entries = result.entries;
    yaml = stream(entries);
    highlight(part("yaml"), yaml || "# No ServiceEntry. The remarks say why.\n");
    pickEntry();
  }
  old(!result.entries);
  editor.mark(remarks);
  showRemarks();
  part("status").textContent = summary(result);
  part("status").className = ["error", "warning"].find((severity) => remarks.some((remark) => remark.severity === severity)) ?? "good";
  lastTook = performance.now() - began;
}

/** `{ remarks, entries }`, without entries if it can't be translated. */
function translated(text) {
  const { options, bad } = form.read();
  const given = Object.keys(options).filter((name) => name !== "service" && name !== "namespace").length + bad.length;
  part("options-count").textContent = given > 0 ? `(${given} set)` : "";
  needNames("");
  if (bad.length > 0) return { remarks: bad.map(notJson) };
  try {
    const { serviceEntries, diagnostics } = JSON.parse(translateJson(text, options));
    const start = performance.now();
    const found = ofDiagnostics(text, editor.starts, diagnostics);
    performance.measure("remarks", { start });
    last = { text, options };
    return { entries: serviceEntries, remarks: found };
  } catch (error) {
    needNames(error.message);
    return { remarks: [ofError(text, editor.starts, error)] };
  }
}

/** The module names the flags that are missing; here they are fields. */
function needNames(message) {
  for (const name of ["service", "namespace"]) part(name).setAttribute("aria-invalid", String(message.includes(`--cloud-map-${name}`)));
}

function notJson(name) {
  return { severity: "error", code: "InvalidOptions", where: `option ${name}`, message: "the value is not valid JSON", option: name };
}

function old(is) {
  for (const note of document.querySelectorAll(".old")) note.hidden = !is;
  part("main").classList.toggle("stale", is);
  for (const id of ["copy", "download"]) part(id).disabled = is || yaml === "";
}

function summary(result) {
  const of = (severity) => remarks.filter((remark) => remark.severity === severity).length;
  const findings = `${counted(of("error"), "error")}, ${counted(of("warning"), "warning")}`;
  return result.entries ? `${counted(entries.length, "ServiceEntry", "ServiceEntries")}, ${findings}` : `Not translated: ${findings}`;
}

function showRemarks() {
  const shown = remarks.slice(0, MOST_REMARKS).map(remarkItem);
  const left = remarks.length - shown.length;
  if (left > 0) shown.push(element("li", { className: "note" }, `and ${left.toLocaleString("en")} more`));
  if (shown.length === 0) shown.push(element("li", { className: "note" }, "None: nothing was dropped or changed."));
  part("remarks").replaceChildren(...shown);
}

function remarkItem(remark) {
  const head = element("span", { className: "head" }, element("strong", {}, `${remark.severity} ${remark.code}`), ` ${placeOf(remark)}`);
  const button = element("button", { type: "button", className: remark.severity }, head, element("span", {}, ...prose(remark.message)));
  button.addEventListener("click", () => goTo(remark));
  return element("li", {}, button);
}

function placeOf({ line, where }) {
  return line === undefined ? where : `line ${line}, ${where}`;
}

function goTo(remark) {
  view("input");
  const needed = ["service", "namespace"].map(part).find((field) => field.ariaInvalid === "true");
  if (needed) return needed.focus();
  if (remark.line !== undefined) return editor.go(remark.line);
  part("options-box").open = true;
  (part("options").elements.namedItem(remark.option ?? "") ?? part("options").elements[2]).focus();
}

function pickEntry() {
  const select = part("entry");
  const before = select.selectedIndex;
  select.replaceChildren(...entries.map((entry) => element("option", {}, entry.metadata.name)));
  select.selectedIndex = Math.min(Math.max(before, 0), entries.length - 1);
  part("entry-label").hidden = entries.length < 2;
  drawEntry();
}

function drawEntry() {
  const entry = entries[part("entry").selectedIndex];
  if (entry) draw(part("drawing"), entry);
  else part("drawing").replaceChildren(element("p", { className: "note" }, "Nothing to draw."));
  showReasons();
}

/** Only while they are seen: it is another translation. */
function showReasons() {
  if (part("reasons").offsetParent === null || last === undefined) return;
  const explanations = explain(last.text, last.options);
  explainEntry(part("reasons"), explanations, entries[part("entry").selectedIndex]);
}

function lower(name) {
  part("main").dataset.lower = name;
  showReasons();
  part(name).focus();
}

/** F8 and Shift+F8, as editors have it. */
function nextRemark(event) {
  if (event.key !== "F8") return;
  event.preventDefault();
  const lines = remarks.map((remark) => remark.line).filter((line) => line !== undefined);
  const here = editor.line;
  const next = event.shiftKey ? (lines.findLast((line) => line < here) ?? lines.at(-1)) : (lines.find((line) => line > here) ?? lines[0]);
  if (next === undefined) return;
  view("input");
  editor.go(next);
}

/** Copies a text, and confirms it on the button for a moment. */
async function copy(button, text) {
  const label = button.dataset.label ?? button.textContent;
  button.dataset.label = label;
  try {
    await navigator.clipboard.writeText(text);
    confirm(button, "Copied");
  } catch {
    confirm(button, "Not allowed");
  }
}

function confirm(button, word) {
  button.dataset.label ??= button.textContent;
  button.style.minWidth ||= `${button.offsetWidth}px`;
  button.textContent = word;
  setTimeout(() => { button.textContent = button.dataset.label; }, 1500);
}

function download() {
  const name = entries.length === 1 ? entries[0].metadata.name : "serviceentries";
  const url = URL.createObjectURL(new Blob([yaml], { type: "application/yaml" }));
  element("a", { href: url, download: `${name}.yaml` }).click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

async function share() {
  const fragment = await toFragment({ text: editor.value, options: form.read().options });
  if (fragment === undefined) return confirm(part("share"), "Too long");
  history.replaceState(null, "", fragment);
  await copy(part("share"), location.href);
}

/** Shows what the address holds, if anything. */
async function openShared() {
  const shared = await fromFragment(location.hash);
  if (!shared) return false;
  part("example").selectedIndex = -1;
  load(shared.text, shared.options);
  return true;
}

function pickExample() {
  const { text, options = {} } = examples[part("example").selectedIndex];
  edited();
  load(text, options);
}

function load(text, options) {
  form.set(options);
  editor.value = text;
  show();
}

/** On a narrow screen one panel is seen at a time: each section with a name for its tab. */
function view(id) {
  part("main").dataset.view = id;
  for (const tab of part("tabs").children) tab.setAttribute("aria-current", String(tab.dataset.of === id));
  showReasons();
}

function makeTabs() {
  for (const section of document.querySelectorAll("[data-view]")) {
    const tab = element("button", { type: "button" }, section.dataset.view);
    tab.dataset.of = section.id;
    tab.addEventListener("click", () => view(section.id));
    part("tabs").append(tab);
  }
  view("result");
}

makeTabs();
themeChoice(part("theme"));
await init(wasm);
part("example").append(...examples.map(({ name }) => element("option", {}, name)));
part("example").addEventListener("change", pickExample);
part("text").addEventListener("input", edited);
part("entry").addEventListener("change", drawEntry);
part("copy").addEventListener("click", () => copy(part("copy"), yaml));
part("download").addEventListener("click", download);
part("to-why").addEventListener("click", () => lower("why"));
part("to-result").addEventListener("click", () => lower("result"));
part("share").addEventListener("click", share);
part("skip").addEventListener("click", () => view("result"));
addEventListener("hashchange", openShared);
document.addEventListener("keydown", nextRemark);
new ResizeObserver(() => redrawLinks(part("drawing"))).observe(part("drawing"));
part("drawing").addEventListener("toggle", () => redrawLinks(part("drawing")), true);
if (!(await openShared())) pickExample();
