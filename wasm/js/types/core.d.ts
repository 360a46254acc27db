// The types of istio-cloud-map. Generated from the Rust types: do not edit.
// UPDATE_GOLDEN=1 cargo test -p istio-cloud-map-core --test schema

/** Cloud Map JSON in one of its three shapes, told apart by their keys. Unknown keys are ignored. */
export type CloudMapInput = DiscoverInstancesOutput | ListInstancesOutput | Snapshot;

/** What the input itself may not say. */
export type InputNames = {
  /** The Cloud Map namespace's name, for what `list-instances` prints. */
  namespace?: string | undefined;
  /** The Cloud Map service's name, for what `list-instances` prints. */
  service?: string | undefined;
  /** The name of the source; `default`, if absent. */
  source?: string | undefined;
  /** The AWS region. */
  region?: string | undefined;
};

/** How services are translated. Every field has the documented default. */
export type TranslationOptions = {
  /**
   * The value of the owner label: the operator's `--id`.
   * @default "istio-cloud-map"
   */
  owner?: string | undefined;
  /**
   * The version that entries are written in.
   * - `networking.istio.io/v1beta1`: Served by every Istio since 1.8.
   * - `networking.istio.io/v1`: Served since Istio 1.22.
   * - `networking.istio.io/v1alpha3`: The oldest version.
   * @default "networking.istio.io/v1beta1"
   */
  apiVersion?: ApiVersion | "v1beta1" | "v1" | "v1alpha3" | undefined;
  /** The Kubernetes namespace written into entries; none, if absent. */
  targetNamespace?: string | undefined;
  /**
   * Which instances are used, by their health.
   * - `healthyOrElseAll`: The healthy ones; all, if none is.
   * - `healthy`: The healthy ones.
   * - `all`: All.
   * @default "healthyOrElseAll"
   */
  health?: HealthMode | undefined;
  /**
   * Which addresses of an instance with both an IPv4 and an IPv6 address are used.
   * - `preferIpv4`: IPv4; IPv6 where there is none.
   * - `preferIpv6`: IPv6; IPv4 where there is none.
   * - `dual`: Both, as two endpoints.
   * @default "preferIpv4"
   */
  ipFamily?: IpFamily | undefined;
  /**
   * Addresses that no endpoint may have. By default loopback, unspecified, link-local (including
   * the metadata service) and multicast.
   * @default ["0.0.0.0/8","127.0.0.0/8","169.254.0.0/16","224.0.0.0/4","255.255.255.255/32","::/128","::1/128","fe80::/10","ff00::/8","fd00:ec2::/32"]
   */
  denyCidrs?: Array<Cidr> | undefined;
  /**
   * Addresses that an endpoint may have although they are denied.
   * @default []
   */
  allowCidrs?: Array<Cidr> | undefined;
  /**
   * From a label of endpoints to the attribute that has its value.
   * @default {}
   */
  endpointLabels?: { [key in LabelKey]: string } | undefined;
  /**
   * Labels of the entry. Each value is a text, `{"attribute": KEY}` or `{"tag": KEY}`: the service
   * attribute or the tag that has the value, where that is read; without it, there is no such
   * label. A changed label makes Istio push its configuration to all proxies.
   * @default {}
   */
  entryLabels?: { [key in LabelKey]: EntryValue } | undefined;
  /**
   * Annotations of the entry, as `entryLabels`, with any text as a value.
   * @default {}
   */
  entryAnnotations?: { [key in LabelKey]: EntryValue } | undefined;
  /** The attribute that has an endpoint's weight. */
  weightAttribute?: string | undefined;
  /**
   * Whether a service without endpoints has an entry.
   * - `keep`: An entry without endpoints, so that clients get a 503.
   * - `omit`: No entry.
   * @default "keep"
   */
  emptyService?: EmptyService | undefined;
  /**
   * Which virtual addresses an entry has.
   * - `auto`: The IP of a single endpoint. With more endpoints: up to 16 IPs if a port is not routed by name, else none. In an ambient mesh: none.
   * - `none`: None.
   * - `endpoints`: The endpoints' IPs, up to 64.
   * @default "auto"
   */
  addresses?: Addresses | undefined;
  /**
   * Which data plane the clients use.
   * - `sidecar`: Sidecars.
   * - `ambient`: Istio's ambient mode, for some clients or for all. `addresses: auto` lists none, since ztunnel takes a call to an endpoint's IP to the endpoint, past the waypoint of the service.
   * - `auto`: Whichever the cluster has: ambient, if its istiod serves that. The operator asks the cluster when it starts and when its configuration changes; where there is none to ask, sidecars.
   * @default "sidecar"
   */
  mesh?: Mesh | undefined;
  /**
   * The protocol of a port by its number, beside 80 `HTTP` and 443 `HTTPS`.
   * @default {}
   */
  protocols?: { [key in number]: Protocol } | undefined;
  /**
   * The service port for host-mapped ports of ECS, `name:number`. A target port is ignored.
   * @default "http:80"
   */
  dynamicPort?: PortSpec | undefined;
  /** Where services are, seen from the mesh; left out, if absent. */
  location?: Location | undefined;
  /** Which Kubernetes namespaces see the entries; all, if empty. */
  exportTo?: ExportTo | undefined;
  /**
   * How two services that claim one host are handled.
   * - `refuse`: The first by source, namespace id and service id gets the host; the others are reported.
   * - `merge`: One entry of all of them, each endpoint with its own region.
   * @default "refuse"
   */
  conflicts?: Conflicts | undefined;
  /** Options for single services. If several match, the first that sets a field decides it. */
  overrides?: Array<Override> | undefined;
};

