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
    same(['translate', '-o', 'json', file, ...flagsOf(options)]);
    same(['translate', '--strict', '-o', 'json', file, ...flagsOf(options)]);
  });
}

test('YAML is refused with a pointer to the native program', () => {
  for (const rest of [{ args: ['-o', 'yaml'] }, { args: [], env: { ISTIO_CLOUD_MAP_OUTPUT: 'yaml' } }]) {
    const { status, stdout, stderr } = ours(['translate', ...rest.args], { input: '{"services": []}', env: rest.env });
    assert.deepEqual([status, stdout], [2, '']);
    assert.match(stderr, /^error: invalid value 'yaml' for '--output': expected one of json; the native program istio-cloud-map writes YAML\n/);
  }
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

test('an error in the input has the message of the native program', () => {
  for (const input of ['', '{', '{"Services": []}', '{"Instances": [{"Id": "i", "Attributes": {}}]}', '[1]']) {
    assert.equal(same(['translate', '-o', 'json'], { input }).status, 1, input);
  }
});

test('a diagnostic with control characters in its names stays on its line', () => {
  const instance = { InstanceId: 'i\n\u001b[31m\t', Attributes: { AWS_INSTANCE_IPV4: '1.2.3' } };
  const input = JSON.stringify({ services: [{ namespace: { Name: 'ns' }, service: { Name: 'web' }, instances: [instance] }] });
  const { stderr } = same(['translate', '-o', 'json'], { input });
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

