// Passing a snapshot into a module as objects, by serde-wasm-bindgen, beside passing it as JSON text, each from an object of JavaScript to
// the same types of Rust:
//
//   node wasm/js/bench/passing.mjs [SERVICES INSTANCES ROUNDS]

import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { input } from './input.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '../../..');
const target = process.env.CARGO_TARGET_DIR || join(root, 'target');
const [services = 200, instances = 100, rounds = 9] = process.argv.slice(2).map(Number);

const cargo = (...args) => execFileSync('cargo', args, { cwd: root, stdio: 'inherit' });
const triple = 'wasm32-unknown-unknown';
cargo('build', '--quiet', '--profile', 'wasm', '--target', triple, '--package', 'istio-cloud-map-passing');
const built = join(target, triple, 'wasm/istio_cloud_map_passing.wasm');
const folder = join(target, 'wasm-passing');
cargo('run', '--quiet', '--package', 'istio-cloud-map-wasm-build', '--example', 'bindgen', '--', built, folder);
const module = createRequire(import.meta.url)(join(folder, 'istio_cloud_map_passing.js'));

const text = input(services, instances);
const snapshot = JSON.parse(text);
const ways = {
  'objects, by serde-wasm-bindgen': () => module.objects(snapshot),
  'JSON.stringify, and the text': () => module.text(JSON.stringify(snapshot)),
  'a text that is there': () => module.text(text),
};

const times = Object.fromEntries(Object.keys(ways).map((name) => [name, []]));
const sums = new Set();
for (let round = -1; round < rounds; round += 1) {
  for (const [name, run] of Object.entries(ways)) {
    const started = performance.now();
    sums.add(run());
    // The first round warms up.
    if (round >= 0) times[name].push(performance.now() - started);
  }
}
if (sums.size !== 1) throw new Error(`not the same snapshot: ${[...sums].join(' ')}`);

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
console.log(`${services} services of ${instances} instances, ${(text.length / 2 ** 20).toFixed(1)} MiB of JSON; ${rounds} rounds in turn; Node ${process.versions.node}\n`);
console.log(`${'ms'.padEnd(32)}${'median'.padStart(9)}${'best'.padStart(9)}`);
for (const [name, values] of Object.entries(times)) {
  console.log(`${name.padEnd(32)}${median(values).toFixed(1).padStart(9)}${Math.min(...values).toFixed(1).padStart(9)}`);
}
