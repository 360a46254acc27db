// What somebody has who knows nothing but the packed file: it is installed into an empty folder and used in three lines.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { discovered, host, installed, withAwsSdk } from './installed.mjs';
import { tools } from './places.mjs';

const { folder, run, put } = installed('stranger');
const printed = `${host}\n`;
const body = `const { serviceEntries } = translate(${JSON.stringify(discovered)});\nconsole.log(serviceEntries[0]?.spec.hosts[0]);\n`;

test('the packed file holds what is needed and nothing else', () => {
  const place = join(folder, 'node_modules/istio-cloud-map');
  const files = readdirSync(place, { recursive: true, withFileTypes: true }).filter((file) => file.isFile());
  const names = files.map((file) => join(file.parentPath ?? file.path, file.name).slice(place.length + 1)).sort();
  assert.deepEqual(names, [
    'LICENSE-APACHE', 'LICENSE-MIT', 'README.md', 'bin/istio-cloud-map.js',
    'cli/files.js', 'cli/flags.js', 'cli/line.js', 'cli/main.js', 'cli/settings.js', 'cli/translate.js', 'cli/usage.js', 'cli/validate.js',
    'core.d.cts', 'core.d.ts', 'index.d.cts', 'index.d.ts', 'inline.js', 'istio_cloud_map.wasm', 'istio_cloud_map.wasm.d.ts',
    'lib/base64.js', 'lib/calls.cjs', 'lib/calls.js', 'lib/error.cjs', 'lib/error.js', 'lib/glue.cjs', 'lib/glue.js', 'lib/text.cjs', 'lib/text.js',
    'node.cjs', 'node.js', 'package.json', 'web.js',
  ]);
});

test('three lines as an ES module', () => {
  put('three.mjs', `import { translate } from 'istio-cloud-map';\n${body}`);
  assert.equal(run('node', ['three.mjs']), printed);
});

test('three lines as CommonJS', () => {
  put('three.cjs', `const { translate } = require('istio-cloud-map');\n${body}`);
  assert.equal(run('node', ['three.cjs']), printed);
});

test('the program runs by npx', () => {
  put('discover.json', JSON.stringify(discovered));
  const { items } = JSON.parse(run('npx', ['--offline', 'istio-cloud-map', 'translate', 'discover.json']));
  assert.deepEqual(items.map(({ spec }) => spec.hosts), [['web.my-namespace']]);
});

const tsc = (project) => spawnSync(join(tools, 'node_modules/.bin/tsc'), ['--project', project], { cwd: folder, encoding: 'utf8' });
const strict = { strict: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true, skipLibCheck: false, target: 'es2022', types: [], noEmitOnError: true };

function project(name, compilerOptions, files) {
  put(`${name}/tsconfig.json`, JSON.stringify({ compilerOptions: { ...strict, ...compilerOptions }, files: Object.keys(files) }));
  for (const [file, text] of Object.entries(files)) put(`${name}/${file}`, text);
  const { status, stdout } = tsc(name);
  return { status, stdout };
}

const typed = `import { translate } from 'istio-cloud-map';\n${body}`;
for (const [name, options, files] of [
  ['nodenext', { module: 'nodenext', lib: ['es2022', 'dom'] }, { 'three.mts': typed, 'three.cts': typed }],
  ['bundler', { module: 'esnext', moduleResolution: 'bundler', lib: ['es2022', 'dom'] }, { 'three.mts': typed }],
]) {
  test(`three lines of strict TypeScript, resolved as ${name}`, () => {
    assert.deepEqual(project(name, options, files), { status: 0, stdout: '' });
    for (const file of Object.keys(files)) assert.equal(run('node', [`${name}/${file.replace('ts', 'js')}`]), printed);
  });
}

