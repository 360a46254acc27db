// Entries as YAML, byte for byte as the native program writes them: block style, two spaces, and double quotes around every string that a
// reader of YAML 1.1 or 1.2 would take for something else.

/** Documents with `---` between them; nothing at all, if there are none. */
export function stream(values) {
  return values.map((value) => `${node(value, '').trimStart()}\n`).join('---\n');
}

/** A value at an indentation: on the line that has begun, or on lines of its own. */
function node(value, indent) {
  if (Array.isArray(value)) return value.length === 0 ? ' []' : items(value, indent);
  if (typeof value === 'object' && value !== null) return Object.keys(value).length === 0 ? ' {}' : `\n${members(value, indent)}`;
  return ` ${typeof value === 'string' ? scalar(value, misread) : value}`;
}

/** A list is not indented deeper than its key. */
function items(values, indent) {
  return values.map((value) => `\n${indent}-${node(value, `${indent}  `).replace(/^\n +/, ' ')}`).join('');
}

function members(object, indent) {
  const member = ([name, value]) => {
    const deeper = Array.isArray(value) ? indent : `${indent}  `;
    return `${indent}${scalar(name, misreadAsKey)}:${node(value, deeper)}`;
  };
  return Object.entries(object).map(member).join('\n');
}

// What follows are serde-saphyr's rules.

function scalar(text, patterns) {
  // As values, these three alone have single quotes.
  if (patterns === misread && ['.', '-', '#'].includes(text)) return `'${text}'`;
  return patterns.some((pattern) => pattern.test(text)) || isNumber(text) ? quoted(text) : text;
}

const misread = [
  // Words of YAML 1.2 and 1.1, and a time.
  /^(?:|~|<<|=|null|true|false|yes|no|y|n|on|off|nan|[+-]?inf)$/i,
  /^\d{4}-\d\d?-\d\d?(?:(?:[Tt]|[ \t]+)\d\d?:\d\d?:\d\d?(?:[.,]\d*)?[ \t]*(?:Z|[+-]\d\d?(?::\d\d)?)?)?$/,
  // A document's marker, space at an end, an indicator in front.
  /^(?:---|\.\.\.)(?:[ \t\n\f\r]|$)/,
  /^[ \t\n\f\r]|[ \t\n\f\r]$/,
  /^(?:[-?](?:[ \t\n\f\r]|$)|[,:[\]{}#&*!|>'"%@`])/,
  // A key, a comment, what does not print.
  /: |:\s*$/,
  /\s#/,
  /[\p{Cc}\ufeff\u2028\u2029\ufffe\uffff]/u,
];
const misreadAsKey = [...misread, /[:,[\]{}]/];

const special = /^[+-]?\.(?:inf|nan)$/i;
const decimal = /^[+-]?(?:\d+|\d*\.[\d.]*)(?:e[+-]?\d+)?$/i;
const radix = /^[+-]?(?:0b[01_]+|0o[0-7_]+|0x[\da-f_]+)$/i;
const signedRadix = /^(?:0b[+-]?[01]+|0o[+-]?[0-7]+)$/;
const base60 = /^[+-]?(?:[1-9][\d_]*(?::[0-5]?\d)+|\d[\d_]*(?::[0-5]?\d)+\.[\d_]*)$/;

/** As any reader of YAML 1.1 may have it. Go's takes underscores out of whatever begins like a number. */
function isNumber(text) {
  if (!/^[\d+\-._]/.test(text)) return false;
  if (special.test(text) || base60.test(text) || radix.test(text)) return true;
  const plain = text.replaceAll('_', '');
  return radix.test(plain) || signedRadix.test(plain) || decimal.test(plain);
}

const escapes = {
  '\\': '\\\\', '"': '\\"', '\0': '\\0', '\x07': '\\a', '\b': '\\b', '\t': '\\t', '\n': '\\n', '\v': '\\v', '\f': '\\f', '\r': '\\r',
  '\x1b': '\\e', '\x85': '\\N', '\u2028': '\\L', '\u2029': '\\P',
};

function quoted(text) {
  const escaped = text.replace(/[\\"\p{Cc}\ufeff\u2028\u2029\ufffe\uffff]/gu, (char) => {
    const code = char.charCodeAt(0).toString(16).toUpperCase();
    return escapes[char] ?? (code.length > 2 ? `\\u${code.padStart(4, '0')}` : `\\x${code.padStart(2, '0')}`);
  });
  return `"${escaped}"`;
}
