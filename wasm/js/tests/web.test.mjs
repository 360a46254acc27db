// The entry for browsers, which Node can run as well: nothing in it is Node's.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { assembled, load } from './places.mjs';

const web = await load('web.js');
const bytes = readFileSync(join(assembled, 'istio_cloud_map.wasm'));
const input = { services: [] };
const fetched = [];
let answer;
globalThis.fetch = async (url) => {
  fetched.push(String(url));
  return answer;
};

// In this order, since the module stays loaded.
test('a call before init says so', () => {
  assert.throws(() => web.translate(input), { name: 'CloudMapError', kind: 'InvalidRequest', message: /await init\(\)/ });
});

test('a module that is not there is an error, and init can be called again', async () => {
  answer = new Response('gone', { status: 404 });
  await assert.rejects(web.init('https://example.com/a.wasm'), /HTTP 404; copy istio_cloud_map\.wasm there.*istio-cloud-map\/inline/);
  answer = new Response('<html>');
  await assert.rejects(web.init(), (error) => /not the module.*istio-cloud-map\/inline/.test(error.message) && error.cause instanceof WebAssembly.CompileError);
});

test('init fetches the module from beside the package\'s own file, once for all calls', async () => {
  fetched.length = 0;
  answer = new Response(bytes, { headers: { 'content-type': 'application/octet-stream' } });
  await Promise.all([web.init(), web.init()]);
  await web.init();
  assert.deepEqual(fetched.map((url) => url.split('/').at(-1)), ['istio_cloud_map.wasm']);
  assert.deepEqual(web.translate(input), { serviceEntries: [], diagnostics: [] });
});

test('init takes bytes, a compiled module, a response and promises of them', async () => {
  const module = new WebAssembly.Module(bytes);
  for (const source of [bytes, bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length), module, new Response(bytes), Promise.resolve(module)]) {
    const fresh = await load(`web.js?${Math.random()}`);
    await fresh.init(source);
    assert.deepEqual(fresh.validate({}).length > 0, true);
  }
});
