// Where things are in a JSON text. The values themselves are the module's business; here only places count.

/**
 * The values of a text, one after another, each with the place where it begins: `{ start, fields: Map }` for an object,
 * `{ start, items: [] }` for a list, `{ start, text }` for a string, `{ start }` for all else. Ends quietly where the text is no JSON.
 */
export function scan(text) {
  const documents = [];
  const reader = new Reader(text);
  try {
    for (reader.blank(); reader.at < text.length; reader.blank()) documents.push(reader.value());
  } catch (problem) {
    // Brackets that are nested too deep for the stack are not JSON that anybody prints.
    if (problem !== reader.end && !(problem instanceof RangeError)) throw problem;
    if (reader.open.length > 0) documents.push(reader.open[0]);
  }
  return documents;
}

const SPACE = /\s*/y;
const QUOTED = /"[^"\\]*(?:\\.[^"\\]*)*"/y;
const WORD = /[-+.\w]+/y;

class Reader {
  at = 0;
  /** The values that are being read, the outermost first: what there is of them is worth having. */
  open = [];
  end = Symbol("no JSON from here on");

  constructor(text) {
    this.text = text;
  }

  blank() {
    SPACE.lastIndex = this.at;
    SPACE.test(this.text);
    this.at = SPACE.lastIndex;
    return this.text[this.at];
  }

  value() {
    const start = (this.blank(), this.at);
    switch (this.text[start]) {
      case "{": return this.object({ start, fields: new Map() });
      case "[": return this.list({ start, items: [] });
      case '"': return { start, text: this.string() };
      default: return this.word(start);
    }
  }

  object(node) {
    this.open.push(node);
    this.at += 1;
    while (this.blank() !== "}") {
      const key = this.string();
      this.expect(":");
      node.fields.set(key, undefined);
      node.fields.set(key, this.value());
      if (this.blank() !== "}") this.expect(",");
    }
    this.at += 1;
    this.open.pop();
    return node;
  }

  list(node) {
    this.open.push(node);
    this.at += 1;
    while (this.blank() !== "]") {
      node.items.push(this.value());
      if (this.blank() !== "]") this.expect(",");
    }
    this.at += 1;
    this.open.pop();
    return node;
  }

  string() {
    QUOTED.lastIndex = this.at;
    if (!QUOTED.test(this.text)) throw this.end;
    const quoted = this.text.slice(this.at, QUOTED.lastIndex);
    this.at = QUOTED.lastIndex;
    try {
      return JSON.parse(quoted);
    } catch {
      throw this.end;
    }
  }

  word(start) {
    WORD.lastIndex = start;
    if (!WORD.test(this.text)) throw this.end;
    this.at = WORD.lastIndex;
    return { start };
  }

  expect(character) {
    if (this.blank() !== character) throw this.end;
    this.at += 1;
  }
}

/** The value at a path such as `services[0].instances[2].Attributes`, or the last that is there on the way. */
export function follow(node, path) {
  for (const [, key, index] of path.matchAll(/([^.[\]]+)|\[(\d+)\]/g)) {
    const next = key === undefined ? node?.items?.[Number(index)] : node?.fields?.get(key);
    if (!next) break;
    node = next;
  }
  return node;
}

/** Where each line of a text begins. */
export function lineStarts(text) {
  const starts = [0];
  for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
  return starts;
}

/** The number of the line, from 1, in which a place is. */
export function lineAt(starts, place) {
  let [low, high] = [0, starts.length];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (starts[middle] <= place) low = middle;
    else high = middle;
  }
  return low + 1;
}
