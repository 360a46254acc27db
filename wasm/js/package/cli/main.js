// The command line: one file a command.

import { readFileSync, writeSync } from 'node:fs';

import * as translate from './translate.js';
import { Failure, WrongUsage } from './usage.js';
import * as validate from './validate.js';

const commands = { translate, validate };
const help = `\
AWS Cloud Map JSON to Istio ServiceEntries

Data goes to stdout, everything else to stderr. Exit: 0 done, 1 failed, 2 wrong usage.

Usage: istio-cloud-map <COMMAND>

Commands:
  translate  Cloud Map JSON in, ServiceEntries out; no network, no cluster
  validate   Checks service entries, whoever wrote them, against Istio's rules

Options:
  -h, --help     Print help
  -V, --version  Print version
`;

/** Runs the command that the arguments name; gives the exit code. */
export function main(args) {
  try {
    const { text, code } = answer(args);
    write(text);
    return code;
  } catch (error) {
    if (error instanceof WrongUsage) {
      console.error(`error: ${error.message}\n\nFor more information, try '--help'.`);
      return 2;
    }
    console.error(`error: ${error.message.split(/\s+/).join(' ')}`);
    return 1;
  }
}

function answer([name, ...rest]) {
  if (name === '-h' || name === '--help') return { text: help, code: 0 };
  if (name === '-V' || name === '--version') return { text: `istio-cloud-map ${version()}\n`, code: 0 };
  const command = Object.hasOwn(commands, name ?? '') ? commands[name] : undefined;
  if (!command) throw new WrongUsage(name === undefined ? 'expected a command: translate or validate' : `unrecognized subcommand '${name}'`);
  const plain = rest.slice(0, rest.includes('--') ? rest.indexOf('--') : undefined);
  if (plain.includes('-h') || plain.includes('--help')) return { text: command.help, code: 0 };
  return command.run(rest);
}

function version() {
  return JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')).version;
}

/** At once, since the process may end right after. */
function write(text) {
  const bytes = Buffer.from(text);
  for (let done = 0; done < bytes.length; ) {
    try {
      done += writeSync(1, bytes, done);
    } catch (error) {
      // Whoever reads has read enough.
      if (error.code === 'EPIPE') return;
      // A pipe that is full, and does not wait.
      if (error.code !== 'EAGAIN') throw new Failure(`can't write to stdout: ${error.message}`);
    }
  }
}
