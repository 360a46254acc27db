// A text area with line numbers, and lines that are marked.

const LINE = 20;
const PADDING = 8;

export class Editor {
  #text;
  #gutter;
  #marks;
  #worst = new Map();

  constructor({ text, gutter, marks }) {
    this.#text = text;
    this.#gutter = gutter;
    this.#marks = marks;
    text.addEventListener("scroll", () => this.#scrolled());
    // Tab leaves the field, as keyboards expect.
    new ResizeObserver(() => this.#scrolled()).observe(text);
  }

  get value() {
    return this.#text.value;
  }

  set value(value) {
    this.#text.value = value;
    this.#text.scrollTo(0, 0);
  }

  /** Marks the lines that remarks speak of, each by its worst. */
  mark(remarks) {
    const rank = { error: 3, warning: 2, info: 1 };
    this.#worst = new Map();
    for (const { line, severity } of remarks) {
      if (line && rank[severity] > (rank[this.#worst.get(line)] ?? 0)) this.#worst.set(line, severity);
    }
    this.#scrolled();
  }

  /** Puts the cursor at the beginning of a line. */
  go(line) {
    const lines = this.#text.value.split("\n").slice(0, line);
    const end = lines.join("\n").length;
    const start = end - (lines.at(-1)?.length ?? 0);
    this.#text.focus();
    this.#text.setSelectionRange(start, start);
    this.#text.scrollTo(0, Math.max(0, (line - 4) * LINE));
  }

  /** The line of the cursor, from 1. */
  get line() {
    return this.#text.value.slice(0, this.#text.selectionStart).split("\n").length;
  }

  // Only what is seen is drawn, so that a snapshot of a megabyte scrolls as a page does.
  #scrolled() {
    const { scrollTop, clientHeight, value } = this.#text;
    const count = value.split("\n").length;
    const first = Math.max(1, Math.floor((scrollTop - PADDING) / LINE));
    const last = Math.min(count, Math.ceil((scrollTop + clientHeight) / LINE) + 1);
    const shown = Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => first + index);
    this.#gutter.style.minWidth = `${String(count).length + 3}ch`;
    this.#gutter.replaceChildren(...shown.map((line) => this.#number(line, line === first ? (first - 1) * LINE - scrollTop : 0)));
    this.#marks.replaceChildren(...shown.filter((line) => this.#worst.has(line)).map((line) => this.#stripe(line, scrollTop)));
  }

  #number(line, shift) {
    const element = document.createElement("div");
    const severity = this.#worst.get(line);
    element.textContent = severity ? `● ${line}` : line;
    element.className = severity ?? "";
    element.style.marginTop = `${shift}px`;
    return element;
  }

  #stripe(line, scrollTop) {
    const element = document.createElement("div");
    element.className = this.#worst.get(line);
    element.style.top = `${PADDING + (line - 1) * LINE - scrollTop}px`;
    return element;
  }
}
