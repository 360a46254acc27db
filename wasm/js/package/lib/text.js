// Values to JSON text: as `JSON.stringify` has it, and a BigInt as the number that it is.

import { CloudMapError } from './error.js';

/**
 * The JSON text of an object; anything else is an error of the kind.
 * @param {string} [takesText] The call that takes JSON text instead.
 */
export function text(value, kind, takesText) {
  if (typeof value !== 'object' || value === null || value instanceof Promise) {
    const hint = typeof value === 'string' && takesText ? `; JSON text goes to \`${takesText}\`` : '';
    throw new CloudMapError(kind, `expected an object, got ${described(value)}${hint}`);
  }
  let written;
  try {
    written = stringified(value) ?? piece(value, new Set());
  } catch (cause) {
    throw new CloudMapError(kind, `it can't be written as JSON: ${cause?.message ?? cause}`, { cause });
  }
  return written;
}

/** What a value is, in a few words. */
export function described(value) {
  if (value === null || value === undefined) return String(value);
  if (value instanceof Promise) return 'a Promise (use `await`)';
  if (typeof value === 'string') return value.length > 40 ? `a string that starts with ${JSON.stringify(value.slice(0, 40))}` : `the string ${JSON.stringify(value)}`;
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
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
