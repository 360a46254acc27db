// node host.mjs MODULE.wasm translate|plan|validate < requests > answers: a request a line, an answer a line.
import { readFileSync } from 'node:fs';

/** One instance of the module, for one thread. */
class Host {
  constructor(path) {
    this.exports = new WebAssembly.Instance(new WebAssembly.Module(readFileSync(path))).exports;
  }

  /** Numbers of 32 bits come signed, and memory that grows gets a new buffer, so a view is made when it is needed. */
  call(name, request) {
    const { memory, alloc, free, [name]: call } = this.exports;
    const ptr = alloc(request.length) >>> 0;
    new Uint8Array(memory.buffer, ptr, request.length).set(request);
    const place = BigInt.asUintN(64, call(ptr, request.length));
    free(ptr, request.length);
    const [at, length] = [Number(place >> 32n), Number(place & 0xffffffffn)];
    const answer = new Uint8Array(memory.buffer, at, length).slice();
    free(at, length);
    return answer;
  }
}

/** Each line of the input, as bytes. */
function* lines(input) {
  for (let from = 0; from < input.length; ) {
    const end = input.indexOf(10, from);
    yield input.subarray(from, end < 0 ? input.length : end);
    from = end < 0 ? input.length : end + 1;
  }
}

const [path, name] = process.argv.slice(2);
if (!name) throw new Error('usage: node host.mjs MODULE.wasm translate|plan|validate');
const host = new Host(path);
for (const request of lines(readFileSync(0))) {
  process.stdout.write(Buffer.concat([host.call(name, request), Buffer.of(10)]));
}
