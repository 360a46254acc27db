// The four functions and what they throw.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { test } from 'node:test';

import { assembled, load } from './places.mjs';

const { CloudMapError, explain, init, plan, translate, translateJson, validate } = await load('node.js');

const instance = (id, address) => ({ InstanceId: id, Attributes: { AWS_INSTANCE_IPV4: address } });
const snapshot = (service) => ({ services: [{ namespace: { Name: 'ns' }, service: { Name: 'web' }, instances: [instance('i-1', '10.0.0.1')], ...service }] });
const revision = ({ serviceEntries: [entry] }) => entry.metadata.annotations['istio-cloud-map/revision'];

function fails(run, kind, words) {
  assert.throws(run, (error) => {
    assert.ok(error instanceof CloudMapError && error instanceof Error, error);
    assert.deepEqual([error.name, error.kind], ['CloudMapError', kind], error.message);
    assert.match(error.message, words);
    assert.ok(String(error).startsWith('CloudMapError: ') && error.stack.includes('calls.test.mjs'));
    return true;
  });
}

test('objects give objects and a text gives the same as a text', () => {
  const translation = translate(snapshot());
  assert.deepEqual(translation.serviceEntries[0].spec.hosts, ['web.ns']);
  assert.deepEqual(translation.diagnostics, []);
  assert.equal(translateJson(JSON.stringify(snapshot())), JSON.stringify(translation));
});

test('options are taken, and may be left out, null or of BigInts', () => {
  assert.equal(translate(snapshot(), { addresses: 'none' }).serviceEntries[0].spec.addresses, undefined);
  assert.deepEqual(translate(snapshot(), null), translate(snapshot()));
  assert.deepEqual(plan({}, { maxDeletePercent: 30n }), { changes: [], refusals: [] });
});

test('what is wrong with one instance is a diagnostic and costs no other', () => {
  const { serviceEntries, diagnostics } = translate(snapshot({ instances: [instance('good', '10.0.0.1'), instance('bad', '127.0.0.1')] }));
  assert.equal(serviceEntries[0].spec.endpoints.length, 1);
  assert.deepEqual(diagnostics.map(({ code, instance: id }) => [code, id]), [['ForbiddenAddress', 'bad']]);
});

test('a revision up to 2^63 - 1 survives as a BigInt and in a text', () => {
  for (const number of [2n ** 53n + 1n, 2n ** 63n - 1n]) {
    assert.equal(revision(translate(snapshot({ instancesRevision: number }))), String(number));
    const text = JSON.stringify(snapshot({ instancesRevision: 0 })).replace('"instancesRevision":0', `"instancesRevision":${number}`);
    assert.equal(revision(JSON.parse(translateJson(text))), String(number));
  }
  assert.equal(revision(translate(snapshot({ instancesRevision: 7 }))), '7');
});

test('a BigInt is a number even where somebody taught BigInts to be texts', () => {
  BigInt.prototype.toJSON = function toJSON() {
    return `${this}`;
  };
  try {
    assert.equal(revision(translate(snapshot({ instancesRevision: 2n ** 60n }))), String(2n ** 60n));
  } finally {
    delete BigInt.prototype.toJSON;
  }
});

test('an object with a BigInt is written as JSON.stringify writes others', () => {
  const odd = { a: undefined, b: () => 1, c: [undefined, , NaN], d: new Date(0), e: 'é"\n\u2028', 7: null, toJSON: undefined, instancesRevision: 1n };
  const { toJSON, instancesRevision, ...rest } = odd;
  const result = validate({ kind: odd, big: 1n });
  assert.deepEqual(result, validate({ kind: { ...rest, instancesRevision: 1 }, big: 1 }));
});

test('a plan says what to do and what not', () => {
  const desired = translate(snapshot()).serviceEntries;
  const gone = { metadata: { name: 'gone', namespace: 'mesh', labels: { 'istio-cloud-map/owner': 'istio-cloud-map' }, annotations: { 'istio-cloud-map/source': 'default', 'istio-cloud-map/namespace-id': 'other' } }, spec: { hosts: ['gone.ns'] } };
  const asked = (sources) => plan({ desired, observed: [gone], scopes: { sources } }, { namespace: 'mesh' });
  const create = { namespace: 'mesh', name: 'cloudmap-web.ns', action: 'create' };
  assert.deepEqual(asked({}), { changes: [create], refusals: [] }, 'another process may read its source');
  assert.deepEqual(asked({ default: false }), { changes: [create], refusals: [{ namespace: 'mesh', name: 'gone', reason: 'incomplete' }] });
  assert.deepEqual(asked({ default: true }).changes, [create, { namespace: 'mesh', name: 'gone', action: 'delete' }]);
});

