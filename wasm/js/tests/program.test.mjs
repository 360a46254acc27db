// The `bin` beside the native program: the same bytes on stdout, the same lines on stderr, the same exit code.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

import { cases } from './cases.mjs';
import { assembled, native } from './places.mjs';

const folder = mkdtempSync(join(tmpdir(), 'istio-cloud-map-'));
after(() => rmSync(folder, { recursive: true }));

function run(program, args, { input = '', env = {} } = {}) {
  const { status, stdout, stderr } = spawnSync(program, args, { input, encoding: 'utf8', env: { PATH: process.env.PATH, ...env }, maxBuffer: 2 ** 28 });
  return { status, stdout, stderr };
}
const ours = (args, rest) => run(process.execPath, [join(assembled, 'bin/istio-cloud-map.js'), ...args], rest);
const theirs = (args, rest) => run(native, args, rest);

function same(args, rest) {
  const mine = ours(args, rest);
  assert.deepEqual(mine, theirs(args, rest), args.join(' '));
  return mine;
}

/** A case's options as flags. */
function flagsOf(options = {}) {
  const named = { namespace: '--cloud-map-namespace', service: '--cloud-map-service', source: '--source', region: '--aws-region', owner: '--id', targetNamespace: '--namespace' };
  return Object.entries(options).flatMap(([name, value]) => {
    if (name === 'apiVersion') return ['--api-version', value.split('/').at(-1)];
    return named[name] ? [named[name], value] : ['--set', `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`];
  });
}

for (const { name, file, options } of cases) {
  test(`translate as the native program does: ${name}`, () => {
    same(['translate', file, ...flagsOf(options)]);
    same(['translate', '--strict', '-o', 'json', file, ...flagsOf(options)]);
  });
}

test('strings that YAML would misread are quoted as the native program quotes them', () => {
  const alphabet = ['', '0', '9', '1', 'x', 'e', 'y', 'n', 'o', 'b', '_', '.', '-', '+', ':', ' ', '#', '~', '=', '<', "'", '"', '\\', '\n'];
  const three = alphabet.flatMap((a) => alphabet.flatMap((b) => alphabet.map((c) => a + b + c)));
  const words = ['null', 'NULL', 'True', 'yes', 'Off', 'N', 'inf', '+.INF', '.nan', '2001-12-14', '2001-12-14t21:59:43.10-05:00', '2001-1-1 1:2:3 Z'];
  const numbers = ['12:30:45', '190:20:30.15', '0b1', '0o-7', '1_000', '_1', '0x_', '1e_3', '1.2.3', '0b+_1', '00:1', '0_0:00.', '1__', '-0X1f'];
  const texts = ['--- a', '...', '---a', '\ta', 'a\r\n', '\u0085', '\u2028', '\ufeffa', '\u0000', '\u007f', '\u001b[31m', '\uffff', 'é', '🦀', '*.shop', '[a', 'a,b]', '@a', '%a', 'a: b', 'a:', 'a #b', '? a', '\u00a0#'];
  const ids = [...new Set([...three, ...words, ...numbers, ...texts])];
  const services = ids.map((Id, index) => ({ namespace: { Name: 'ns', Id: 'ns-1' }, service: { Name: `s${index}`, Id }, instances: [] }));
  const { status, stdout } = same(['translate'], { input: JSON.stringify({ services }) });
  assert.equal(status, 0);
  assert.equal(stdout.split('---\n').length > 10_000, true);
});

test('labels whose names YAML would misread are quoted too', () => {
  const labels = { on: 'A', no: 'A', 'a.b/c': 'A', '0x1f': 'A', '1e3': 'A', '1_000': 'A', null: 'A', '2001-12-14': 'A', web: 'A' };
  const input = JSON.stringify({ Instances: [{ Id: 'i', Attributes: { AWS_INSTANCE_IPV4: '10.0.0.1', A: 'on' } }] });
  same(['translate', '--cloud-map-service', 'a', '--cloud-map-namespace', 'b', '--set', `endpointLabels=${JSON.stringify(labels)}`], { input });
});

