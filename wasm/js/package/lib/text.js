// Values to JSON text: as `JSON.stringify` has it, and a BigInt as the number that it is.

import { CloudMapError } from './error.js';

/** The text of a value; what has none is an error of the kind. */
export function text(value, kind) {
  let written;
  try {
    written = stringified(value) ?? piece(value, new Set());
  } catch (cause) {
    throw new CloudMapError(kind, `it can't be written as JSON: ${cause?.message ?? cause}`, { cause });
  }
  if (written === undefined) {
    throw new CloudMapError(kind, `it can't be written as JSON: expected an object, got ${value === undefined ? 'undefined' : `a ${typeof value}`}`);
  }
  return written;
}

/** What `JSON.stringify` makes of it, or nothing where there may be a BigInt in it: only a few inputs have one, and all others are faster so. */
function stringified(value) {
  // Somebody may have taught BigInts to be written as texts, which a revision is not.
  if (BigInt.prototype.toJSON !== undefined) return undefined;
  try {
    return JSON.stringify(value);
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

function piece(value, around) {
  if (typeof value === 'bigint') return String(value);
  if (typeof value?.toJSON === 'function') return piece(value.toJSON(), around);
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (around.has(value)) throw new TypeError('it holds itself');
  around.add(value);
  const written = Array.isArray(value) ? list(value, around) : map(value, around);
  around.delete(value);
  return written;
}

function list(values, around) {
  return `[${Array.from(values, (value) => piece(value, around) ?? 'null').join()}]`;
}

function map(object, around) {
  const members = [];
  for (const [key, value] of Object.entries(object)) {
    const written = piece(value, around);
    if (written !== undefined) members.push(`${JSON.stringify(key)}:${written}`);
  }
  return `{${members.join()}}`;
}
