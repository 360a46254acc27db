// The README's recipes, by the names of their files, which are their first lines.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { root } from './places.mjs';

export const readme = readFileSync(join(root, 'wasm/js/README.md'), 'utf8');
const blocks = readme.matchAll(/^```(?:js|html)\n(?:\/\/|<!--) ([\w.]+)(?: -->)?\n(.*?)^```$/gms);
export const recipes = new Map([...blocks].map(([, name, text]) => [name, text]));
