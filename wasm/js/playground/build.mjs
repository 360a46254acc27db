// Makes the playground one file, wasm/playground.html of the target folder, out of this folder and the assembled npm package:
//
//   cargo wasm js && node wasm/js/assemble.mjs && node wasm/js/playground/build.mjs
//
// Style, script and module are in the page itself, so that it works from a disk, and offline. ISTIO_CLOUD_MAP_JS_TOOLS is a folder
// with the packages of tests/tools; see tests/run.

import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const repository = join(here, '../../..');
const built = join(process.env.CARGO_TARGET_DIR || join(repository, 'target'), 'wasm');
const npm = join(built, 'npm');
const { build } = createRequire(join(process.env.ISTIO_CLOUD_MAP_JS_TOOLS, 'package.json'))('esbuild');

async function page() {
  const { outputFiles } = await build({
    entryPoints: [join(here, 'src/main.js')],
    bundle: true,
    write: false,
    format: 'esm',
    minify: true,
    charset: 'utf8',
    target: ['es2022'],
    loader: { '.wasm': 'binary' },
    plugins: [imports],
  });
  const [html, style] = ['index.html', 'style.css'].map((name) => readFileSync(join(here, 'src', name), 'utf8'));
  const script = outputFiles[0].text.replaceAll('</script', '<\\/script');
  const [, project] = /^repository = "(.+)"$/m.exec(readFileSync(join(repository, 'Cargo.toml'), 'utf8'));
  return html.replace('/*REPOSITORY*/', () => project).replace('/*STYLE*/', () => style).replace('/*SCRIPT*/', () => script);
}

/** Where what the page imports is: the package, as a user has it, and the data of this repository. */
const imports = {
  name: 'playground',
  setup({ onResolve }) {
    const files = {
      'istio-cloud-map': join(npm, 'web.js'),
      'istio-cloud-map/istio_cloud_map.wasm': join(npm, 'istio_cloud_map.wasm'),
      'playground:schema': join(repository, 'docs/reference/translation-options.schema.json'),
    };
    onResolve({ filter: /^(istio-cloud-map|playground:schema)/ }, ({ path }) => ({ path: files[path] }));
  },
};

writeFileSync(join(built, 'playground.html'), await page());
