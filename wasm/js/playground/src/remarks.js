// What there is to say about an input, and which of its lines each remark speaks of.

import { follow, lineAt, scan } from "./positions.js";

/**
 * Remarks of diagnostics: `{ severity, code, where, message, line }`, sorted by line.
 */
export function ofDiagnostics(text, diagnostics) {
  const documents = scan(text);
  const remarks = diagnostics.map((diagnostic) => ({
    severity: diagnostic.severity,
    code: diagnostic.code,
    where: [[diagnostic.namespace, diagnostic.service].filter(Boolean).join("/"), diagnostic.instance].filter(Boolean).join(" "),
    message: diagnostic.message,
    line: lineAt(text, place(documents, diagnostic)),
  }));
  return remarks.sort((a, b) => a.line - b.line);
}

/** The one remark of an error that the module throws. */
export function ofError(text, error) {
  const kind = error.kind ?? error.name;
  const remark = { severity: "error", code: kind, where: kind === "InvalidOptions" ? "options" : "input", message: error.message };
  return { ...remark, line: kind === "InvalidOptions" ? undefined : lineOfError(text, error.message) };
}

function lineOfError(text, message) {
  const line = /^line (\d+), column/.exec(message);
  if (line) return Number(line[1]);
  const documents = scan(text);
  const [, number, path] = /^(?:document (\d+): )?([\w.[\]-]+): /.exec(message) ?? [];
  const document = documents[Number(number ?? 1) - 1];
  return lineAt(text, (path && follow(document, path)?.start) ?? document?.start ?? 0);
}

function place(documents, diagnostic) {
  const path = /^(?:document (\d+): )?((?:services|Instances)\[[\w.[\]-]+): /.exec(diagnostic.message);
  if (path) return follow(documents[Number(path[1] ?? 1) - 1], path[2])?.start ?? 0;
  const services = documents.flatMap(servicesOf).filter((service) => isOf(service, diagnostic));
  const instances = services.flatMap((service) => service.instances);
  const instance = instances.find((item) => textOf(item, "InstanceId", "Id") === diagnostic.instance);
  const found = diagnostic.instance === undefined ? services[0]?.node : (instance ?? services[0]?.node);
  return found?.start ?? documents[0]?.start ?? 0;
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

/** What does not say its name may be any service's. */
function isOf(service, diagnostic) {
  const same = (name, wanted) => name === undefined || name === wanted;
  return same(service.namespace, diagnostic.namespace) && same(service.service, diagnostic.service);
}

function textOf(node, ...keys) {
  return keys.map((key) => node?.fields?.get(key)?.text).find((text) => text !== undefined);
}
