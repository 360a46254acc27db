// The package beside the native build and beside a plain JavaScript translation, in turns, on one input of which all three make the same bytes:
//
//   cargo wasm js && node wasm/js/assemble.mjs && node wasm/js/bench/run.mjs [SERVICES INSTANCES ROUNDS]

import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath, pathToFileURL } from 'node:url';

import { input } from './input.mjs';
import * as peer from './peer.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '../../..');
const target = process.env.CARGO_TARGET_DIR || join(root, 'target');
const ours = await import(pathToFileURL(join(target, 'wasm/npm/node.js')));
const [services = 1000, instances = 100, rounds = 9] = process.argv.slice(2).map(Number);

execFileSync('cargo', ['build', '--quiet', '--release', '--package', 'istio-cloud-map-js', '--example', 'native'], { cwd: root, stdio: 'inherit' });
const text = input(services, instances);
const folder = mkdtempSync(join(tmpdir(), 'istio-cloud-map-bench-'));
const file = join(folder, 'input.json');
writeFileSync(file, text);
const child = spawn(join(target, 'release/examples/native'), [file], { stdio: ['pipe', 'pipe', 'inherit'] });
const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();

// A round of the native build is asked for with a line, and answered with its milliseconds; the end of all lines asks for the result.
const native = async () => {
  child.stdin.write('\n');
  return Number((await lines.next()).value);
};
const here = (run) => () => {
  const started = performance.now();
  run();
  return performance.now() - started;
};
const parsed = JSON.parse(text);
const contenders = {
  native,
  translateJson: here(() => ours.translateJson(text)),
  peer: here(() => peer.translateJson(text)),
  'translate (objects)': here(() => ours.translate(parsed)),
};

const digest = (result) => createHash('sha256').update(result).digest('hex');
const results = [ours.translateJson(text), peer.translateJson(text), JSON.stringify(ours.translate(parsed))].map(digest);
const times = Object.fromEntries(Object.keys(contenders).map((name) => [name, []]));
for (let round = -1; round < rounds; round += 1) {
  for (const [name, run] of Object.entries(contenders)) {
    const time = await run();
    // The first round warms up.
    if (round >= 0) times[name].push(time);
  }
}
child.stdin.end();
const nativeFile = (await lines.next()).value;
results.push(digest(readFileSync(nativeFile)));
rmSync(folder, { recursive: true });
if (new Set(results).size !== 1) throw new Error(`not the same bytes: ${results.join(' ')}`);

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
console.log(`${services} services of ${instances} instances, ${(text.length / 2 ** 20).toFixed(1)} MiB of JSON; ${rounds} rounds in turn; Node ${process.versions.node}`);
console.log('all make the same bytes\n');
console.log(`${'ms'.padEnd(22)}${'median'.padStart(9)}${'best'.padStart(9)}`);
for (const [name, values] of Object.entries(times)) {
  console.log(`${name.padEnd(22)}${median(values).toFixed(1).padStart(9)}${Math.min(...values).toFixed(1).padStart(9)}`);
}
const ratio = (a, b) => `${(median(times[a]) / median(times[b])).toFixed(2)} (best ${(Math.min(...times[a]) / Math.min(...times[b])).toFixed(2)})`;
console.log(`\ntranslateJson takes ${ratio('translateJson', 'native')} times what native takes, goal at most 2.5`);
console.log(`the peer takes ${ratio('peer', 'translateJson')} times what translateJson takes, goal above 1`);
