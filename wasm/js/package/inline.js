// The module is a text in this package's code: for bundles for Node, and for bundlers that leave files behind. It needs neither a file nor a fetch.
import { base64 } from './lib/base64.js';
import { calls } from './lib/calls.js';
import { CloudMapError } from './lib/error.js';

let compiled;
const bytes = () => Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
export const { explain, plan, translate, translateJson, validate } = calls(() => (compiled ??= new WebAssembly.Module(bytes())));

/** Compiles the module ahead of the first call, without blocking. */
export async function init() {
  compiled ??= await WebAssembly.compile(bytes());
}

export { CloudMapError };
