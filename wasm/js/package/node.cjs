// Node, as CommonJS: the module is read from beside this file when the first call needs it.
'use strict';

const { readFileSync } = require('node:fs');
const { join } = require('node:path');
const { calls } = require('./lib/calls.cjs');
const { CloudMapError } = require('./lib/error.cjs');

let compiled;
const module_ = () => (compiled ??= new WebAssembly.Module(readFileSync(join(__dirname, 'istio_cloud_map.wasm'))));
const { explain, plan, translate, translateJson, validate } = calls(module_);

/** Nothing has to be waited for here. It is there for code that runs in browsers as well. */
async function init() {
  module_();
}

module.exports = { CloudMapError, explain, init, plan, translate, translateJson, validate };
