// Node, as an ES module: the module is read from beside this file when the first call needs it.
import { readFileSync } from 'node:fs';

import { calls } from './lib/calls.js';
import { CloudMapError } from './lib/error.js';

let compiled;
const module_ = () => (compiled ??= new WebAssembly.Module(readFileSync(new URL('./istio_cloud_map.wasm', import.meta.url))));
export const { explain, plan, translate, translateJson, validate } = calls(module_);

/** Nothing has to be waited for here. It is there for code that runs in browsers as well. */
export async function init() {
  module_();
}

export { CloudMapError };