/** How to plan. */
export type PlanSettings = {
  /**
   * An entry with this owner label is ours, if its source is read.
   * @default "istio-cloud-map"
   */
  owner?: string | undefined;
  /**
   * Which kinds of change are made.
   * - `sync`: Create, update and delete.
   * - `upsert-only`: Create and update; never delete.
   * - `create-only`: Create; never change what exists.
   * @default "sync"
   */
  policy?: Policy | undefined;
  /**
   * Take over entries without an owner that have the name that we would give.
   * @default false
   */
  adopt?: boolean | undefined;
  /**
   * The maximum share of owned entries that may be deleted, or emptied, within ten minutes, in
   * percent (from 10 entries).
   * @default 30
   */
  maxDeletePercent?: number | undefined;
  /**
   * Delete and empty any number.
   * @default false
   */
  forceDeletes?: boolean | undefined;
};

/** What a plan is made of. */
export type PlanInput = {
  /** Entries as a translation makes them. Their annotations say which scope each is of. */
  desired?: Array<ServiceEntry> | undefined;
  /** Objects as Kubernetes stores them, of any owner. */
  observed?: Array<object> | undefined;
  /** What was read completely. Of what is not named here nothing is deleted. */
  scopes?: PlanScopes | undefined;
};

/** What a translation gives. */
export type Translation = {
  /** Sorted by namespace and name. */
  serviceEntries: Array<ServiceEntry>;
  /** What was skipped, dropped or degraded, sorted. */
  diagnostics: Array<Diagnostic>;
};

/** Why a service's entry is as it is. */
export type Explanation = {
  /** The source's name. */
  source: string;
  /** The Cloud Map namespace's name. */
  namespace: string;
  /** The Cloud Map service's name. */
  service: string;
  /** The host of its entry, if it has one. */
  host?: string;
  /** The rule behind each part of the entry, in the order in which rules apply. */
  reasons: Array<Reason>;
};

/** One finding about an entry: an error if the entry would be rejected, else a warning. */
export type Finding = {
  /** Error or warning. */
  severity: Severity;
  /** The path in the entry, `spec.ports[0].number` for example; empty for the whole document. */
  path: string;
  /** What it is about. */
  rule: Rule;
  /** What is wrong, and what was expected. */
  message: string;
};

/**
 * What to do, and what not to do; both sorted by entry. As JSON `{"changes": [{"namespace",
 * "name", "action": "create"}, ...], "refusals": [{"namespace", "name", "reason": "guard"},
 * ...]}`.
 */
export type Plan = {
  /** To be made. */
  changes: Array<Change>;
  /** Not to be made. */
  refusals: Array<Refusal>;
};

/** Which virtual addresses an entry has. */
export type Addresses = "auto" | "none" | "endpoints";

/** Which version of `networking.istio.io` an entry is written in. The three have one schema. */
export type ApiVersion = "networking.istio.io/v1beta1" | "networking.istio.io/v1" | "networking.istio.io/v1alpha3";

