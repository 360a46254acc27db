// Files, `-` being stdin.

import { readFileSync } from 'node:fs';

import { Failure } from './usage.js';

/** The text of a file. */
export function read(file) {
  const bytes = content(file);
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new Failure(`can't read ${named(file)}: it is not UTF-8`);
  }
}

function content(file) {
  try {
    return readFileSync(file === '-' ? 0 : file);
  } catch (error) {
    throw new Failure(`can't read ${named(file)}: ${error.message}`);
  }
}

const named = (file) => (file === '-' ? 'stdin' : file);
