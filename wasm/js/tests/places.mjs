// Where things are. `run` says it by environment variables; by hand, cargo's default is taken.

import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** The workspace. */
export const root = fileURLToPath(new URL('../../..', import.meta.url));
const target = process.env.CARGO_TARGET_DIR || join(root, 'target');
/** The assembled package. */
export const assembled = join(target, 'wasm/npm');
/** The playground, one file. */
export const playground = join(target, 'wasm/playground.html');
/** The native program. */
export const native = join(target, 'debug/istio-cloud-map');
/** The folder with the node_modules of tests/tools: compiler, bundlers, runtimes. */
export const tools = process.env.ISTIO_CLOUD_MAP_JS_TOOLS ?? join(root, 'wasm/js/tests/tools');
/** The golden cases of the core. */
export const golden = join(root, 'core/tests/golden');

/** A module of the package. */
export const load = (file) => import(new URL(file, pathToFileURL(`${assembled}/`)));
