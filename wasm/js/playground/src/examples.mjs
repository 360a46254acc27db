// The examples: what the AWS CLI prints, in its own indentation, and options where an example is about them.

export const examples = [
  example("One HTTP service, two instances", discovered("shop", "web", [
    { AWS_INSTANCE_IPV4: "10.0.1.11", AWS_INSTANCE_PORT: "80" },
    { AWS_INSTANCE_IPV4: "10.0.2.12", AWS_INSTANCE_PORT: "80" },
  ])),
  example("One address without a port (the tutorial)", discovered("my-namespace", "getistio-external-service", [
    { AWS_INSTANCE_IPV4: "52.192.72.89" },
  ])),
  example("gRPC on its own port", discovered("shop", "payments", [
    { AWS_INSTANCE_IPV4: "10.0.1.21", AWS_INSTANCE_PORT: "50051", "istio-cloud-map/protocol": "grpc" },
    { AWS_INSTANCE_IPV4: "10.0.2.22", AWS_INSTANCE_PORT: "50051", "istio-cloud-map/protocol": "grpc" },
  ])),
  example("EC2 instances in two zones", discovered("shop", "search", [
    { AWS_EC2_INSTANCE_ID: "i-0abcd1234efgh5601", AWS_INSTANCE_IPV4: "10.0.1.31", AWS_INSTANCE_PORT: "8080", ...zone("a") },
    { AWS_EC2_INSTANCE_ID: "i-0abcd1234efgh5602", AWS_INSTANCE_IPV4: "10.0.1.32", AWS_INSTANCE_PORT: "8080", ...zone("a") },
    { AWS_EC2_INSTANCE_ID: "i-0abcd1234efgh5603", AWS_INSTANCE_IPV4: "10.0.2.33", AWS_INSTANCE_PORT: "8080", ...zone("b") },
  ]), { protocols: { 8080: "HTTP" } }),
  example("ECS tasks on dynamic host ports", discovered("shop", "orders", [
    { AWS_INSTANCE_IPV4: "10.0.1.41", AWS_INSTANCE_PORT: "32768", ...task("orders"), ...zone("a") },
    { AWS_INSTANCE_IPV4: "10.0.1.41", AWS_INSTANCE_PORT: "32771", ...task("orders"), ...zone("a") },
    { AWS_INSTANCE_IPV4: "10.0.2.42", AWS_INSTANCE_PORT: "32769", ...task("orders"), ...zone("b") },
  ])),
  example("Redis: a TCP service", discovered("shop", "cache", [
    { AWS_INSTANCE_IPV4: "10.0.1.51", AWS_INSTANCE_PORT: "6379" },
    { AWS_INSTANCE_IPV4: "10.0.2.52", AWS_INSTANCE_PORT: "6379" },
  ]), { protocols: { 6379: "REDIS" } }),
  example("A host outside, by its DNS name", discovered("partners", "rates", [
    { AWS_INSTANCE_CNAME: "api.rates.example.com", AWS_INSTANCE_PORT: "443" },
  ])),
  example("A load balancer by its alias", discovered("shop", "storefront", [
    { AWS_ALIAS_DNS_NAME: "storefront-1234567890.us-west-2.elb.amazonaws.com" },
  ])),
  example("One of three instances is unhealthy", discovered("shop", "stock", [
    { AWS_INSTANCE_IPV4: "10.0.1.61", AWS_INSTANCE_PORT: "80" },
    { AWS_INSTANCE_IPV4: "10.0.2.62", AWS_INSTANCE_PORT: "80" },
    { AWS_INSTANCE_IPV4: "10.0.3.63", AWS_INSTANCE_PORT: "80" },
  ], ["HEALTHY", "UNHEALTHY", "HEALTHY"])),
  example("A canary, by labels and weights", discovered("shop", "checkout", [
    { AWS_INSTANCE_IPV4: "10.0.1.71", AWS_INSTANCE_PORT: "80", version: "v1", weight: "45" },
    { AWS_INSTANCE_IPV4: "10.0.2.72", AWS_INSTANCE_PORT: "80", version: "v1", weight: "45" },
    { AWS_INSTANCE_IPV4: "10.0.3.73", AWS_INSTANCE_PORT: "80", version: "v2", weight: "10" },
  ]), { endpointLabels: { version: "version" }, weightAttribute: "weight" }),
  example("Mistakes in two of four instances", discovered("shop", "mail", [
    { AWS_INSTANCE_IPV4: "10.0.1.81", AWS_INSTANCE_PORT: "80" },
    { AWS_INSTANCE_IPV4: "10.0.2.82", AWS_INSTANCE_PORT: "http" },
    { AWS_INSTANCE_IPV4: "192.168.1.", AWS_INSTANCE_PORT: "80" },
    { AWS_INSTANCE_IPV4: "10.0.4.84", AWS_INSTANCE_PORT: "80" },
  ])),
  example("120 instances in three zones", discovered("shop", "images", Array.from({ length: 120 }, (_, index) => (
    { AWS_INSTANCE_IPV4: `10.0.${(index % 3) + 1}.${index + 10}`, AWS_INSTANCE_PORT: "80", ...zone("abc"[index % 3]) }
  )))),
  example("What list-instances prints", { Instances: [
    { Id: "web-1", Attributes: { AWS_INSTANCE_IPV4: "10.0.1.11", AWS_INSTANCE_PORT: "80" } },
    { Id: "web-2", Attributes: { AWS_INSTANCE_IPV4: "10.0.2.12", AWS_INSTANCE_PORT: "80" } },
  ] }, { service: "web", namespace: "shop" }),
  example("Two services in a snapshot", { services: [
    service("web", [{ AWS_INSTANCE_IPV4: "10.0.1.11", AWS_INSTANCE_PORT: "80" }]),
    { ...service("payments", [{ AWS_INSTANCE_IPV4: "10.0.1.21", AWS_INSTANCE_PORT: "9000" }]), serviceAttributes: { "istio-cloud-map/ports": "grpc:50051" } },
  ] }),
];

function example(name, input, options) {
  return { name, text: `${JSON.stringify(input, null, 4)}\n`, options };
}

function discovered(NamespaceName, ServiceName, attributes, health = []) {
  const instance = (Attributes, index) => (
    { InstanceId: `${ServiceName}-${index + 1}`, NamespaceName, ServiceName, HealthStatus: health[index] ?? "HEALTHY", Attributes }
  );
  return { Instances: attributes.map(instance), InstancesRevision: 4 };
}

function service(Name, attributes) {
  const instances = attributes.map((Attributes, index) => ({ InstanceId: `${Name}-${index + 1}`, HealthStatus: "HEALTHY", Attributes }));
  return { region: "us-west-2", namespace: { Id: "ns-shop", Name: "shop", Type: "HTTP" }, service: { Id: `srv-${Name}`, Name }, instances };
}

function zone(letter) {
  return { AVAILABILITY_ZONE: `us-west-2${letter}`, REGION: "us-west-2" };
}

function task(name) {
  return { ECS_CLUSTER_NAME: "shop", ECS_SERVICE_NAME: name, ECS_TASK_DEFINITION_FAMILY: name };
}