/** A change to make. */
export type Change = {
  /** Its Kubernetes namespace. */
  namespace: string;
  /** Its name. */
  name: string;
} & ({ "action": "create" } | {
  "action": "update";
  /** The fields of the spec that differ, and `labels` or `annotations`. */
  fields: Array<string>;
  /** It had endpoints and would have none. */
  empties: boolean;
} | {
  "action": "adopt";
  /** The fields of the spec that differ, and `labels` or `annotations`. */
  fields: Array<string>;
  /** It had endpoints and would have none. */
  empties: boolean;
} | { "action": "delete" });

/** A range of addresses, `10.0.0.0/8`; a single address is a range of one. Host bits are ignored. */
export type Cidr = string;

/** A namespace as `ListNamespaces` and `GetNamespace` return it. */
export type CloudMapNamespace = {
  /** `ns-...` */
  Id?: string | null | undefined;
  /** Needed to read a namespace that another account shares. */
  Arn?: string | null | undefined;
  /** The second part of every host in it. */
  Name?: string | undefined;
  /** `HTTP`, `DNS_PRIVATE` or `DNS_PUBLIC` */
  Type?: string | null | undefined;
  /** The account that owns it. */
  ResourceOwner?: string | null | undefined;
  /** Holds the name that `DiscoverInstances` takes. */
  Properties?: NamespaceProperties | null | undefined;
};

/** A service as `ListServices` and `GetService` return it. */
export type CloudMapService = {
  /** `srv-...`; a service that is recreated may have the same id. */
  Id?: string | null | undefined;
  /** The ARN. */
  Arn?: string | null | undefined;
  /** The first part of its host; `.` is the namespace itself. */
  Name?: string | undefined;
  /** `HTTP`, `DNS_HTTP` or `DNS` */
  Type?: string | null | undefined;
  /** Free text. */
  Description?: string | null | undefined;
  /** A Route 53 health check; its type is a hint for the protocol. */
  HealthCheckConfig?: HealthCheckConfig | null | undefined;
  /** A health check with an externally reported status; only its presence counts. */
  HealthCheckCustomConfig?: object | null | undefined;
};

/** The closed list of what a diagnostic can be about. */
export type Code =
  | "InvalidHost"
  | "InvalidNamespace"
  | "InvalidInstance"
  | "MaybeIncomplete"
  | "InvalidAddress"
  | "ForbiddenAddress"
  | "InvalidPort"
  | "InvalidHint"
  | "InvalidLabel"
  | "InvalidWeight"
  | "PortNotServed"
  | "TooManyPorts"
  | "DynamicPorts"
  | "PortsUnknown"
  | "TcpWithoutAddress"
  | "TooManyAddresses"
  | "WaypointBypassed"
  | "SharedAddress"
  | "LimitExceeded"
  | "TransformFailed"
  | "Unhealthy"
  | "NoneHealthy"
  | "Excluded"
  | "HostConflict"
  | "Conflict"
  | "OtherSource"
  | "ReadFailed"
  | "WriteFailed"
  | "WatchFailed"
  | "ReloadFailed"
  | "ReloadHeld"
  | "WriteNotKept"
  | "WaypointNotBound"
  | "NoAllocatedAddress"
  | "IstioCondition"
  | "DeletesRefused";

/** How two services that claim one host are handled. */
export type Conflicts = "refuse" | "merge";

/** One message, about one service or one of its instances. */
export type Diagnostic = {
  /** How bad it is. */
  severity: Severity;
  /** What it is about. */
  code: Code;
  /** The source's name, `default` if there is only one. */
  source: string;
  /** The Cloud Map namespace's name. */
  namespace: string;
  /** The Cloud Map service's name; empty if it is about a whole namespace or source. */
  service: string;
  /** The instance's id, if it is about one instance. */
  instance?: string;
  /** What is wrong, and what was expected. */
  message: string;
};

/**
 * What `aws servicediscovery discover-instances` prints: one or several services, by the names on
 * their instances.
 */
export type DiscoverInstancesOutput = {
  /**
   * In any order. The type lets them be absent, as that of the AWS SDK does; without them the input
   * is an error.
   */
  Instances?: Array<DiscoveredInstance> | null | undefined;
  /** Above 2^53 in practice: a `number` is then not exact. */
  InstancesRevision?: number | bigint | null | undefined;
};

