// `validate`: what Istio would say of ServiceEntries.

import { validate } from '../node.js';
import * as files from './files.js';
import * as flags from './flags.js';
import { line } from './line.js';
import { Failure } from './usage.js';

export const help = `\
Checks service entries, whoever wrote them, against Istio's rules

Takes JSON, several documents and Lists; other kinds are skipped. A finding is one line on stdout. Exit: 0 valid, 1 if there is an error
(with --strict also a warning) or a file can't be read, 2 wrong usage. (The native program reads YAML as well.)

  kubectl get serviceentries -A -o json | istio-cloud-map validate

Usage: istio-cloud-map validate [OPTIONS] [FILES]...

Arguments:
  [FILES]...  The files; \`-\` is stdin [default: -]

Options:
  -o, --output text|json  One line a finding, or one JSON document [default: text] [env: ISTIO_CLOUD_MAP_VALIDATE_OUTPUT]
      --strict            Exit with 1 if any error or warning was given [env: ISTIO_CLOUD_MAP_STRICT]
  -h, --help              Print help
`;

const known = {
  output: { short: 'o', env: 'ISTIO_CLOUD_MAP_VALIDATE_OUTPUT', value: 'OUTPUT', values: ['text', 'json'], default: 'text' },
  strict: { env: 'ISTIO_CLOUD_MAP_STRICT' },
};

/** Reads, judges; gives the text and the exit code. */
export function run(args) {
  const given = flags.read(args, known, Infinity);
  const totals = { entries: 0, invalid: 0, errors: 0, warnings: 0, skipped: 0, unreadable: 0 };
  const all = given.files.flatMap((file) => judgedFile(file, totals));
  console.error(summary(totals));
  const failed = totals.errors > 0 || totals.unreadable > 0 || (given.strict && totals.warnings > 0);
  const text = given.output === 'json' ? `${JSON.stringify(all, null, 2)}\n` : all.map((said) => `${lineOf(said)}\n`).join('');
  return { text, code: failed ? 1 : 0 };
}

function judgedFile(file, totals) {
  try {
    return documents(files.read(file)).flatMap((document, index) => judged(document, { file, document: index + 1 }, totals));
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    totals.unreadable += 1;
    console.error(`error: ${file}: ${line(error.message)}`);
    return [];
  }
}

/** A document is an entry, a list of them, or something else. */
function judged(document, place, totals) {
  const kind = typeof document?.kind === 'string' ? document.kind : '';
  if (kind.endsWith('List') && Array.isArray(document.items)) return document.items.flatMap((item) => judged(item, place, totals));
  // Without a kind it may be an entry whose author forgot it.
  if (kind !== '' && kind !== 'ServiceEntry') {
    totals.skipped += 1;
    return [];
  }
  const findings = validate(document);
  const errors = findings.filter(({ severity }) => severity === 'error').length;
  totals.entries += 1;
  totals.errors += errors;
  totals.warnings += findings.filter(({ severity }) => severity === 'warning').length;
  totals.invalid += errors > 0 ? 1 : 0;
  const { name, generateName, namespace } = document?.metadata ?? {};
  const text = (value) => (typeof value === 'string' ? value : undefined);
  const entry = { ...place, name: text(name) ?? text(generateName) ?? '', ...(text(namespace) !== undefined && { namespace }) };
  return findings.map((finding) => ({ ...entry, ...finding }));
}

/** One document, or a bare list of them, as `jq .items` prints it. */
function documents(text) {
  let read;
  try {
    read = text.trim() === '' ? [] : JSON.parse(text);
  } catch (error) {
    throw new Failure(`it is no JSON (${error.message}); YAML can be made JSON by kubectl's -o json`);
  }
  const flat = Array.isArray(read) ? read : [read];
  if (!flat.every((document) => typeof document === 'object' && document !== null)) throw new Failure('it is no JSON of objects');
  return flat;
}

/** `FILE:DOCUMENT NAME: error[Rule] PATH: message` */
function lineOf({ file, document, name, namespace, severity, rule, path, message }) {
  const place = `${namespace === undefined ? '' : `${namespace}/`}${name || '(no name)'}`;
  return `${file}:${document} ${line(place)}: ${severity}[${rule}]${path && ` ${line(path)}`}: ${line(message)}`;
}

function summary({ entries, invalid, errors, warnings, skipped, unreadable }) {
  const count = (number, one, many) => `${number} ${number === 1 ? one : many}`;
  const parts = [
    `${count(entries, 'ServiceEntry', 'ServiceEntries')}: ${entries - invalid} valid, ${invalid} invalid`,
    `${count(errors, 'error', 'errors')}, ${count(warnings, 'warning', 'warnings')}`,
  ];
  if (skipped > 0) parts.push(`${count(skipped, 'document', 'documents')} of other kinds skipped`);
  if (unreadable > 0) parts.push(`${count(unreadable, 'file', 'files')} not read`);
  return parts.join('; ');
}
