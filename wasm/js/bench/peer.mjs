// The peer of the benchmark: what a JavaScript program would do about a snapshot as ECS fills Cloud Map, without this package. It parses,
// checks what it uses, leaves out unhealthy instances, sorts, and writes the same bytes. It knows this kind of input alone: IPv4 addresses, one
// port a service that every instance tells, no hints, revisions below 2^53, default options.

const unusable = /^(?:0|127|169\.254|22[4-9]|23\d|255\.255\.255\.255)(?:\.|$)/;
const hostLabel = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
const severities = ['error', 'warning', 'info'];
const codes = ['InvalidHost', 'InvalidAddress', 'ForbiddenAddress', 'InvalidPort', 'TcpWithoutAddress', 'Unhealthy', 'NoneHealthy'];
const protocols = { 80: 'HTTP', 443: 'HTTPS' };

/** Cloud Map JSON to `{"serviceEntries": [...], "diagnostics": [...]}`. */
export function translateJson(text) {
  const diagnostics = [];
  const entries = JSON.parse(text)
    .services.map((service) => translate(service, diagnostics))
    .filter((entry) => entry !== undefined)
    .sort((a, b) => compare(a.metadata.name, b.metadata.name));
  return JSON.stringify({ serviceEntries: entries, diagnostics: diagnostics.sort(bySeverity) });
}

function translate({ source = 'default', namespace, service, instances, instancesRevision, region }, diagnostics) {
  const host = `${service.Name}.${namespace.Name}`.toLowerCase();
  const say = (severity, code, message, instance) =>
    diagnostics.push({ severity, code, source, namespace: namespace.Name, service: service.Name, ...(instance && { instance }), message });
  if (!host.split('.').every((label) => hostLabel.test(label)) || host.length > 253) {
    say('error', 'InvalidHost', `\`${host}\` is no host`);
    return undefined;
  }
  const used = healthy(instances.map((instance) => provider(instance, say)).filter((one) => one !== undefined), say);
  const numbers = [...new Set(used.map(({ port }) => port))].sort((a, b) => a - b);
  const ports = numbers.map(servicePort);
  const endpoints = unique(used.map((one) => endpoint(one, ports)).sort(byAddressAndPorts));
  const addresses = virtualAddresses(endpoints, ports, say);
  return {
    apiVersion: 'networking.istio.io/v1beta1',
    kind: 'ServiceEntry',
    metadata: {
      name: `cloudmap-${host}`,
      labels: { 'app.kubernetes.io/managed-by': 'istio-cloud-map', 'istio-cloud-map/owner': 'istio-cloud-map' },
      annotations: annotations({ source, namespace, service, instancesRevision, region }),
    },
    spec: { hosts: [host], ...(addresses.length > 0 && { addresses }), ports, resolution: 'STATIC', endpoints },
  };
}

/** Address, port, locality and health of an instance, checked. */
function provider({ InstanceId, HealthStatus, Attributes }, say) {
  const { AWS_INSTANCE_IPV4: address, AWS_INSTANCE_PORT: portText, REGION: region, AVAILABILITY_ZONE: zone } = Attributes;
  const octets = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(address);
  if (!octets || octets.slice(1).some((octet) => Number(octet) > 255)) {
    say('warning', 'InvalidAddress', `AWS_INSTANCE_IPV4 \`${address}\` is not a valid IPv4 address; it is not used`, InstanceId);
    return undefined;
  }
  if (unusable.test(address)) {
    say('warning', 'ForbiddenAddress', `the address ${address} is not to be called`, InstanceId);
    return undefined;
  }
  const port = /^\d{1,5}$/.test(portText) ? Number(portText) : 0;
  if (port < 1 || port > 65535) {
    say('warning', 'InvalidPort', `AWS_INSTANCE_PORT \`${portText}\` is not a number in 1..=65535; the instance is dropped`, InstanceId);
    return undefined;
  }
  return { address, port, locality: zone && `${region ?? zone.replace(/[a-z]$/, '')}/${zone}`, healthy: HealthStatus !== 'UNHEALTHY' };
}

/** Those that are healthy; all, if none is. */
function healthy(providers, say) {
  const used = providers.filter((one) => one.healthy);
  if (used.length === 0 && providers.length > 0) {
    say('warning', 'NoneHealthy', `none of the ${providers.length} instances is healthy, so all are used`);
    return providers;
  }
  const unhealthy = providers.length - used.length;
  if (unhealthy > 0) say('info', 'Unhealthy', `${unhealthy} of ${providers.length} instances are left out: unhealthy`);
  return used;
}

function servicePort(number) {
  const protocol = protocols[number] ?? 'TCP';
  const prefix = protocol.toLowerCase();
  return { number, name: protocols[number] ? prefix : `${prefix}-${number}`, protocol };
}

/** With one service port of a protocol, an endpoint serves it at its own port. */
function endpoint({ address, port, locality }, ports) {
  const own = Object.fromEntries(ports.map(({ name }) => [name, port]));
  return { address, ports: own, ...(locality !== undefined && { locality }) };
}

function byAddressAndPorts(a, b) {
  return compare(a.address, b.address) || compare(JSON.stringify(a.ports), JSON.stringify(b.ports));
}

function unique(endpoints) {
  return endpoints.filter((one, index) => index === 0 || byAddressAndPorts(endpoints[index - 1], one) !== 0);
}

/** A TCP port without an address of its own would take the port of all services. */
function virtualAddresses(endpoints, ports, say) {
  const addresses = [...new Set(endpoints.map(({ address }) => address))];
  const tcp = ports.find(({ protocol }) => protocol === 'TCP');
  if (addresses.length === 1) return addresses;
  if (tcp === undefined) return [];
  if (addresses.length <= 16) return addresses;
  const why = `since there are ${addresses.length} addresses, more than 16; it captures all of 0.0.0.0:${tcp.number}`;
  const what = `TCP port ${tcp.number} has no address of its own, ${why}, and a second such service is unreachable: enable DNS capture`;
  say('warning', 'TcpWithoutAddress', what);
  return [];
}

function bySeverity(a, b) {
  return (
    severities.indexOf(a.severity) - severities.indexOf(b.severity) ||
    codes.indexOf(a.code) - codes.indexOf(b.code) ||
    compare(a.source, b.source) ||
    compare(a.namespace, b.namespace) ||
    compare(a.service, b.service)
  );
}

function annotations({ source, namespace, service, instancesRevision, region }) {
  return {
    'istio-cloud-map/namespace-id': namespace.Id ?? namespace.Name,
    ...(region !== undefined && { 'istio-cloud-map/region': region }),
    ...(instancesRevision !== undefined && { 'istio-cloud-map/revision': String(instancesRevision) }),
    'istio-cloud-map/service-id': service.Id ?? service.Name,
    'istio-cloud-map/source': source,
  };
}

function compare(a, b) {
  return a < b ? -1 : a > b ? 1 : 0;
}
