// A ServiceEntry as a drawing: whoever calls a service port on the left reaches the endpoints on the right. Boxes are HTML, so that text
// keeps its size and wraps; the lines between them are measured from the boxes. A narrow drawing has its boxes stacked and no lines.

import { counted, element } from "./dom.js";

/** More endpoints than this are grouped. */
const MOST = 24;

/** Draws an entry into an element, which `redrawLinks` then keeps up with. */
export function draw(container, entry) {
  const { hosts, ports = [], endpoints = [], resolution, addresses = [] } = entry.spec;
  const groups = grouped(endpoints, ports);
  const portBoxes = ports.map((port) => item("box port", number(port.number), name(port.name), tag(port.protocol)));
  const endpointBoxes = groups.map((group) => (group.length === 1 ? endpointBox(group[0], ports) : groupBox(group, ports)));
  const right = element("ul", { className: "column", ariaLabel: "Endpoints" }, ...endpointBoxes);
  if (endpoints.length === 0) right.append(item("box none", "No endpoints: callers get a 503"));
  const lines = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  lines.setAttribute("aria-hidden", "true");
  container.replaceChildren(
    element("p", { className: "host" }, element("strong", {}, ...hosts.flatMap((host, index) => (index > 0 ? [", ", host] : [host]))),
      element("span", {}, [`resolution ${resolution}`, virtual(addresses)].filter(Boolean).join(", "))),
    element("div", { className: "columns" },
      element("h3", {}, counted(ports.length, "service port")),
      element("h3", { className: "of-endpoints" }, counted(endpoints.length, "endpoint") + (groups.length < endpoints.length ? `, in ${counted(groups.length, "group")}` : "")),
      element("ul", { className: "column", ariaLabel: "Service ports" }, ...portBoxes),
      right,
      lines),
  );
  links(lines, portBoxes, endpointBoxes);
}

/** Measures the lines anew, after the drawing got another size. */
export function redrawLinks(container) {
  const lines = container.querySelector("svg");
  if (lines) links(lines, [...container.querySelectorAll(".port")], [...container.querySelectorAll(".endpoint")]);
}

function links(svg, from, to) {
  const curves = from.flatMap((port) => to.map((endpoint) => {
    const [x1, y1, x2, y2] = [port.offsetLeft + port.offsetWidth, middle(port), endpoint.offsetLeft, middle(endpoint)];
    const bend = (x1 + x2) / 2;
    return x2 > x1 ? `M${x1} ${y1}C${bend} ${y1} ${bend} ${y2} ${x2} ${y2}` : "";
  }));
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", curves.join(""));
  svg.replaceChildren(path);
}

function middle(box) {
  return box.offsetTop + Math.min(box.offsetHeight, 60) / 2;
}

/** Each endpoint alone, or as finely grouped as fits: by zone, weight and ports, then with less of these. */
function grouped(endpoints, ports) {
  if (endpoints.length <= MOST) return endpoints.map((endpoint) => [endpoint]);
  const zone = (endpoint) => endpoint.locality;
  const weight = (endpoint) => endpoint.weight;
  const own = (endpoint) => portsOf(endpoint, ports);
  const ways = [[zone, weight, own], [zone, weight], [zone], []];
  for (const way of ways) {
    const groups = new Map();
    for (const endpoint of endpoints) {
      const key = JSON.stringify(way.map((facet) => facet(endpoint) ?? null));
      if (groups.has(key)) groups.get(key).push(endpoint);
      else groups.set(key, [endpoint]);
    }
    if (groups.size <= MOST) return [...groups.values()];
  }
  return [endpoints];
}

function endpointBox(endpoint, ports) {
  const labels = Object.entries(endpoint.labels ?? {}).map(([key, value]) => `${key}=${value}`);
  const weight = endpoint.weight === undefined ? undefined : `weight ${endpoint.weight}`;
  return item("box endpoint", name(endpoint.address), number(portsOf(endpoint, ports)), ...[endpoint.locality, weight, ...labels].filter(Boolean).map(tag));
}

function groupBox(group, ports) {
  const box = item("box endpoint group", element("strong", {}, counted(group.length, "endpoint")),
    number(common(group.map((endpoint) => portsOf(endpoint, ports)), "different ports")),
    ...[common(group.map(({ locality }) => locality), "zones"), common(group.map(({ weight }) => weight && `weight ${weight}`), "weights")].filter(Boolean).map(tag));
  box.append(element("details", {}, element("summary", {}, "Addresses"), element("p", {}, group.map(({ address }) => address).join(", "))));
  return box;
}

/** What all have, or how many different ones there are. */
function common(values, words) {
  const different = new Set(values);
  return different.size === 1 ? values[0] : `${different.size} ${words}`;
}

/** The ports that an endpoint listens on. Without a port of its own it is called at the service port's target or number. */
function portsOf(endpoint, ports) {
  const own = ports.map((port) => endpoint.ports?.[port.name] ?? port.targetPort ?? port.number);
  return [...new Set(own)].map((port) => `:${port}`).join(" ");
}

function virtual(addresses) {
  if (addresses.length === 0) return "no virtual address";
  return addresses.length === 1 ? `virtual address ${addresses[0]}` : `${addresses.length} virtual addresses`;
}

function item(className, ...children) {
  return element("li", { className }, ...children);
}

function name(text) {
  return element("span", { className: "name" }, text);
}

function number(text) {
  return element("span", { className: "number" }, String(text));
}

function tag(text) {
  return element("span", { className: "tag" }, text);
}
