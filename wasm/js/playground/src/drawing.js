// A ServiceEntry as a drawing: whoever calls a service port on the left reaches the endpoints on the right.

const ROW = 44;
const WIDTH = 760;
const LEFT = { x: 8, width: 250 };
const RIGHT = { x: 470, width: 282 };
const MOST = 24;

/** The drawing of an entry, as an SVG element. */
export function draw(entry) {
  const { hosts, ports = [], endpoints = [], resolution, addresses = [] } = entry.spec;
  const shown = endpoints.slice(0, MOST);
  const rows = Math.max(ports.length, shown.length + (endpoints.length > MOST ? 1 : 0), 1);
  const height = 40 + rows * ROW;
  const svg = element("svg", { viewBox: `0 0 ${WIDTH} ${height}`, role: "img" });
  svg.append(element("title", {}, describe(hosts[0], ports, endpoints)));
  svg.append(label(LEFT.x, 18, hosts[0]), label(RIGHT.x, 18, caption(endpoints, resolution, addresses), "faint"));
  const port = (index) => middle(index, ports.length, rows);
  const endpoint = (index) => middle(index, Math.max(shown.length, 1), rows);
  for (const [p, servicePort] of ports.entries()) {
    for (const [e, target] of shown.entries()) svg.append(link(port(p), endpoint(e), target.ports?.[servicePort.name] === undefined));
  }
  for (const [index, servicePort] of ports.entries()) {
    svg.append(box(LEFT, port(index)), label(LEFT.x + 12, port(index) + 5, `${servicePort.name} ${servicePort.number}`));
    svg.append(label(LEFT.x + LEFT.width - 12, port(index) + 5, servicePort.protocol, "faint", "end"));
  }
  for (const [index, target] of shown.entries()) {
    svg.append(box(RIGHT, endpoint(index)), label(RIGHT.x + 12, endpoint(index) - 1, target.address, "mono"));
    svg.append(label(RIGHT.x + 12, endpoint(index) + 14, details(target, ports), "faint"));
  }
  if (endpoints.length === 0) svg.append(label(RIGHT.x + 12, endpoint(0) + 5, "no endpoints: callers get a 503", "faint"));
  if (endpoints.length > MOST) svg.append(label(RIGHT.x + 12, height - 14, `and ${endpoints.length - MOST} more`, "faint"));
  return svg;
}

function middle(index, count, rows) {
  return 32 + ((rows - count) * ROW) / 2 + index * ROW + ROW / 2;
}

function describe(host, ports, endpoints) {
  const named = ports.map((port) => `${port.name} ${port.number}`).join(", ");
  return `${host}: the ports ${named || "none"} lead to ${endpoints.length} endpoints`;
}

function caption(endpoints, resolution, addresses) {
  const own = addresses.length > 0 ? `, ${addresses.length} address${addresses.length > 1 ? "es" : ""} of its own` : "";
  return `${endpoints.length} endpoint${endpoints.length === 1 ? "" : "s"}, ${resolution}${own}`;
}

/** The ports that an endpoint listens on, and where it is. Without a port of its own it is called at the service port's number. */
function details(endpoint, ports) {
  const own = ports.map((port) => endpoint.ports?.[port.name] ?? port.targetPort ?? port.number);
  const labels = Object.entries(endpoint.labels ?? {}).map(([key, value]) => `${key}=${value}`);
  return [[...new Set(own)].map((number) => `:${number}`).join(" "), endpoint.locality, ...labels].filter(Boolean).join("  ");
}

function link(from, to, sameNumber) {
  const [x1, x2] = [LEFT.x + LEFT.width, RIGHT.x];
  const bend = (x1 + x2) / 2;
  return element("path", { class: sameNumber ? "link same" : "link", d: `M${x1} ${from} C${bend} ${from} ${bend} ${to} ${x2} ${to}` });
}

function box({ x, width }, y) {
  return element("rect", { class: "box", x, y: y - 18, width, height: 36, rx: 6 });
}

function label(x, y, text, kind = "", anchor = "start") {
  return element("text", { x, y, class: kind, "text-anchor": anchor }, text.length > 44 ? `${text.slice(0, 43)}…` : text);
}

function element(name, attributes, text) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}
