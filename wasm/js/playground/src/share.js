// Input and options as the fragment of the page's address, compressed. Browsers don't send a fragment to any server.

const PREFIX = "#v1=";
/** Longer addresses are cut by some programs that people send them with. */
const LONGEST = 8000;
const LARGEST = 4 * 1024 * 1024;

/** The fragment, or nothing if it would be too long. */
export async function toFragment(state) {
  const text = JSON.stringify(state);
  if (text.length > LARGEST) return undefined;
  const packed = await through(new Blob([text]), new CompressionStream("deflate-raw"), LARGEST);
  const base64 = btoa(packed.reduce((all, byte) => all + String.fromCharCode(byte), ""));
  const fragment = PREFIX + base64.replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
  return fragment.length > LONGEST ? undefined : fragment;
}

/** What a fragment holds: `{ text, options }`; nothing if it is not one of ours. */
export async function fromFragment(fragment) {
  if (!fragment.startsWith(PREFIX) || fragment.length > LONGEST) return undefined;
  try {
    const binary = atob(fragment.slice(PREFIX.length).replaceAll("-", "+").replaceAll("_", "/"));
    const packed = Uint8Array.from(binary, (char) => char.charCodeAt(0));
    const bytes = await through(new Blob([packed]), new DecompressionStream("deflate-raw"), LARGEST);
    const { text, options } = JSON.parse(new TextDecoder().decode(bytes));
    return typeof text === "string" && isObject(options) ? { text, options } : undefined;
  } catch {
    return undefined;
  }
}

function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A short fragment may unpack to gigabytes, so reading ends at a limit. */
async function through(blob, transform, limit) {
  const chunks = [];
  let size = 0;
  const reader = blob.stream().pipeThrough(transform).getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    size += part.value.length;
    if (size > limit) throw new RangeError("too large");
    chunks.push(part.value);
  }
  return new Uint8Array(await new Blob(chunks).arrayBuffer());
}
