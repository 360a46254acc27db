// Elements. All that comes from an input gets into the page as text, never as markup.

/** An element with properties and children; a string among them is text. */
export function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

/** A sentence whose words in backquotes are code. */
export function prose(text) {
  return text.split("`").map((piece, index) => (index % 2 === 1 ? element("code", {}, piece) : piece));
}

/** `1 endpoint`, `2 endpoints`. */
export function counted(count, word, plural = `${word}s`) {
  return `${count.toLocaleString("en")} ${count === 1 ? word : plural}`;
}
