// The golden cases of the core: inputs, options and what must come out.

import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

import { golden } from './places.mjs';

const read = (file) => readFileSync(join(golden, file), 'utf8');

/** All of them: `{name, file, text, options, out}`, `out` as it is written there. */
export const cases = readdirSync(golden)
  .filter((file) => /^[^.]+\.json$/.test(file))
  .map((file) => {
    const name = file.replace('.json', '');
    const optionsFile = `${name}.options.json`;
    const options = existsSync(join(golden, optionsFile)) ? JSON.parse(read(optionsFile)) : undefined;
    return { name, file: join(golden, file), text: read(file), options, out: read(`${name}.out.json`) };
  });

/** Without the spaces and line ends between its pieces; nothing else is touched, numbers above 2^53 and the order of keys least of all. */
export function compact(json) {
  return json.replace(/("(?:[^"\\]|\\.)*")|\s+/g, '$1');
}

/** `JSON.parse`, with numbers that JavaScript can't hold as BigInts. */
export function parse(json) {
  const exact = json.replace(/("(?:[^"\\]|\\.)*")|-?\d{16,}(?![\d.eE])/g, (number, string) => string ?? `"bigint:${number}"`);
  return JSON.parse(exact, (_, value) => (typeof value === 'string' && value.startsWith('bigint:') ? BigInt(value.slice(7)) : value));
}
