// Browsers and all other hosts: the module has to be loaded, once, before the first call.
import { calls } from './lib/calls.js';
import { CloudMapError } from './lib/error.js';

const REMEDY = "copy istio_cloud_map.wasm there, give its URL or bytes to `init`, or import 'istio-cloud-map/inline', which needs no file";
let compiled;
let loading;

/** Loads the module; later calls wait for the same. After a failure it can be called again. */
export async function init(source = new URL('./istio_cloud_map.wasm', import.meta.url)) {
  loading ??= compile(source);
  try {
    compiled = await loading;
  } catch (error) {
    loading = undefined;
    throw error;
  }
}

export const { explain, plan, translate, translateJson, validate } = calls(() => {
  if (compiled) return compiled;
  throw new CloudMapError('InvalidRequest', 'the module is not loaded: `await init()` comes first');
});

export { CloudMapError };

async function compile(source) {
  const given = await source;
  if (given instanceof WebAssembly.Module) return given;
  if (given instanceof ArrayBuffer || ArrayBuffer.isView(given)) return WebAssembly.compile(given);
  const response = given instanceof Response ? given : await fetch(given);
  if (!response.ok) throw new Error(`istio-cloud-map: ${response.url}: HTTP ${response.status}; ${REMEDY}`);
  // Not streamed: that asks for a media type which many servers don't know, and saves little of so small a file.
  const bytes = await response.arrayBuffer();
  try {
    return await WebAssembly.compile(bytes);
  } catch (cause) {
    throw new Error(`istio-cloud-map: ${response.url} is not the module istio_cloud_map.wasm; ${REMEDY}`, { cause });
  }
}
