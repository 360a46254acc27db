import type { ModuleSource } from "./index.js";

/** The module, as the bundler or runtime gives it; `init` takes any of its forms. */
declare const source: ModuleSource;
export default source;
