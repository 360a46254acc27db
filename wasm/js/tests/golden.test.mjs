// Every golden case of the core, by both ways of calling: the bytes are those of the native build.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { cases, compact, parse } from './cases.mjs';
import { load } from './places.mjs';

const { CloudMapError, translate, translateJson } = await load('node.js');

/** As the golden files have it: an input that can't be read at all is its error. */
function outcome(run) {
  try {
    return run();
  } catch (error) {
    assert.ok(error instanceof CloudMapError, error);
    return JSON.stringify({ error: error.message });
  }
}

test('there are cases', () => assert.ok(cases.length > 20));

for (const { name, text, options, out } of cases) {
  test(`text: ${name}`, () => {
    assert.equal(outcome(() => translateJson(text, options)), compact(out));
  });

  let input;
  try {
    input = parse(text);
  } catch {
    // Several documents, or none: no object stands for that.
    continue;
  }
  test(`objects: ${name}`, () => {
    assert.equal(outcome(() => JSON.stringify(translate(input, options))), compact(out));
  });
}
