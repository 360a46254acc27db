// What there is to say about an input, and which of its lines each remark speaks of.

import { follow, lineAt, scan } from "./positions.js";

/**
 * Remarks of diagnostics: `{ severity, code, where, message, line }`, sorted by line. `starts` are the places where the lines begin.
 */
export function ofDiagnostics(text, starts, diagnostics) {
  if (diagnostics.length === 0) return [];
  const documents = scan(text);
  const named = byName(documents);
  const remarks = diagnostics.map((diagnostic) => ({
    severity: diagnostic.severity,
    code: diagnostic.code,
    where: [[diagnostic.namespace, diagnostic.service].filter(Boolean).join("/"), diagnostic.instance].filter(Boolean).join(" "),
    message: diagnostic.message,
    line: lineAt(starts, place(documents, named, diagnostic)),
  }));
  return remarks.sort((a, b) => a.line - b.line);
}

/** The one remark of an error that the module throws. */
export function ofError(text, starts, error) {
  const kind = error.kind ?? error.name;
  const remark = { severity: "error", code: kind, where: kind === "InvalidOptions" ? "options" : "input", message: error.message };
  return { ...remark, line: kind === "InvalidOptions" ? undefined : lineOfError(text, starts, error.message) };
}

function lineOfError(text, starts, message) {
  const line = /^line (\d+), column/.exec(message);
  if (line) return Number(line[1]);
  const documents = scan(text);
  const [, number, path] = /^(?:document (\d+): )?([\w.[\]-]+): /.exec(message) ?? [];
  const document = documents[Number(number ?? 1) - 1];
  return lineAt(starts, (path && follow(document, path)?.start) ?? document?.start ?? 0);
}

function place(documents, named, diagnostic) {
  const path = /^(?:document (\d+): )?((?:services|Instances)\[[\w.[\]-]+): /.exec(diagnostic.message);
  if (path) return follow(documents[Number(path[1] ?? 1) - 1], path[2])?.start ?? 0;
  const { namespace, service, instance } = diagnostic;
  return first(named, namespace, service, instance) ?? first(named, namespace, service) ?? documents[0]?.start ?? 0;
}

/** Where each service and instance first is, by its names. */
function byName(documents) {
  const places = new Map();
  const put = (key, start) => void (places.has(key) || places.set(key, start));
  for (const { namespace, service, node, instances } of documents.flatMap(servicesOf)) {
    put(keyOf(namespace, service), node.start);
    for (const item of instances) put(keyOf(namespace, service, textOf(item, "InstanceId", "Id")), item.start);
  }
  return places;
}

/** The first place for these names. What does not say its name may be any service's. */
function first(named, namespace, service, instance) {
  const names = [[namespace, service], [undefined, service], [namespace, undefined], [undefined, undefined]];
  const starts = names.map(([a, b]) => named.get(keyOf(a, b, instance))).filter((start) => start !== undefined);
  return starts.length > 0 ? Math.min(...starts) : undefined;
}

function keyOf(...names) {
  return JSON.stringify(names.filter((name, index) => index < 2 || name !== undefined));
}

/** The services that a document speaks of: `{ namespace, service, node, instances }`. */
function servicesOf(document) {
  const listed = (document.fields?.get("services")?.items ?? []).map((node) => ({
    namespace: textOf(node.fields?.get("namespace"), "Name"),
    service: textOf(node.fields?.get("service"), "Name"),
    node: node.fields?.get("service") ?? node,
    instances: node.fields?.get("instances")?.items ?? [],
  }));
  const discovered = (document.fields?.get("Instances")?.items ?? []).map((node) => ({
    namespace: textOf(node, "NamespaceName"),
    service: textOf(node, "ServiceName"),
    node,
    instances: [node],
  }));
  return [...listed, ...discovered];
}

function textOf(node, ...keys) {
  return keys.map((key) => node?.fields?.get(key)?.text).find((text) => text !== undefined);
}