/** An instance as `discover-instances` prints it. */
export type DiscoveredInstance = {
  /** Unique in its service. */
  InstanceId?: string | null | undefined;
  /** The Cloud Map namespace; else the one that the options name, or that all others have. */
  NamespaceName?: string | null | undefined;
  /** The Cloud Map service; else the one that the options name, or that all others have. */
  ServiceName?: string | null | undefined;
  /** Unknown, if absent or another word. */
  HealthStatus?: "HEALTHY" | "UNHEALTHY" | "UNKNOWN" | (string & {}) | null | undefined;
  /** What was registered. */
  Attributes?: { [key in string]: string } | null | undefined;
};

/** Whether a service without endpoints has an entry. */
export type EmptyService = "keep" | "omit";

/** One endpoint, Istio's `WorkloadEntry`. */
export type Endpoint = {
  /** An IP address or a host name. */
  address: string;
  /** From a service port's name to this endpoint's own port. */
  ports?: PortMap;
  /** For subsets. */
  labels?: { [key in string]: string };
  /** `region/zone`, or the region alone */
  locality?: string;
  /** 1..; absent is 1. */
  weight?: number;
};

/** Which object an entry is. */
export type EntryKey = {
  /** Its Kubernetes namespace. */
  namespace: string;
  /** Its name. */
  name: string;
};

/**
 * The value of a label or an annotation of an entry: a text; or the service attribute, or the tag,
 * that has the value.
 */
export type EntryValue = { "attribute": string } | { "tag": string } | string;

/**
 * Kubernetes namespaces that see an entry: names, `.` for its own, or `*` or `~` (all, none)
 * alone.
 */
export type ExportTo = Array<string>;

/**
 * A pattern: `*` matches any text, including an empty one, `?` one character. Any other character
 * matches itself, in the same letter case.
 */
export type Glob = string;

/** A health check by Route 53. */
export type HealthCheckConfig = {
  /** `HTTP`, `HTTPS` or `TCP` */
  Type?: string | null | undefined;
};

/**
 * Which instances are used, by their health. One of unknown health counts as healthy: it has no
 * check.
 */
export type HealthMode = "healthyOrElseAll" | "healthy" | "all";

/**
 * A host that Istio accepts: a full name in lower case, without a wildcard and without a trailing
 * dot.
 */
export type Host = string;

/** The name of a namespace in `DiscoverInstances`. */
export type HttpProperties = {
  /** May differ from the namespace's name. */
  HttpName?: string | null | undefined;
};

/** Which addresses of an instance with both families are used. */
export type IpFamily = "preferIpv4" | "preferIpv6" | "dual";

/** The kind, which is always the same. */
export type Kind = "ServiceEntry";

/** A label's key: `[PREFIX/]NAME`, as Kubernetes and Istio accept it. */
export type LabelKey = string;

/** What `aws servicediscovery list-instances` prints: one service, named by the options. */
export type ListInstancesOutput = {
  /**
   * In any order. The type lets them be absent, as that of the AWS SDK does; without them the input
   * is an error.
   */
  Instances?: Array<ListedInstance> | null | undefined;
};

/** An instance as `list-instances` prints it: without its health. */
export type ListedInstance = {
  /** Unique in its service. */
  Id?: string | null | undefined;
  /** What was registered. */
  Attributes?: { [key in string]: string } | null | undefined;
};

/** Where a service is, seen from the mesh. */
export type Location = "MESH_EXTERNAL" | "MESH_INTERNAL";

/** Which data plane the clients use. */
export type Mesh = "sidecar" | "ambient" | "auto";

/** The part of Kubernetes' `ObjectMeta` that is written. */
export type Metadata = {
  /** `cloudmap-SERVICE.NAMESPACE` */
  name: string;
  /** The Kubernetes namespace, if one is set. */
  namespace?: string;
  /** `app.kubernetes.io/managed-by`, `istio-cloud-map/owner`, and those of `entryLabels`. */
  labels?: { [key in string]: string };
  /** The origin of the entry, under `istio-cloud-map/`, and those of `entryAnnotations`. */
  annotations?: { [key in string]: string };
};

/** The part of a namespace's properties that is read. */
export type NamespaceProperties = {
  /** Absent in old responses. */
  HttpProperties?: HttpProperties | null | undefined;
};

