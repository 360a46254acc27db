// Puts the npm package together, out of this folder and of what `cargo wasm js` has built, in the folder wasm/npm of the target folder:
//
//   cargo wasm js && node wasm/js/assemble.mjs
//
// Before Node 22 `require` takes CommonJS alone, so the files of lib/ are there in both forms: written as ES modules, the other form made here.

import { cpSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '../..');
const target = process.env.CARGO_TARGET_DIR || join(root, 'target');
const built = join(target, 'wasm/js');
const assembled = join(target, 'wasm/npm');

rmSync(assembled, { recursive: true, force: true });
mkdirSync(assembled, { recursive: true });
cpSync(join(here, 'package'), assembled, { recursive: true });
for (const [from, to] of [
  [join(here, 'README.md'), 'README.md'],
  [join(root, 'LICENSE-APACHE'), 'LICENSE-APACHE'],
  [join(root, 'LICENSE-MIT'), 'LICENSE-MIT'],
  [join(built, 'istio_cloud_map_bg.wasm'), 'istio_cloud_map.wasm'],
]) {
  cpSync(from, join(assembled, to));
}

write('lib/glue.js', factory(readFileSync(join(built, 'istio_cloud_map_bg.js'), 'utf8')));
for (const name of readdirSync(join(assembled, 'lib')).filter((file) => file.endsWith('.js'))) {
  write(`lib/${name.replace(/js$/, 'cjs')}`, commonJs(readFileSync(join(assembled, 'lib', name), 'utf8'), name));
}
write('lib/base64.js', `export const base64 = '${readFileSync(join(assembled, 'istio_cloud_map.wasm'), 'base64')}';\n`);
cpSync(join(here, 'types/istio_cloud_map.wasm.d.ts'), join(assembled, 'istio_cloud_map.wasm.d.ts'));
for (const name of ['core.d.ts', 'index.d.ts']) {
  const types = readFileSync(join(here, 'types', name), 'utf8');
  write(name, types);
  write(name.replace('.d.ts', '.d.cts'), types.replaceAll('"./core.js"', '"./core.cjs"'));
}
console.log(assembled);

function write(name, text) {
  writeFileSync(join(assembled, name), text);
}

/**
 * wasm-bindgen's side of the module keeps the instance, and views of its memory, in variables of the file. As the body of a function it has
 * them once for each instance, so that one that broke off can be let go of.
 */
function factory(script) {
  const names = [...script.matchAll(/^export (?:function|const|let|class) (\w+)/gm)].map(([, name]) => name);
  const body = script.replace(/^export (?=function|const|let|class)/gm, '');
  const left = /^(?:export|import)\b.*/m.exec(body);
  if (names.length === 0 || left) throw new Error(`istio_cloud_map_bg.js is not as expected: ${left?.[0] ?? 'it exports nothing'}`);
  return `// The module's side by wasm-bindgen, once for each instance.\n\nexport function glue() {\n${body}\nreturn { ${names.join(', ')} };\n}\n`;
}

/** An ES module of named functions and classes, with named imports from files beside it, as CommonJS. */
function commonJs(script, file) {
  const names = [...script.matchAll(/^export (?:function|class) (\w+)/gm)].map(([, name]) => name);
  const body = script
    .replace(/^import (\{[^}]+\}) from '(\.\/\w+)\.js';$/gm, "const $1 = require('$2.cjs');")
    .replace(/^export (?=function|class)/gm, '');
  const left = /^(?:export|import)\b.*/m.exec(body);
  if (left) throw new Error(`lib/${file} can't be made CommonJS: ${left[0]}`);
  return `'use strict';\n\n${body}\nmodule.exports = { ${names.join(', ')} };\n`;
}
