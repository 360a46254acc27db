// `--set OPTION=VALUE`, any number of times, to the translation's options.

import { translateJson } from '../node.js';
import { Failure } from './usage.js';

/** All of them; of two for one option the last counts. */
export function settings(texts) {
  const all = {};
  for (const text of texts.filter((one) => one.trim() !== '')) {
    const [, name, value] = /^([^=]*)=(.*)$/s.exec(text) ?? [];
    if (name === undefined) throw new Failure(`--set ${text}: expected OPTION=VALUE`);
    const one = { [name.trim()]: read(text, value) };
    // Each by itself first, so that the error names the one that is wrong.
    try {
      translateJson('{"services": []}', one);
    } catch (error) {
      throw new Failure(`--set ${text}: ${error.message}`);
    }
    Object.assign(all, one);
  }
  return all;
}

function read(text, value) {
  try {
    return JSON.parse(value);
  } catch {
    // A list or an object that is no JSON was meant as one, not as a text.
    if (/^\s*[[{]/.test(value)) throw new Failure(`--set ${text}: expected JSON, as in 'protocols={"8080": "HTTP"}'`);
    return value;
  }
}
