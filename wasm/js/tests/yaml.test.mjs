// The playground's YAML beside the native program's: the same bytes.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';

import { stream } from '../playground/src/yaml.mjs';
import { cases } from './cases.mjs';
import { load, native } from './places.mjs';

const { translateJson } = await load('node.js');

/** The YAML of both, which must be the same. */
function same(input, options, flags = []) {
  const { status, stdout } = spawnSync(native, ['translate', ...flags], { input, encoding: 'utf8', env: { PATH: process.env.PATH }, maxBuffer: 2 ** 28 });
  assert.equal(status, 0);
  assert.equal(stream(JSON.parse(translateJson(input, options)).serviceEntries), stdout);
  return stdout;
}

for (const { name, text, options, out } of cases) {
  if (options !== undefined || JSON.parse(out).error !== undefined) continue;
  test(`YAML of ${name}`, () => void same(text));
}

test('strings that YAML would misread are quoted as the native program quotes them', () => {
  const alphabet = ['', '0', '9', '1', 'x', 'e', 'y', 'n', 'o', 'b', '_', '.', '-', '+', ':', ' ', '#', '~', '=', '<', "'", '"', '\\', '\n'];
  const three = alphabet.flatMap((a) => alphabet.flatMap((b) => alphabet.map((c) => a + b + c)));
  const words = ['null', 'NULL', 'True', 'yes', 'Off', 'N', 'inf', '+.INF', '.nan', '2001-12-14', '2001-12-14t21:59:43.10-05:00', '2001-1-1 1:2:3 Z'];
  const numbers = ['12:30:45', '190:20:30.15', '0b1', '0o-7', '1_000', '_1', '0x_', '1e_3', '1.2.3', '0b+_1', '00:1', '0_0:00.', '1__', '-0X1f'];
  const texts = ['--- a', '...', '---a', '\ta', 'a\r\n', '\u0085', '\u2028', '\ufeffa', '\u0000', '\u007f', '\u001b[31m', '\uffff', 'é', '🦀', '*.shop', '[a', 'a,b]', '@a', '%a', 'a: b', 'a:', 'a #b', '? a', '\u00a0#'];
  const ids = [...new Set([...three, ...words, ...numbers, ...texts])];
  const services = ids.map((Id, index) => ({ namespace: { Name: 'ns', Id: 'ns-1' }, service: { Name: `s${index}`, Id }, instances: [] }));
  const stdout = same(JSON.stringify({ services }));
  assert.equal(stdout.split('---\n').length > 10_000, true);
});

test('labels whose names YAML would misread are quoted too', () => {
  const labels = { on: 'A', no: 'A', 'a.b/c': 'A', '0x1f': 'A', '1e3': 'A', '1_000': 'A', null: 'A', '2001-12-14': 'A', web: 'A' };
  const input = JSON.stringify({ Instances: [{ Id: 'i', Attributes: { AWS_INSTANCE_IPV4: '10.0.0.1', A: 'on' } }] });
  const flags = ['--cloud-map-service', 'a', '--cloud-map-namespace', 'b', '--set', `endpointLabels=${JSON.stringify(labels)}`];
  same(input, { service: 'a', namespace: 'b', endpointLabels: labels }, flags);
});