test('explain names the rule behind each part of an entry, for objects and for text', () => {
  const [{ namespace, service, host, reasons }] = explain(snapshot());
  assert.deepEqual([namespace, service, host], ['ns', 'web', 'web.ns']);
  assert.ok(reasons.some(({ rule, instance, message }) => rule === 'Address' && instance === 'i-1' && message === '10.0.0.1 is its AWS_INSTANCE_IPV4'));
  assert.ok(reasons.some(({ rule, port, endpoint }) => rule === 'PortMap' && port === 80 && endpoint === '10.0.0.1'));
  assert.deepEqual(explain(JSON.stringify(snapshot())), explain(snapshot()));
});

test('what translate makes is valid, and a finding names its place', () => {
  const [entry] = translate(snapshot()).serviceEntries;
  assert.deepEqual(validate(entry), []);
  entry.spec.ports[0].number = 0;
  const [{ severity, rule, path }] = validate(entry);
  assert.deepEqual([severity, rule, path], ['error', 'InvalidPort', 'spec.ports[0].number']);
});

test('a bad input is an error that says what was expected', () => {
  fails(() => translateJson('{"services": ['), 'InvalidInput', /^line 1, column \d+: .*expected Cloud Map JSON/);
  fails(() => translateJson(''), 'InvalidInput', /empty/);
  fails(() => translateJson({}), 'InvalidInput', /expected JSON as a string, got an object; `translate` takes objects/);
  fails(() => translate({ Services: [] }), 'InvalidInput', /`Services`.*`services`/);
  fails(() => translate(JSON.stringify(snapshot()).repeat(1000)), 'InvalidInput', /^expected an object, got a string that starts with .{1,60}; JSON text goes to `translateJson`$/);
  fails(() => translate(undefined), 'InvalidInput', /^expected an object, got undefined$/);
  fails(() => translate(null), 'InvalidInput', /^expected an object, got null$/);
  fails(() => translate(Promise.resolve(snapshot())), 'InvalidInput', /^expected an object, got a Promise \(use `await`\)$/);
  fails(() => translate(() => 1), 'InvalidInput', /^expected an object, got a function$/);
  fails(() => plan({ desire: [] }), 'InvalidInput', /desire/);
  fails(() => validate(undefined), 'InvalidInput', /undefined/);
});

test('an error has its path, or its line and column, as fields', () => {
  const details = (run) => {
    try {
      run();
    } catch ({ kind, path, line, column }) {
      return { kind, path, line, column };
    }
    return undefined;
  };
  assert.deepEqual(details(() => translateJson('{\n"services": [')), { kind: 'InvalidInput', path: undefined, line: 2, column: 13 });
  assert.deepEqual(details(() => translate({ services: [7] })), { kind: 'InvalidInput', path: 'services[0]', line: undefined, column: undefined });
  assert.deepEqual(details(() => translate(snapshot(), { overrides: [{ port: 1 }] })), { kind: 'InvalidOptions', path: 'overrides[0].port', line: undefined, column: undefined });
});

test('a message has the words of JSON', () => {
  fails(() => translate({ services: {} }), 'InvalidInput', /^services: expected an array, got an object/);
  fails(() => plan({}, { maxDeletePercent: 'x' }), 'InvalidOptions', /expected a whole number from 0 to 255, got the string "x"/);
});

test('an empty answer needs the names of its service, and is an entry without endpoints with them', () => {
  fails(() => translate({ Instances: [] }), 'InvalidInput', /set `service` and `namespace`/);
  fails(() => translate({ Instances: [] }, { namespace: 'ns' }), 'InvalidInput', /set `service`/);
  const { serviceEntries: [entry] } = translate({ Instances: [] }, { namespace: 'ns', service: 'web' });
  assert.deepEqual([entry.spec.hosts, entry.spec.endpoints], [['web.ns'], undefined]);
});

