// node package.mjs FOLDER objects|text translate|plan|validate < cases > answers: the npm package, called as its users call it.
// A line is [input, options], both JSON as text, options may be null; an answer has the shape of the plain module's.
import { createInterface } from 'node:readline';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const [folder, way, name] = process.argv.slice(2);
const called = await import(pathToFileURL(resolve(folder, 'node.js')).href);

const ways = {
  objects: (input, options) => JSON.stringify(called[name](JSON.parse(input), options)),
  text: (input, options) => called[`${name}Json`](input, options),
};

function answer(input, options) {
  try {
    return `{"ok":${ways[way](input, options === null ? undefined : JSON.parse(options))}}`;
  } catch (error) {
    if (!(error instanceof called.CloudMapError)) throw error;
    const { kind, message, path, line, column } = error;
    return JSON.stringify({ error: { kind, message, path, line, column } });
  }
}

// Each line is ASCII, so that no character in it ends a line.
for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${answer(...JSON.parse(line))}\n`);
}
