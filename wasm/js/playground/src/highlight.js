// YAML with its keys in another colour than its values.

/** Beyond this many lines, colour is not worth its time. */
const MOST_LINES = 3000;

/** Shows a text in an element. */
export function highlight(container, yaml) {
  const lines = yaml.split("\n");
  if (lines.length > MOST_LINES) {
    container.textContent = yaml;
    return;
  }
  container.replaceChildren(...lines.flatMap((line, index) => [...pieces(line), index < lines.length - 1 ? "\n" : ""]));
}

function pieces(line) {
  const found = /^([ -]*)("(?:[^"\\]|\\.)*"|[^\s"'-][^:]*):(?= |$)/.exec(line);
  if (!found) return [line];
  const key = Object.assign(document.createElement("span"), { className: "key", textContent: found[2] });
  return [found[1], key, line.slice(found[1].length + found[2].length)];
}
