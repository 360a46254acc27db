// The README's recipes run as they are printed; the Worker and the page do so in toolchains.test.mjs.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { bun, deno, discovered, host, installed, withAwsSdk } from './installed.mjs';
import { tools } from './places.mjs';
import { readme, recipes } from './recipes.mjs';

const { folder, run, put } = installed('readme');
withAwsSdk(folder);
for (const [name, text] of recipes) put(name, text);
const fromStdin = { input: JSON.stringify(discovered), stdio: ['pipe', 'pipe', 'inherit'] };

// Cloud Map's answers, two pages of namespaces and of services, in place of the network.
put('cloud-map.mjs', `
  import { ServiceDiscoveryClient } from '@aws-sdk/client-servicediscovery';
  const namespaces = ['my-namespace', 'other'].map((Name) => ({ Id: 'ns-' + Name, Name, Type: 'HTTP', CreateDate: new Date(), Properties: { HttpProperties: { HttpName: Name } } }));
  const services = ['web', 'api'].map((Name) => ({ Id: 'srv-' + Name, Name, CreateDate: new Date() }));
  const page = (all, { NextToken }) => [[all[NextToken ? 1 : 0]], NextToken ? undefined : 'next'];
  const answers = {
    ListNamespacesCommand(input) { const [Namespaces, NextToken] = page(namespaces, input); return { Namespaces, NextToken }; },
    ListServicesCommand(input) { const [Services, NextToken] = page(services, input); return { Services, NextToken }; },
    DiscoverInstancesCommand({ NamespaceName, ServiceName }) {
      const instance = { InstanceId: 'i-1', NamespaceName, ServiceName, HealthStatus: 'HEALTHY', Attributes: { AWS_INSTANCE_IPV4: '10.0.0.1' } };
      return { Instances: [instance], InstancesRevision: 1 };
    },
  };
  ServiceDiscoveryClient.prototype.send = async ({ constructor: { name }, input }) => ({ $metadata: { attempts: 1 }, ...answers[name](input) });`);
const env = { ...process.env, AWS_REGION: 'eu-west-1', NODE_NO_WARNINGS: '1' };
const withCloudMap = (...args) => run('node', ['--import', './cloud-map.mjs', ...args], { env });
const hosts = (printed) => (({ items, serviceEntries = items }) => serviceEntries.map(({ spec }) => spec.hosts[0]))(JSON.parse(printed));

test('every recipe is run by a test', () => {
  assert.deepEqual([...recipes.keys()], ['service.mjs', 'snapshot.mjs', 'lambda.mjs', 'stdin.mjs', 'worker.mjs', 'page.html']);
});

test('one service by the AWS SDK', () => assert.deepEqual(hosts(withCloudMap('service.mjs')), [host]));

test('all services by the AWS SDK', () => {
  assert.deepEqual(hosts(withCloudMap('snapshot.mjs')), ['api.my-namespace', 'api.other', 'web.my-namespace', 'web.other']);
});

test('a Lambda function, bundled as the README says, in both formats', () => {
  const [, command] = /^\$ npx (esbuild lambda\.mjs .*)$/m.exec(readme);
  for (const [format, file] of [['esm', 'index.mjs'], ['cjs', 'index.cjs']]) {
    const [program, ...args] = command.replace('--format=esm', `--format=${format}`).replace('index.mjs', file).split(' ');
    run(join(tools, 'node_modules/.bin', program), [...args, '--log-level=warning']);
    put('invoke.mjs', `import { handler } from './dist/${file}';\nconsole.log(JSON.stringify(await handler({ namespace: 'my-namespace', service: 'web' })));\n`);
    // Of the SDK there is a copy for `import` and one for `require`.
    put('cloud-map.cjs', readFileSync(join(folder, 'cloud-map.mjs'), 'utf8').replace(/import (.*) from (.*);/, 'const $1 = require($2);'));
    assert.deepEqual(hosts(run('node', ['--require', './cloud-map.cjs', '--import', './cloud-map.mjs', 'invoke.mjs'], { env })), [host]);
  }
});

test('Deno, Bun and Node', () => {
  assert.deepEqual(hosts(run('node', ['stdin.mjs'], fromStdin)), [host]);
  assert.deepEqual(hosts(run(bun(), ['stdin.mjs'], fromStdin)), [host]);
  assert.deepEqual(hosts(run(deno(), ['run', '--allow-read', '--no-remote', 'stdin.mjs'], fromStdin)), [host]);
});
