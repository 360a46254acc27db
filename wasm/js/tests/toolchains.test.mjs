// The package in the bundlers and runtimes that the README names: each builds the smallest app there is, by the line that the README gives, and
// the app runs.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, cpSync, existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { extname, join } from 'node:path';
import { after, before, test } from 'node:test';

import { bun, deno, discovered, host, installed } from './installed.mjs';
import { tools } from './places.mjs';
import { recipes } from './recipes.mjs';

const { folder, run, put } = installed('toolchains');
const required = createRequire(join(tools, 'package.json'));
const bin = (name) => join(tools, 'node_modules/.bin', name);
const module = 'istio_cloud_map.wasm';

// The apps: of the package itself and of its inline entry, for pages and for programs.
const body = `const { serviceEntries } = translate(${JSON.stringify(discovered)});`;
for (const [app, entry] of [['app', 'istio-cloud-map'], ['inline', 'istio-cloud-map/inline']]) {
  put(`${app}.js`, `import { init, translate } from '${entry}';\nawait init();\n${body}\ndocument.title = serviceEntries[0].spec.hosts[0];\n`);
  put(`${app}.html`, `<!doctype html><script type="module" src="./${app}.js"></script>`);
  put(`${app}.program.js`, `import { translate } from '${entry}';\n${body}\nconsole.log(serviceEntries[0].spec.hosts[0]);\n`);
}
put('package.json', JSON.stringify({ ...JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')), type: 'module' }));

const webpack = (config) => run('node', ['-e', `
  require(${JSON.stringify(required.resolve('webpack'))})(${JSON.stringify({ mode: 'production', context: folder, performance: { hints: false }, ...config })}, (error, stats) => {
    if (error || stats.hasErrors() || stats.hasWarnings()) throw error ?? new Error(stats.toString());
  });`]);
const vite = (out, app) => {
  put(`${out}-app/index.html`, `<!doctype html><script type="module" src="../${app}.js"></script>`);
  run(bin('vite'), ['build', `${out}-app`, '--outDir', `../${out}`, '--target', 'es2022', '--logLevel', 'error']);
};
const rollup = (...args) => run(bin('rollup'), ['--silent', '--format', 'es', '--plugin', required.resolve('@rollup/plugin-node-resolve'), ...args]);
const esbuild = (...args) => run(bin('esbuild'), ['--bundle', '--log-level=warning', ...args]);
const beside = (out) => copyFileSync(join(folder, 'node_modules/istio-cloud-map', module), join(folder, out, module));
/** A page around a bundle of one file. */
const page = (out) => put(`${out}/index.html`, '<!doctype html><script type="module" src="./app.js"></script>');

// Each leaves a folder with an index.html.
const pages = {
  'Vite, build': (out) => vite(out, 'app'),
  'Vite, build, inline': (out) => vite(out, 'inline'),
  'Rollup, with the module beside the bundle': (out) => {
    rollup('app.js', '--file', `${out}/app.js`);
    beside(out);
    page(out);
  },
  'Rollup, inline': (out) => {
    rollup('inline.js', '--file', `${out}/app.js`);
    page(out);
  },
  Parcel: (out) => {
    run(bin('parcel'), ['build', 'app.html', '--dist-dir', out, '--no-cache', '--log-level', 'error']);
    copyFileSync(join(folder, out, 'app.html'), join(folder, out, 'index.html'));
  },
  webpack: (out) => {
    webpack({ entry: './app.js', output: { path: join(folder, out), filename: 'app.js' } });
    page(out);
  },
  'webpack, inline': (out) => {
    webpack({ entry: './inline.js', output: { path: join(folder, out), filename: 'app.js' } });
    page(out);
  },
  'esbuild, with the module beside the bundle': (out) => {
    esbuild('app.js', '--format=esm', `--outfile=${out}/app.js`);
    beside(out);
    page(out);
  },
  'esbuild, inline': (out) => {
    esbuild('inline.js', '--format=esm', `--outfile=${out}/app.js`);
    page(out);
  },
  'no bundler, by URL': (out) => {
    cpSync(join(folder, 'node_modules/istio-cloud-map'), join(folder, out, 'istio-cloud-map'), { recursive: true });
    put(`${out}/discovered.json`, JSON.stringify(discovered));
    put(`${out}/index.html`, `<!doctype html><title></title><body>${recipes.get('page.html')}`);
  },
};

// Each prints what the program prints. A bundle lies in a folder of its own, and nothing beside it.
const node = (file) => run('node', [file]);
const programs = {
  'Node, ES module': () => node('app.program.js'),
  'Node, CommonJS': () => {
    put('app.cjs', `const { translate } = require('istio-cloud-map');\n${body}\nconsole.log(serviceEntries[0].spec.hosts[0]);\n`);
    return node('app.cjs');
  },
  'esbuild, ES module': (out) => {
    esbuild('app.program.js', '--platform=node', '--format=esm', `--outfile=${out}/index.mjs`);
    return node(`${out}/index.mjs`);
  },
  'esbuild, CommonJS': (out) => {
    esbuild('app.program.js', '--platform=node', '--format=cjs', `--outfile=${out}/index.cjs`);
    return node(`${out}/index.cjs`);
  },
  'esbuild, of CommonJS': (out) => {
    esbuild('app.cjs', '--platform=node', `--outfile=${out}/index.cjs`);
    return node(`${out}/index.cjs`);
  },
  'esbuild with --packages=external': (out) => {
    esbuild('app.program.js', '--platform=node', '--packages=external', '--format=esm', `--outfile=${out}/index.mjs`);
    return node(`${out}/index.mjs`);
  },
  Rollup: (out) => {
    rollup('inline.program.js', '--file', `${out}/index.mjs`);
    return node(`${out}/index.mjs`);
  },
  webpack: (out) => {
    webpack({ entry: './app.program.js', target: 'node', output: { path: join(folder, out), filename: 'index.cjs' } });
    return node(`${out}/index.cjs`);
  },
  'Vite, server side': (out) => {
    run(bin('vite'), ['build', '--ssr', 'app.program.js', '--outDir', out, '--logLevel', 'error']);
    return node(`${out}/app.program.js`);
  },
  Bun: () => run(bun(), ['app.program.js']),
  'Bun, bundled, inline': (out) => {
    run(bun(), ['build', 'inline.program.js', '--target=node', '--outfile', `${out}/index.mjs`]);
    return node(`${out}/index.mjs`);
  },
  Deno: () => run(deno(), ['run', '--allow-read', '--no-remote', 'app.program.js']),
};

let browser;
let origin;
let served;
const types = { '.html': 'text/html', '.js': 'text/javascript', '.wasm': 'application/wasm' };
const server = createServer((request, response) => {
  const file = join(folder, served, request.url === '/' ? 'index.html' : request.url.split('?')[0]);
  if (!existsSync(file)) return response.writeHead(404).end();
  response.writeHead(200, { 'content-type': types[extname(file)] ?? 'application/octet-stream' }).end(readFileSync(file));
});
before(async () => {
  browser = await required('playwright-core').chromium.launch({ executablePath: process.env.CHROMIUM, args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'] });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  origin = `http://127.0.0.1:${server.address().port}`;
});
after(async () => {
  await browser?.close();
  server.close();
});

/** What the page at the URL writes, as its title or its text. */
async function written(url) {
  const tab = await browser.newPage();
  try {
    const problem = new Promise((_, reject) => tab.on('pageerror', reject));
    await tab.goto(url);
    const text = tab.waitForFunction(() => document.title || document.body.innerText.trim(), undefined, { timeout: 20_000 });
    return await (await Promise.race([problem, text])).jsonValue();
  } finally {
    await tab.close();
  }
}

let number = 0;
for (const [name, build] of Object.entries(pages)) {
  test(`in a browser: ${name}`, async () => {
    served = `page-${(number += 1)}`;
    build(served);
    assert.equal(await written(origin), host);
  });
}

for (const [name, printed] of Object.entries(programs)) {
  test(`a program: ${name}`, () => assert.equal(printed(`program-${(number += 1)}`), `${host}\n`));
}

/** What `look` gives of a dev server at the URL. */
async function withDevServer(look) {
  const args = ['--host', '127.0.0.1', '--port', '0', '--force'];
  const server = spawn(bin('vite'), args, { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, NO_COLOR: '1' } });
  try {
    const url = await new Promise((resolve, reject) => {
      let printed = '';
      server.on('exit', () => reject(new Error(`vite ended: ${printed}`)));
      server.stdout.on('data', (chunk) => {
        const [found] = /http:\/\/[\d.]+:\d+/.exec((printed += chunk)) ?? [];
        if (found) resolve(found);
      });
    });
    return await look(url);
  } finally {
    server.removeAllListeners('exit').kill();
    await once(server, 'exit');
  }
}

test('in a browser: Vite, dev server', { timeout: 60_000 }, async () => {
  await withDevServer(async (url) => {
    assert.equal(await written(`${url}/inline.html`), host);
    await assert.rejects(written(`${url}/app.html`), /istio-cloud-map\/inline/, 'the error says what to do');
  });
  put('vite.config.js', `export default { optimizeDeps: { exclude: ['istio-cloud-map'] } };\n`);
  await withDevServer(async (url) => assert.equal(await written(`${url}/app.html`), host));
});

test('a bundle for browsers is small and has nothing of Node in it', () => {
  esbuild('app.js', '--format=esm', '--minify', '--outfile=small.js');
  const script = readFileSync(join(folder, 'small.js'), 'utf8');
  assert.doesNotMatch(script, /node:|require\(/);
  assert.ok(script.length < 20_000, script.length);
});

test('in a Worker, with the module imported', { timeout: 60_000 }, async () => {
  const { Miniflare } = required('miniflare');
  put('worker.js', recipes.get('worker.mjs'));
  // As wrangler bundles it: the module stays a file that the Worker imports.
  esbuild('worker.js', '--format=esm', '--conditions=workerd,worker,browser', '--loader:.wasm=copy', '--asset-names=[name]', '--outdir=worker');
  const modules = [
    { type: 'ESModule', path: 'worker.js', contents: readFileSync(join(folder, 'worker/worker.js'), 'utf8') },
    { type: 'CompiledWasm', path: module, contents: readFileSync(join(folder, 'worker', module)) },
  ];
  const worker = new Miniflare({ modules, compatibilityDate: '2025-09-01' });
  try {
    const response = await worker.dispatchFetch('http://localhost/', { method: 'POST', body: JSON.stringify(discovered) });
    const { serviceEntries } = await response.json();
    assert.equal(serviceEntries[0].spec.hosts[0], host);
  } finally {
    await worker.dispose();
  }
});
