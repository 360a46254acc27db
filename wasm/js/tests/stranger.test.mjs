// What somebody has who knows nothing but the packed file: it is installed into an empty folder and used in three lines.

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { assembled, tools } from './places.mjs';

const folder = mkdtempSync(join(tmpdir(), 'istio-cloud-map-stranger-'));
after(() => rmSync(folder, { recursive: true }));
const run = (program, args) => execFileSync(program, args, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
const put = (file, text) => writeFileSync(join(folder, file), text);

const discovered = JSON.stringify({
  Instances: [{ InstanceId: 'i-1', NamespaceName: 'my-namespace', ServiceName: 'web', HealthStatus: 'HEALTHY', Attributes: { AWS_INSTANCE_IPV4: '10.0.0.1' } }],
  InstancesRevision: 1,
});
const printed = 'web.my-namespace\n';
const body = `const { serviceEntries } = translate(${discovered});\nconsole.log(serviceEntries[0]?.spec.hosts[0]);\n`;

before(() => {
  const [{ filename }] = JSON.parse(run('npm', ['pack', '--json', '--silent', '--pack-destination', folder, assembled]));
  put('package.json', '{"private": true}');
  run('npm', ['install', '--silent', '--offline', '--no-audit', '--no-fund', `./${filename}`]);
});

test('the packed file holds what is needed and nothing else', () => {
  const installed = join(folder, 'node_modules/istio-cloud-map');
  const files = readdirSync(installed, { recursive: true, withFileTypes: true }).filter((file) => file.isFile());
  const names = files.map((file) => join(file.parentPath ?? file.path, file.name).slice(installed.length + 1)).sort();
  assert.deepEqual(names, [
    'LICENSE-APACHE', 'LICENSE-MIT', 'README.md', 'bin/istio-cloud-map.js',
    'cli/files.js', 'cli/flags.js', 'cli/line.js', 'cli/main.js', 'cli/settings.js', 'cli/translate.js', 'cli/usage.js', 'cli/validate.js',
    'core.d.cts', 'core.d.ts', 'index.d.cts', 'index.d.ts', 'istio_cloud_map.wasm',
    'lib/calls.cjs', 'lib/calls.js', 'lib/error.cjs', 'lib/error.js', 'lib/glue.cjs', 'lib/glue.js', 'lib/text.cjs', 'lib/text.js',
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
  put('discover.json', discovered);
  const { items } = JSON.parse(run('npx', ['--offline', 'istio-cloud-map', 'translate', 'discover.json']));
  assert.deepEqual(items.map(({ spec }) => spec.hosts), [['web.my-namespace']]);
});

const tsc = (project) => spawnSync(join(tools, 'node_modules/.bin/tsc'), ['--project', project], { cwd: folder, encoding: 'utf8' });
const strict = { strict: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true, skipLibCheck: false, target: 'es2022', types: [], noEmitOnError: true };

function project(name, compilerOptions, files) {
  mkdirSync(join(folder, name), { recursive: true });
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
    `translate({});`, `translate('{}');`, `translateJson({});`, `translate({ Instances: [] }, { adresses: 'none' });`, `plan({}, { policy: 'never' });`,
    `validate('text');`, `translate({ Instances: [] }).entries;`, `new CloudMapError('Other', 'text');`,
  ];
  const lines = [`import { CloudMapError, plan, translate, translateJson, validate } from 'istio-cloud-map';`, ...wrong].join('\n');
  const { stdout } = project('wrong', { module: 'nodenext', lib: ['es2022'], noEmit: true }, { 'wrong.mts': lines });
  const reported = new Set([...stdout.matchAll(/wrong\.mts[(:](\d+)/g)].map(([, line]) => Number(line)));
  assert.deepEqual([...reported].sort((a, b) => a - b), wrong.map((_, index) => index + 2), stdout);
  assert.ok(!stdout.includes('node_modules'), stdout);
});

test('a bundle for browsers is whole, small, and works with the module beside it or in it', () => {
  const esbuild = (...args) => run(join(tools, 'node_modules/.bin/esbuild'), ['--bundle', '--format=esm', '--minify', '--log-level=warning', '--target=es2022', ...args]);
  put('app.js', `import { init, translate } from 'istio-cloud-map';\nawait init(globalThis.module);\n${body}`);
  esbuild('--platform=browser', 'app.js', '--outfile=app.out.mjs');
  put('embedded.js', `import bytes from 'istio-cloud-map/istio_cloud_map.wasm';\nimport { init, translate } from 'istio-cloud-map';\nawait init(bytes);\n${body}`);
  esbuild('--platform=browser', '--loader:.wasm=binary', 'embedded.js', '--outfile=embedded.out.mjs');
  put('page.mjs', `
    import { readFileSync } from 'node:fs';
    import { createRequire } from 'node:module';
    const script = readFileSync('app.out.mjs', 'utf8');
    if (/node:|require\\(/.test(script) || script.length > 20000) throw new Error('something of Node is in the bundle, or it is large: ' + script.length);
    globalThis.module = readFileSync(createRequire(import.meta.url).resolve('istio-cloud-map/istio_cloud_map.wasm'));
    await import('./app.out.mjs');
    await import('./embedded.out.mjs');`);
  assert.equal(run('node', ['page.mjs']), printed + printed);
});
