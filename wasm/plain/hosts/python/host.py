"""python3 host.py MODULE.wasm translate|plan|validate < requests > answers: a request a line, an answer a line."""

import sys

from wasmtime import Instance, Module, Store


class Host:
    """One instance of the module, for one thread."""

    def __init__(self, path):
        self.store = Store()
        module = Module.from_file(self.store.engine, path)
        self.exports = Instance(self.store, module, []).exports(self.store)

    def call(self, function, request):
        exports, store = self.exports, self.store
        # Numbers come signed.
        ptr = exports["alloc"](store, len(request)) & 0xFFFFFFFF
        exports["memory"].write(store, request, ptr)
        place = exports[function](store, ptr, len(request))
        exports["free"](store, ptr, len(request))
        ptr, size = place >> 32 & 0xFFFFFFFF, place & 0xFFFFFFFF
        answer = exports["memory"].read(store, ptr, ptr + size)
        exports["free"](store, ptr, size)
        return bytes(answer)


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    host = Host(sys.argv[1])
    for line in sys.stdin.buffer:
        sys.stdout.buffer.write(host.call(sys.argv[2], line.removesuffix(b"\n")) + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
