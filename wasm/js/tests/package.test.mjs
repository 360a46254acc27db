// What is in the package, and that it agrees with the workspace around it.

import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { input } from '../bench/input.mjs';
import * as peer from '../bench/peer.mjs';
import { assembled, load, root } from './places.mjs';

const read = (...path) => readFileSync(join(...path), 'utf8');
const manifest = JSON.parse(read(assembled, 'package.json'));

test('the version is that of the workspace', () => {
  const [, version] = /^\[workspace\.package\]\nversion = "(.*)"$/m.exec(read(root, 'Cargo.toml'));
  assert.equal(manifest.version, version);
});

test('the repository is that of the workspace, and links of the README lead there', () => {
  const [, repository] = /^repository = "(.*)"$/m.exec(read(root, 'Cargo.toml'));
  assert.deepEqual(manifest.repository, { type: 'git', url: `git+${repository}.git`, directory: 'wasm/js' });
  assert.equal(manifest.bugs, `${repository}/issues`);
  assert.equal(manifest.homepage, `${repository}/tree/main/wasm/js#readme`);
  const links = [...read(assembled, 'README.md').matchAll(/\]\(([^)#]+)[^)]*\)/g)].map(([, link]) => link);
  for (const link of links) {
    const [, path] = /^https:\/\/github\.com\/istio-cloud-map\/istio-cloud-map\/(?:blob|tree)\/main\/(.+)$/.exec(link) ?? [];
    assert.ok(path && existsSync(join(root, path)), link);
  }
});

test('nothing is needed at run time', () => {
  for (const kind of ['dependencies', 'peerDependencies', 'optionalDependencies', 'scripts']) assert.equal(manifest[kind], undefined);
});

test('the lock of the tools names no registry', () => {
  const { packages } = JSON.parse(read(root, 'wasm/js/tests/tools/package-lock.json'));
  assert.deepEqual(Object.keys(packages).filter((name) => packages[name].resolved !== undefined), []);
});

test('there is one module, and its export is its file', () => {
  const wasm = readdirSync(assembled, { recursive: true }).filter((file) => file.endsWith('.wasm'));
  assert.deepEqual(wasm, ['istio_cloud_map.wasm']);
  assert.equal(manifest.exports['./istio_cloud_map.wasm'].default, './istio_cloud_map.wasm');
});

test('the peer of the benchmark makes the same bytes', async () => {
  const { translateJson } = await load('node.js');
  for (const [services, instances] of [[3, 100], [12, 5], [2, 1]]) {
    const text = input(services, instances);
    assert.equal(peer.translateJson(text), translateJson(text));
  }
});
