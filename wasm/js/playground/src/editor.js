// A text area with line numbers, and lines that are marked, each with what is wrong there at its end.

import { element } from "./dom.js";
import { lineAt, lineStarts } from "./positions.js";

const LINE = 20;
const PADDING = 8;

export class Editor {
  #text;
  #gutter;
  #marks;
  #starts = [0];
  #worst = new Map();

  constructor({ text, gutter, marks }) {
    this.#text = text;
    this.#gutter = gutter;
    this.#marks = marks;
    text.addEventListener("scroll", () => this.#scrolled());
    text.addEventListener("input", () => this.#changed());
    // Tab leaves the field, as keyboards expect.
    new ResizeObserver(() => this.#scrolled()).observe(text);
  }

  get value() {
    return this.#text.value;
  }

  set value(value) {
    this.#text.value = value;
    this.#text.scrollTo(0, 0);
    this.#changed();
  }

  /** Where the lines begin. */
  get starts() {
    return this.#starts;
  }

  /** Marks the lines that remarks speak of, each by its worst. */
  mark(remarks) {
    const rank = { error: 3, warning: 2, info: 1 };
    this.#worst = new Map();
    for (const remark of remarks) {
      if (remark.line && rank[remark.severity] > (rank[this.#worst.get(remark.line)?.severity] ?? 0)) this.#worst.set(remark.line, remark);
    }
    this.#scrolled();
  }

  /** Puts the cursor at the beginning of a line. */
  go(line) {
    const start = this.#starts[Math.min(line, this.#starts.length) - 1];
    this.#text.focus();
    this.#text.setSelectionRange(start, start);
    this.#text.scrollTo(0, Math.max(0, (line - 4) * LINE));
  }

  /** The line of the cursor, from 1. */
  get line() {
    return lineAt(this.#starts, this.#text.selectionStart);
  }

  #changed() {
    this.#starts = lineStarts(this.#text.value);
    this.#scrolled();
  }

  // Only what is seen is drawn, so that a snapshot of a megabyte scrolls as a page does.
  #scrolled() {
    const { scrollTop, scrollLeft, clientHeight } = this.#text;
    const count = this.#starts.length;
    const first = Math.max(1, Math.floor((scrollTop - PADDING) / LINE));
    const last = Math.min(count, Math.ceil((scrollTop + clientHeight) / LINE) + 1);
    const shown = Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => first + index);
    this.#gutter.style.width = `${Math.max(2, String(count).length) + 5}ch`;
    this.#gutter.replaceChildren(...shown.map((line) => this.#number(line, line === first ? (first - 1) * LINE - scrollTop : 0)));
    this.#marks.replaceChildren(...shown.filter((line) => this.#worst.has(line)).map((line) => this.#stripe(line, scrollTop, scrollLeft)));
  }

  #number(line, shift) {
    const severity = this.#worst.get(line)?.severity;
    const number = element("div", { className: severity ?? "" }, severity ? `● ${line}` : String(line));
    number.style.marginTop = `${shift}px`;
    return number;
  }

  #stripe(line, scrollTop, scrollLeft) {
    const { severity, message } = this.#worst.get(line);
    const note = element("span", {}, message.replace(/^line \d+, column \d+: /, ""));
    const length = (this.#starts[line] ?? this.#text.value.length + 1) - 1 - this.#starts[line - 1];
    note.style.marginLeft = `calc(${length + 3}ch - ${scrollLeft}px)`;
    const stripe = element("div", { className: severity }, note);
    stripe.style.top = `${PADDING + (line - 1) * LINE - scrollTop}px`;
    return stripe;
  }
}
