// The packed file, installed into an empty folder, as somebody has it who knows nothing else.

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after } from 'node:test';

import { assembled, tools } from './places.mjs';

/** A folder of this name and for this test file alone, with the package in its node_modules; gone afterwards. */
export function installed(name) {
  const folder = mkdtempSync(join(tmpdir(), `istio-cloud-map-${name}-`));
  after(() => rmSync(folder, { recursive: true, maxRetries: 3 }));
  const run = (program, args, options) => execFileSync(program, args, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'], ...options });
  const put = (file, text) => {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), text);
  };
  const [{ filename }] = JSON.parse(run('npm', ['pack', '--json', '--silent', '--pack-destination', folder, assembled]));
  put('package.json', '{"private": true}');
  run('npm', ['install', '--silent', '--offline', '--no-audit', '--no-fund', `./${filename}`]);
  return { folder, run, put };
}

/** Makes the AWS SDK of the tools importable in the folder. */
export function withAwsSdk(folder) {
  symlinkSync(join(tools, 'node_modules/@aws-sdk'), join(folder, 'node_modules/@aws-sdk'));
}

// Without the scripts that npm would run after an installation, these programs are where their packages for this one platform have them.
const ofPlatform = (scope, program) => {
  const [name] = readdirSync(join(tools, 'node_modules', scope));
  return join(tools, 'node_modules', scope, name, program);
};
export const bun = () => ofPlatform('@oven', 'bin/bun');
export const deno = () => ofPlatform('@deno', 'deno');

/** What `discover-instances` prints of one service, and the host that comes of it. */
export const discovered = {
  Instances: [{ InstanceId: 'i-1', NamespaceName: 'my-namespace', ServiceName: 'web', HealthStatus: 'HEALTHY', Attributes: { AWS_INSTANCE_IPV4: '10.0.0.1' } }],
  InstancesRevision: 1,
};
export const host = 'web.my-namespace';
