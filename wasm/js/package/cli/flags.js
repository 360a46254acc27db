// Flags, environment variables and defaults to one object.

import { parseArgs } from 'node:util';

import { WrongUsage } from './usage.js';

/**
 * @param {string[]} args What comes after the command.
 * @param {Record<string, {short?: string, env?: string, value?: string, values?: string[], hint?: string, many?: boolean, default?: string}>} flags By
 *   name. One without `value` is a switch; `values` are all that it may be, and `hint` says where others are possible.
 * @param {number} most How many files there may be.
 */
export function read(args, flags, most) {
  const options = Object.fromEntries(
    Object.entries(flags).map(([name, { short, value, many }]) => [
      name,
      { type: value ? 'string' : 'boolean', ...(short && { short }), ...(many && { multiple: true }) },
    ]),
  );
  const { values, positionals } = parsed(args, options);
  if (positionals.length > most) throw new WrongUsage(`unexpected argument '${positionals[most]}'`);
  for (const [name, flag] of Object.entries(flags)) {
    values[name] ??= fromEnvironment(flag) ?? flag.default;
    if (flag.values && !flag.values.includes(values[name])) {
      throw new WrongUsage(`invalid value '${values[name]}' for '--${name}': expected one of ${flag.values.join(', ')}${flag.hint ? `; ${flag.hint}` : ''}`);
    }
  }
  return { ...values, files: positionals.length > 0 ? positionals : ['-'] };
}

function parsed(args, options) {
  try {
    return parseArgs({ args, options, allowPositionals: true });
  } catch (error) {
    throw new WrongUsage(error.message);
  }
}

function fromEnvironment({ env, value, many }) {
  const text = process.env[env];
  if (text === undefined) return undefined;
  if (many) return text.split('\n');
  return value ? text : !['', '0', 'false', 'f', 'no', 'n', 'off'].includes(text.toLowerCase());
}