test('the types say what a caller may do, and what not', () => {
  const right = `
    import { CloudMapError, init, plan, translate, translateJson, validate } from 'istio-cloud-map';
    import type { CloudMapErrorKind, Diagnostic, Finding, Plan, PlanInput, ServiceEntry, TranslateOptions } from 'istio-cloud-map';
    const options: TranslateOptions = { service: 'web', namespace: 'ns', addresses: 'none', overrides: [{ service: 'a*', exclude: true }], apiVersion: 'v1' };
    const text: string = translateJson('{}', options);
    const { serviceEntries, diagnostics }: { serviceEntries: ServiceEntry[]; diagnostics: Diagnostic[] } = translate({ Instances: [], InstancesRevision: 2n ** 62n }, options);
    const input: PlanInput = { desired: serviceEntries, observed: [{}], scopes: { sources: { default: true } } };
    const planned: Plan = plan(input, { namespace: 'mesh', policy: 'upsert-only' });
    for (const change of planned.changes) if (change.action === 'update') console.log(change.name, change.fields.join(), change.empties);
    for (const refusal of planned.refusals) if (refusal.reason === 'conflict') console.log(refusal.with.name, refusal.owner);
    const findings: Finding[] = serviceEntries.flatMap((entry) => validate(entry));
    try { await init(new URL('https://example.com/a.wasm')); await init(new Uint8Array()); await init(fetch('a')); } catch (error) {
      if (error instanceof CloudMapError) { const kind: CloudMapErrorKind = error.kind; console.log(kind, error.name, error.message); }
    }
    console.log(text, diagnostics[0]?.code === 'InvalidPort', findings[0]?.rule === 'NoHosts');`;
  assert.deepEqual(project('right', { module: 'nodenext', lib: ['es2022', 'dom'], noEmit: true }, { 'right.mts': right }), { status: 0, stdout: '' });
  const wrong = [
    `translate('{}');`, `translateJson({});`, `translate({ Instances: [] }, { adresses: 'none' });`, `plan({}, { policy: 'never' });`,
    `validate('text');`, `translate({ Instances: [] }).entries;`, `new CloudMapError('Other', 'text');`,
  ];
  const lines = [`import { CloudMapError, plan, translate, translateJson, validate } from 'istio-cloud-map';`, ...wrong].join('\n');
  const { stdout } = project('wrong', { module: 'nodenext', lib: ['es2022'], noEmit: true }, { 'wrong.mts': lines });
  const reported = new Set([...stdout.matchAll(/wrong\.mts[(:](\d+)/g)].map(([, line]) => Number(line)));
  assert.deepEqual([...reported].sort((a, b) => a - b), wrong.map((_, index) => index + 2), stdout);
  assert.ok(!stdout.includes('node_modules'), stdout);
});

// `await`s of clients, not calls of them: what counts is the types that the SDK gives.
const sdk = `
  import type { DiscoverInstancesCommandOutput, GetNamespaceCommandOutput, GetServiceCommandOutput, ListInstancesCommandOutput } from '@aws-sdk/client-servicediscovery';
  import type { GetServiceAttributesCommandOutput, ListTagsForResourceCommandOutput, NamespaceSummary, ServiceSummary } from '@aws-sdk/client-servicediscovery';
  import { translate, type PlanOptions, type Snapshot, type TranslateOptions } from 'istio-cloud-map';
  export function all(discovered: DiscoverInstancesCommandOutput, listed: ListInstancesCommandOutput, { Namespace }: GetNamespaceCommandOutput, { Service }: GetServiceCommandOutput,
      { ServiceAttributes }: GetServiceAttributesCommandOutput, { Tags }: ListTagsForResourceCommandOutput, namespace: NamespaceSummary, service: ServiceSummary, given?: string) {
    const options: TranslateOptions = { service: service.Name, namespace: given, region: undefined, health: undefined, overrides: [{ host: given, exclude: undefined }] };
    const planOptions: PlanOptions = { namespace: given, owner: given, fieldManager: given };
    const snapshot: Snapshot = { services: [
      { namespace: Namespace, service: Service, instances: discovered.Instances, instancesRevision: discovered.InstancesRevision, serviceAttributes: ServiceAttributes?.Attributes, tags: Tags },
      { namespace, service, instances: listed.Instances, source: given, region: given },
    ] };
    const name: string | undefined = translate(snapshot).serviceEntries[0]?.metadata.name;
    return [name, planOptions, translate(discovered), translate(listed, options)];
  }`;
for (const exactOptionalPropertyTypes of [true, false]) {
  for (const moduleResolution of ['nodenext', 'bundler']) {
    test(`what the AWS SDK gives is an input, ${exactOptionalPropertyTypes ? 'with' : 'without'} exactOptionalPropertyTypes, resolved as ${moduleResolution}`, () => {
      if (!existsSync(join(folder, 'node_modules/@aws-sdk'))) withAwsSdk(folder);
      const module = moduleResolution === 'bundler' ? 'esnext' : moduleResolution;
      // The SDK's own declarations need the types of Node.
      const options = { module, moduleResolution, exactOptionalPropertyTypes, lib: ['es2022', 'dom'], skipLibCheck: true, noEmit: true };
      assert.deepEqual(project(`sdk-${exactOptionalPropertyTypes}-${moduleResolution}`, options, { 'sdk.mts': sdk }), { status: 0, stdout: '' });
    });
  }
}
