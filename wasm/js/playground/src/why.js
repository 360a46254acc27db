// Why an entry is as it is: the core's reasons, in a table for each thing that they are about.

import { element, prose } from "./dom.js";

/** More rows of a table than these are counted. */
const MOST = 200;

/** Shows the reasons for an entry, and why other services have none. */
export function explainEntry(container, explanations, entry) {
  const own = explanations.find(({ host }) => host !== undefined && host === entry?.spec.hosts[0]);
  const parts = own ? tables(own.reasons) : [];
  for (const { namespace, service, reasons } of explanations.filter(({ host }) => host === undefined).slice(0, MOST)) {
    parts.push(table(`${namespace}/${service} has no entry`, reasons.map((reason) => ["", reason.message])));
  }
  container.replaceChildren(...(parts.length > 0 ? parts : [element("p", { className: "note" }, "Nothing to explain.")]));
}

function tables(reasons) {
  const of = (test, subject) => reasons.filter(test).map((reason) => [subject(reason), reason.message]);
  return [
    table("Entry", of((r) => !r.instance && !r.endpoint && r.port === undefined, (r) => words(r.rule))),
    table("Service ports", of((r) => !r.endpoint && r.port !== undefined, (r) => `${r.port} ${words(r.rule)}`)),
    table("Endpoints", of((r) => r.endpoint, (r) => [r.endpoint, r.port === undefined ? words(r.rule) : `behind port ${r.port}`].join(" "))),
    table("Instances", of((r) => r.instance, (r) => `${r.instance} ${words(r.rule)}`)),
  ].filter(Boolean);
}

/** `VirtualAddresses` is read as `virtual addresses`. */
function words(rule) {
  return rule.replace(/(?<=[a-z])(?=[A-Z])/g, " ").toLowerCase();
}

function table(caption, rows) {
  if (rows.length === 0) return undefined;
  const shown = rows.slice(0, MOST).map(([subject, message]) => element("tr", {}, element("th", { scope: "row" }, subject), element("td", {}, ...prose(message))));
  const left = rows.length - shown.length;
  if (left > 0) shown.push(element("tr", {}, element("td", { className: "note", colSpan: 2 }, `and ${left.toLocaleString("en")} more`)));
  return element("table", {}, element("caption", {}, caption), element("tbody", {}, ...shown));
}
