// The four calls, on an instance of the module that is made when the first call needs it.

import { CloudMapError } from './error.js';
import { glue } from './glue.js';
import { described, text } from './text.js';

/**
 * @param {() => WebAssembly.Module} compiled The module; it may throw where there is none yet.
 */
export function calls(compiled) {
  let live;

  const call = (name, ...texts) => {
    live ??= instance(compiled());
    try {
      return live[name](...texts);
    } catch (thrown) {
      // The module throws an error's JSON, and can be used again.
      if (typeof thrown === 'string') throw CloudMapError.fromJson(thrown);
      // Anything else aborted the call: the module's memory can't be trusted any more.
      live = undefined;
      throw new Error(`istio-cloud-map: the call was aborted (${thrown?.message ?? thrown}) and has no result. If the input is huge, memory ran out. The next call uses a new instance of the module.`, { cause: thrown });
    }
  };

  return {
    translate: (input, options) => JSON.parse(call('translate', text(input, 'InvalidInput', 'translateJson'), optionsText(options))),
    translateJson: (input, options) => call('translate', json(input), optionsText(options)),
    explain: (input, options) => call('explain', typeof input === 'string' ? input : text(input, 'InvalidInput'), optionsText(options)),
    plan: (input, options) => call('plan', text(input, 'InvalidInput'), optionsText(options)),
    validate: (serviceEntry) => call('validate', text(serviceEntry, 'InvalidInput')),
  };
}

function instance(module) {
  const side = glue();
  const { exports } = new WebAssembly.Instance(module, { './istio_cloud_map_bg.js': side });
  // Without that one the glue encodes a text in one go, and not character by character, which for large texts is a third of all time.
  side.__wbg_set_wasm({ ...exports, __wbindgen_realloc: undefined });
  exports.__wbindgen_start();
  return side;
}

function optionsText(options) {
  return options == null ? '{}' : text(options, 'InvalidOptions');
}

function json(input) {
  if (typeof input === 'string') return input;
  throw new CloudMapError('InvalidInput', `expected JSON as a string, got ${described(input)}; \`translate\` takes objects`);
}