test('a bad option is an error that names it', () => {
  fails(() => translate(snapshot(), { adresses: 'none' }), 'InvalidOptions', /adresses/);
  fails(() => translateJson('{"services": []}', { addresses: 7 }), 'InvalidOptions', /addresses/);
  fails(() => translate(snapshot(), 'none'), 'InvalidOptions', /string/);
  fails(() => plan({}, { policy: 'never' }), 'InvalidOptions', /policy/);
});

test('an object that no JSON can say is an error with its cause', () => {
  const ring = {};
  ring.ring = ring;
  fails(() => translate(ring), 'InvalidInput', /holds itself/);
  fails(() => translate(snapshot(), ring), 'InvalidOptions', /holds itself/);
  const deep = JSON.parse('['.repeat(2000) + ']'.repeat(2000));
  fails(() => validate(deep), 'InvalidInput', /recursion/);
  const cause = new Error('no');
  const throwing = { toJSON: () => { throw cause; } };
  assert.throws(() => translate(throwing), (error) => error.cause === cause);
});

test('require, import and the inline entry give the same names and the same results', async () => {
  const names = ['CloudMapError', 'explain', 'init', 'plan', 'translate', 'translateJson', 'validate'];
  const imported = await load('node.js');
  for (const entry of [imported, createRequire(import.meta.url)(assembled), await load('inline.js')]) {
    assert.deepEqual(Object.keys(entry).sort(), names);
    assert.deepEqual(entry.translate(snapshot()), translate(snapshot()));
    assert.throws(() => entry.translate(undefined), (error) => error instanceof entry.CloudMapError);
  }
});

test('what the AWS SDK gives beside the fields that are read costs nothing', () => {
  class Output {
    constructor(fields) {
      Object.assign(this, { $metadata: { httpStatusCode: 200, attempts: 1, cfId: undefined }, NextToken: undefined }, fields);
    }
  }
  const Instances = [{ ...instance('i-1', '10.0.0.1'), NamespaceName: 'ns', ServiceName: 'web', HealthStatus: undefined, CreatedAt: new Date(0) }];
  const expected = translate({ Instances: [{ ...instance('i-1', '10.0.0.1'), NamespaceName: 'ns', ServiceName: 'web' }] });
  assert.deepEqual(translate(new Output({ Instances, InstancesRevision: undefined })), expected);
  const listed = new Output({ Instances: [{ Id: 'i-1', Attributes: { AWS_INSTANCE_IPV4: '10.0.0.1' } }] });
  assert.deepEqual(translate(listed, { namespace: 'ns', service: 'web', region: undefined }), expected);
  const service = { namespace: { Name: 'ns', CreateDate: new Date(0), Type: undefined }, service: { Name: 'web', CreateDate: new Date(0), HealthCheckCustomConfig: undefined }, tags: undefined };
  assert.deepEqual(translate({ services: [{ ...service, instances: Instances }] }).diagnostics, []);
});

test('a service without a name, or without instances, is a diagnostic and costs no other', () => {
  const { services: [good] } = snapshot();
  const bad = [{ ...good, service: { Name: undefined } }, { ...good, instances: undefined }, { ...good, namespace: undefined }, { ...good, tags: [{}] }];
  const { serviceEntries, diagnostics } = translate({ services: [good, ...bad] });
  assert.deepEqual(serviceEntries.map(({ spec }) => spec.hosts), [['web.ns']]);
  assert.deepEqual(diagnostics.map(({ severity }) => severity), bad.map(() => 'error'));
});

test('init is there in Node as well', async () => assert.equal(await init(), undefined));

test('when memory runs out the call says so, and the next one works', () => {
  const script = `
    const { translateJson } = require(${JSON.stringify(assembled)});
    const service = (name) => ({ namespace: { Name: 'ns' }, service: { Name: name }, instances: [] });
    const few = JSON.stringify({ services: [service('web')] });
    const before = translateJson(few);
    const many = JSON.stringify({ services: Array.from({ length: 100000 }, (_, index) => service('s' + index)) });
    try { translateJson(many); console.log('no error'); } catch (error) { console.log(error.name, error.message, error.cause !== undefined); }
    console.log(translateJson(few) === before);`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--wasm-max-mem-pages=128', '-e', script], { encoding: 'utf8' });
  assert.match(stdout, /^Error istio-cloud-map: the call was aborted \(.*\) and has no result\. .*memory ran out.* true\ntrue\n$/, stderr);
});

