// Text for a terminal. Names and messages are anyone's: control characters are escaped, as Rust does it, so that each thing said is one line.

const short = { '\t': '\\t', '\n': '\\n', '\r': '\\r' };

/** Without control characters. */
export function line(text) {
  return text.replace(/\p{Cc}/gu, (char) => short[char] ?? `\\u{${char.charCodeAt(0).toString(16)}}`);
}
