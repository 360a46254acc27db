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
    if (problem !== reader.end) throw problem;
    if (reader.open.length > 0) documents.push(reader.open[0]);
  }
  return documents;
}

class Reader {
  at = 0;
  /** The values that are being read, the outermost first: what there is of them is worth having. */
  open = [];
  end = Symbol("no JSON from here on");

  constructor(text) {
    this.text = text;
  }

  blank() {
    while (/\s/.test(this.text[this.at] ?? "x")) this.at += 1;
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
    const quoted = /"(?:[^"\\]|\\.)*"/y;
    quoted.lastIndex = this.at;
    const found = quoted.exec(this.text);
    if (!found) throw this.end;
    this.at = quoted.lastIndex;
    try {
      return JSON.parse(found[0]);
    } catch {
      throw this.end;
    }
  }

  word(start) {
    const word = /[-+.\w]+/y;
    word.lastIndex = start;
    if (!word.test(this.text)) throw this.end;
    this.at = word.lastIndex;
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

/** The number of the line, from 1, in which a place is. */
export function lineAt(text, place) {
  let line = 1;
  for (let at = text.indexOf("\n"); at !== -1 && at < place; at = text.indexOf("\n", at + 1)) line += 1;
  return line;
}