/** Options for the services that match. A field that is not set changes nothing. */
export type Override = {
  /** The names of sources it is for; all, if absent. */
  source?: Glob | undefined;
  /** The names of Cloud Map namespaces it is for; all, if absent. */
  namespace?: Glob | undefined;
  /** The names of Cloud Map services it is for; all, if absent. */
  service?: Glob | undefined;
  /** The host, and with it the entry's name. */
  host?: Host | undefined;
  /** The service ports. */
  ports?: PortList | undefined;
  /** The protocol of all ports that are not listed in `ports`. */
  protocol?: Protocol | undefined;
  /** Where the service is, seen from the mesh. */
  location?: Location | undefined;
  /**
   * Whether the service is left out; `false` includes a service that its name, tags or
   * attributes exclude.
   */
  exclude?: boolean | undefined;
  /** As in the options. */
  health?: HealthMode | undefined;
  /** As in the options. */
  ipFamily?: IpFamily | undefined;
  /** As in the options. */
  emptyService?: EmptyService | undefined;
  /** As in the options. */
  addresses?: Addresses | undefined;
  /** As in the options. */
  dynamicPort?: PortSpec | undefined;
  /** As in the options. */
  exportTo?: ExportTo | undefined;
  /** As in the options. Each label is that of the first override that sets it. */
  entryLabels?: { [key in LabelKey]: EntryValue } | undefined;
  /** As in the options. Each annotation is that of the first override that sets it. */
  entryAnnotations?: { [key in LabelKey]: EntryValue } | undefined;
};

/** How completely a namespace was read. */
export type PlanNamespace = {
  /** The source's name. */
  source: string;
  /** The namespace's id; its name where no id is known. */
  namespace: string;
  /** Whether all its services were read. */
  complete: boolean;
};

/** What was read completely. */
export type PlanScopes = {
  /**
   * Per source, whether its list of namespaces, and each of them that is not named in
   * `namespaces`, was read completely.
   */
  sources?: { [key in string]: boolean } | undefined;
  /** The namespaces of which something else is known than of their source. */
  namespaces?: Array<PlanNamespace> | undefined;
};

/** Which kinds of change are made. */
export type Policy = "sync" | "upsert-only" | "create-only";

/**
 * Ports with unique names and numbers, sorted by number. Written as one comma-separated text; a
 * list of texts is also accepted.
 */
export type PortList = string | Array<PortSpec>;

/**
 * From a service port's name to an endpoint's own port, sorted by name. Most endpoints of an entry
 * have the same map and share it: a separate map for each would take most of an entry's memory.
 */
export type PortMap = { [name in string]: number };

/** One port: `name:number[:targetPort]`. */
export type PortSpec = string;

/**
 * The protocols that Istio knows, by the names that it documents. Read in any letter case, as
 * Istio does.
 */
export type Protocol =
  | "HTTP"
  | "HTTP2"
  | "HTTPS"
  | "GRPC"
  | "GRPC-WEB"
  | "TLS"
  | "TCP"
  | "MONGO"
  | "MySQL"
  | "REDIS"
  | "UDP";

/** One decision of a translation. */
export type Reason = {
  /** The rule that decided. */
  rule: TranslationRule;
  /** The id of the instance that it is about. */
  instance?: string;
  /** The address of the endpoint that it is about. */
  endpoint?: string;
  /** The service port that it is about. */
  port?: number;
  /** What was decided, and why. */
  message: string;
};

/** A change that is not made. */
export type Refusal = {
  /** Its Kubernetes namespace. */
  namespace: string;
  /** Its name. */
  name: string;
} & ({
  "reason": "conflict";
  /** That entry. */
  with: EntryKey;
  /** Its owner label. */
  owner?: string;
} | { "reason": "incomplete" } | { "reason": "guard" });

/** How Istio finds the endpoints. */
export type Resolution = "STATIC" | "DNS";

