// A snapshot as ECS fills Cloud Map.

/** JSON of so many services of so many instances, one in fifty of them unhealthy. */
export function input(services, instances) {
  return JSON.stringify({ services: Array.from({ length: services }, (_, index) => service(index, instances)) });
}

function service(index, instances) {
  return {
    namespace: { Id: 'ns-1', Name: 'prod.local', Type: 'DNS_PRIVATE' },
    service: { Id: `srv-${index}`, Name: `s${index}` },
    // Real ones are above 2^53, which the peer can't read.
    instancesRevision: 2 ** 52 + index,
    instances: Array.from({ length: instances }, (_, number) => instance(index, number)),
  };
}

function instance(service, number) {
  return {
    InstanceId: `i-${number}`,
    HealthStatus: number % 50 === 7 ? 'UNHEALTHY' : 'HEALTHY',
    Attributes: {
      AWS_INSTANCE_IPV4: `10.${Math.floor(service / 250) % 250}.${service % 250}.${((number * 37) % 250) + 1}`,
      AWS_INSTANCE_PORT: '8080',
      AVAILABILITY_ZONE: 'us-west-2b',
      REGION: 'us-west-2',
      ECS_CLUSTER_NAME: 'production',
      ECS_SERVICE_NAME: 'orders',
      ECS_TASK_DEFINITION_FAMILY: 'orders-task',
    },
  };
}