test('wrong usage is exit 2, and a failure one line and exit 1', () => {
  for (const args of [[], ['serv'], ['translate', '--servce', 'x'], ['translate', '-o', 'xml'], ['translate', 'a', 'b'], ['translate', '--set'], ['validate', '--stric']]) {
    const { status, stdout, stderr } = ours(args);
    assert.deepEqual([status, stdout, theirs(args).status], [2, '', 2], args.join(' '));
    assert.match(stderr, /^error: /);
  }
  const cases = [
    [['translate', 'no-such-file.json'], /no-such-file\.json/],
    [['translate', folder], /directory/],
    [['translate', '--set', 'adresses=none'], /--set adresses=none: .*adresses/],
    [['translate', '--set', 'addresses'], /OPTION=VALUE/],
    [['translate', '--set', 'exportTo=[a'], /expected JSON/],
    [['translate', '--id', 'not a label!'], /not a label!/],
  ];
  for (const [args, words] of cases) {
    const { status, stderr } = ours(args, { input: '{"services": []}' });
    assert.equal(status, 1, stderr);
    assert.match(stderr, words);
    assert.match(stderr, /^error: [^\n]*\n$/);
  }
});

test('what the input has wrong is told as the native program tells it', () => {
  for (const input of ['', '{', '{"Services": []}', '{"Instances": [{"Id": "i", "Attributes": {}}]}', '[1]']) {
    assert.equal(same(['translate'], { input }).status, 1, input);
  }
});

test('a diagnostic with control characters in its names stays on its line', () => {
  const instance = { InstanceId: 'i\n\u001b[31m\t', Attributes: { AWS_INSTANCE_IPV4: '1.2.3' } };
  const input = JSON.stringify({ services: [{ namespace: { Name: 'ns' }, service: { Name: 'web' }, instances: [instance] }] });
  const { stderr } = same(['translate'], { input });
  assert.ok(!/\p{Cc}/u.test(stderr.replaceAll('\n', '')) && stderr.includes('\\u{1b}'), stderr);
});

test('the environment sets what no flag sets', () => {
  const input = JSON.stringify({ Instances: [{ Id: 'i', Attributes: { AWS_INSTANCE_IPV4: '127.0.0.1' } }] });
  const env = {
    ISTIO_CLOUD_MAP_CLOUD_MAP_SERVICE: 'web', ISTIO_CLOUD_MAP_CLOUD_MAP_NAMESPACE: 'ns', AWS_REGION: 'us-west-2', PUBLISH_NAMESPACE: 'mesh', ISTIO_CLOUD_MAP_STRICT: 'true',
    ISTIO_CLOUD_MAP_OUTPUT: 'json', ISTIO_CLOUD_MAP_SET: 'addresses=none\nhealth=all', ISTIO_CLOUD_MAP_ID: 'me',
  };
  assert.equal(same(['translate'], { input, env }).status, 1);
  assert.equal(same(['translate', '--cloud-map-service', 'other', '-'], { input, env }).status, 1);
});

test('entries are judged as the native program judges them', () => {
  const good = join(folder, 'good.json');
  writeFileSync(good, ours(['translate', '-o', 'json', cases.find(({ name }) => name === 'labels-and-weights').file]).stdout);
  const bad = join(folder, 'bad.json');
  const entry = { apiVersion: 'networking.istio.io/v1', kind: 'ServiceEntry', metadata: { name: 'w\n', namespace: 'shop' }, spec: { hosts: ['*', 'A.b'] } };
  writeFileSync(bad, JSON.stringify([entry, { kind: 'Service' }, { ...entry, kind: undefined, metadata: {} }]));
  for (const more of [[], ['--strict'], ['-o', 'json']]) {
    assert.equal(same(['validate', ...more, good]).status, 0);
    assert.equal(same(['validate', ...more, good, bad]).status, 1);
  }
  const { status, stderr } = ours(['validate', good, join(folder, 'none.json')]);
  assert.equal(status, 1);
  assert.match(stderr, /^error: .*none\.json: .*\n\d+ ServiceEntr.*; 1 file not read\n$/);
  assert.match(ours(['validate'], { input: 'kind: ServiceEntry\n' }).stderr, /it is no JSON .*kubectl's -o json/);
});

test('help and version go to stdout', () => {
  assert.match(ours(['--help']).stdout, /Usage: istio-cloud-map <COMMAND>/);
  assert.match(ours(['translate', '--help']).stdout, /--set OPTION=VALUE/);
  assert.match(ours(['validate', '-h']).stdout, /--strict/);
  assert.deepEqual(ours(['--version']), theirs(['--version']));
});