/** The closed list of what a finding can be about. */
export type Rule =
  | "WrongType"
  | "MissingField"
  | "UnknownField"
  | "UnknownValue"
  | "OutOfRange"
  | "TooLong"
  | "TooMany"
  | "InvalidName"
  | "InvalidNamespace"
  | "InvalidLabel"
  | "InvalidAnnotation"
  | "ReservedAnnotation"
  | "NoHosts"
  | "InvalidHost"
  | "WildcardHost"
  | "PartialWildcard"
  | "UpperCaseHost"
  | "DuplicateHost"
  | "InvalidAddress"
  | "CidrNotAllowed"
  | "Ipv6NotCanonical"
  | "NoPorts"
  | "InvalidPort"
  | "OctalNumber"
  | "InvalidPortName"
  | "UnknownProtocol"
  | "NoProtocol"
  | "DuplicatePortName"
  | "DuplicatePort"
  | "TcpWithoutAddress"
  | "HostsNotTold"
  | "HostsShareAddress"
  | "EndpointsNotAllowed"
  | "RoundRobinEndpoints"
  | "UnresolvableHost"
  | "DynamicDnsHost"
  | "DynamicDnsAddresses"
  | "DynamicDnsProtocol"
  | "DynamicDnsWaypoint"
  | "EndpointAddressMissing"
  | "EndpointOfNetwork"
  | "InvalidEndpointAddress"
  | "InvalidUnixAddress"
  | "UnixPorts"
  | "UnixNeedsOnePort"
  | "InvalidEndpointPortName"
  | "UnknownEndpointPort"
  | "InvalidEndpointLabel"
  | "DuplicateEndpoint"
  | "ZeroWeight"
  | "InvalidLocality"
  | "SelectorAndEndpoints"
  | "InvalidSelector"
  | "EmptySelector"
  | "SelectorNotUsed"
  | "InvalidExportTo"
  | "DuplicateExportTo"
  | "ExportToNotAlone";

/** A whole `ServiceEntry`. */
export type ServiceEntry = {
  /** The version it is written in. */
  apiVersion: ApiVersion;
  /** Always `ServiceEntry`. */
  kind: Kind;
  /** Name, labels, annotations. */
  metadata: Metadata;
  /** What Istio reads. */
  spec: Spec;
};

/** A port that clients connect to. */
export type ServicePort = {
  /** 1..=65535 */
  number: number;
  /** Unique in the entry, at most 62 characters. */
  name: string;
  /** `HTTP`, `TCP`, ... */
  protocol: Protocol;
  /** The endpoints' port, if it differs and no endpoint has its own. */
  targetPort?: number;
};

/** How bad it is. */
export type Severity = "error" | "warning" | "info";

/** Services with all that is known of them. */
export type Snapshot = {
  /** In any order. */
  services: Array<SnapshotService>;
};

/** An instance of a snapshot. */
export type SnapshotInstance = DiscoveredInstance | ListedInstance;

/** A service of a snapshot. */
export type SnapshotService = {
  /** The source's name; else that of the options. */
  source?: string | null | undefined;
  /** The AWS region; else that of the options. */
  region?: string | null | undefined;
  /** As `list-namespaces` prints it. Without it the service is an error. */
  namespace: CloudMapNamespace | null | undefined;
  /** As `list-services` or `get-service` prints it. Without it the service is an error. */
  service: CloudMapService | null | undefined;
  /** As `get-service-attributes` prints them. */
  serviceAttributes?: { [key in string]: string } | null | undefined;
  /** As `list-tags-for-resource` prints them. */
  tags?: Array<Tag> | null | undefined;
  /**
   * What the mesh calls the zones of its instances: `{THEIRS: OURS}`. Another zone is left out of
   * the locality. Without it, zones are called as they are here.
   */
  zones?: { [key in string]: string } | null | undefined;
  /**
   * As `discover-instances` or `list-instances` prints them. Without them the service is an
   * error.
   */
  instances: Array<SnapshotInstance> | null | undefined;
  /** Above 2^53 in practice: a `number` is then not exact. */
  instancesRevision?: number | bigint | null | undefined;
};

/** Istio's `ServiceEntry.spec`. */
export type Spec = {
  /** Lower case, no trailing dot. */
  hosts: Array<string>;
  /** Virtual IPs. */
  addresses?: Array<string>;
  /** Sorted by number. */
  ports?: Array<ServicePort>;
  /** Absent unless an option sets it; Istio then treats the service as external. */
  location?: Location;
  /** How endpoints are found. */
  resolution: Resolution;
  /** Sorted by address, then ports. */
  endpoints?: Array<Endpoint>;
  /** Which namespaces see it; all, if empty. */
  exportTo?: Array<string>;
};

/** A tag of the service. */
export type Tag = {
  /** Its key. */
  Key?: string | undefined;
  /** Its value. */
  Value?: string | undefined;
};

/** A rule of the translation, in the order in which they apply. */
export type TranslationRule =
  | "Entry"
  | "Host"
  | "Address"
  | "Health"
  | "Port"
  | "Protocol"
  | "PortMap"
  | "Locality"
  | "Resolution"
  | "VirtualAddresses"
  | "Metadata";
