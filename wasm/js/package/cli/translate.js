// `translate`: Cloud Map JSON in, ServiceEntries out.

import { CloudMapError, translateJson } from '../node.js';
import * as files from './files.js';
import * as flags from './flags.js';
import { line } from './line.js';
import { settings } from './settings.js';
import { Failure } from './usage.js';

export const help = `\
Cloud Map JSON in, ServiceEntries out; no network, no cluster

Takes what \`aws servicediscovery discover-instances\` or \`list-instances\` prints, or a snapshot.

  aws servicediscovery discover-instances --namespace-name my-namespace --service-name web | istio-cloud-map translate

Usage: istio-cloud-map translate [OPTIONS] [FILE]

Arguments:
  [FILE]  The input; \`-\` is stdin [default: -]

Options:
      --cloud-map-service SERVICE    The Cloud Map service, where the input does not say it (list-instances) [env: ISTIO_CLOUD_MAP_CLOUD_MAP_SERVICE]
      --cloud-map-namespace NAMESPACE
                                     The Cloud Map namespace, where the input does not say it (list-instances)
                                     [env: ISTIO_CLOUD_MAP_CLOUD_MAP_NAMESPACE]
      --source SOURCE                The name of the source, where the input does not say it [default: default] [env: ISTIO_CLOUD_MAP_SOURCE]
      --aws-region REGION, --region  The AWS region, where the input does not say it [env: AWS_REGION]
      --namespace NAMESPACE          The Kubernetes namespace to write into the entries; none, if left out [env: PUBLISH_NAMESPACE]
  -o, --output json                  One JSON List; the native program writes YAML too [default: json] [env: ISTIO_CLOUD_MAP_OUTPUT]
      --strict                       Exit with 1 if any error or warning was given [env: ISTIO_CLOUD_MAP_STRICT]
      --id ID                        The owner label [default: istio-cloud-map] [env: ISTIO_CLOUD_MAP_ID]
      --api-version VERSION          v1beta1, v1 or v1alpha3 [default: v1beta1] [env: ISTIO_CLOUD_MAP_API_VERSION]
      --set OPTION=VALUE             An option of the translation, for example addresses=none or 'protocols={"8080": "HTTP"}'; a value is JSON,
                                     or else a text (may be repeated; the environment variable holds one a line) [env: ISTIO_CLOUD_MAP_SET]
  -h, --help                         Print help
`;

const known = {
  'cloud-map-service': { env: 'ISTIO_CLOUD_MAP_CLOUD_MAP_SERVICE', value: 'SERVICE' },
  'cloud-map-namespace': { env: 'ISTIO_CLOUD_MAP_CLOUD_MAP_NAMESPACE', value: 'NAMESPACE' },
  source: { env: 'ISTIO_CLOUD_MAP_SOURCE', value: 'SOURCE' },
  region: { value: 'REGION' },
  'aws-region': { env: 'AWS_REGION', value: 'REGION' },
  namespace: { env: 'PUBLISH_NAMESPACE', value: 'NAMESPACE' },
  output: { short: 'o', env: 'ISTIO_CLOUD_MAP_OUTPUT', value: 'OUTPUT', values: ['json'], default: 'json', hint: 'the native program istio-cloud-map writes YAML' },
  strict: { env: 'ISTIO_CLOUD_MAP_STRICT' },
  id: { env: 'ISTIO_CLOUD_MAP_ID', value: 'ID' },
  'api-version': { env: 'ISTIO_CLOUD_MAP_API_VERSION', value: 'VERSION', values: ['v1beta1', 'v1', 'v1alpha3'], default: 'v1beta1' },
  set: { env: 'ISTIO_CLOUD_MAP_SET', value: 'OPTION=VALUE', many: true },
};

/** Reads, translates, reports diagnostics; returns the text and the exit code. */
export function run(args) {
  const given = flags.read(args, known, 1);
  const [file] = given.files;
  const names = { service: given['cloud-map-service'], namespace: given['cloud-map-namespace'], source: given.source, region: given.region ?? given['aws-region'] };
  const own = { owner: given.id, apiVersion: given['api-version'], targetNamespace: given.namespace };
  const options = { ...settings(given.set ?? []), ...without(own), ...without(names) };
  const { serviceEntries, diagnostics } = JSON.parse(translated(file, options));
  diagnostics.forEach((diagnostic) => console.error(lineOf(diagnostic)));
  const failed = given.strict && diagnostics.some(({ severity }) => severity !== 'info');
  return { text: list(serviceEntries), code: failed ? 1 : 0 };
}

function translated(file, options) {
  const text = files.read(file);
  try {
    return translateJson(text, options);
  } catch (error) {
    if (!(error instanceof CloudMapError)) throw error;
    throw new Failure(error.kind === 'InvalidInput' ? `${file}: ${error.message}` : error.message);
  }
}

/** What is not undefined. */
function without(options) {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

/** One document that `kubectl apply -f -` takes. */
function list(items) {
  return `${JSON.stringify({ apiVersion: 'v1', items, kind: 'List', metadata: {} }, null, 2)}\n`;
}

/** `warning[InvalidPort] my-namespace/web i-1: ...` */
function lineOf({ severity, code, source, namespace, service, instance, message }) {
  // A diagnostic may be about a whole namespace, a whole source or the whole operator.
  const place = [namespace || (service ? '' : source), service].filter(Boolean).join('/');
  return line([`${severity}[${code}]`, place, instance].filter((word) => word !== undefined && word !== '').join(' ') + `: ${message}`);
}
