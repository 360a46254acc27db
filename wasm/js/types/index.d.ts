import type {
  CloudMapInput,
  Explanation,
  Finding,
  InputNames,
  Plan,
  PlanInput,
  PlanSettings,
  ServiceEntry,
  Translation,
  TranslationOptions,
} from "./core.js";

export type * from "./core.js";

/** How to translate, and what the input itself may not say. Every option has a default; an unknown one is an error. */
export type TranslateOptions = InputNames & TranslationOptions;

/** How to plan. Every option has a default; an unknown one is an error. */
export type PlanOptions = PlanSettings & {
  /** The Kubernetes namespace of what does not say one; `default`, if absent. */
  namespace?: string | undefined;
  /** The name that was applied with; `istio-cloud-map`, if absent. What other managers own in an observed object is left alone. */
  fieldManager?: string | undefined;
};

/** What a caller has to fix: the input, the options, or that `init()` was not awaited. */
export type CloudMapErrorKind = "InvalidInput" | "InvalidOptions" | "InvalidRequest";

/** The caller passed something that the call can't use. */
export class CloudMapError extends Error {
  constructor(
    kind: CloudMapErrorKind,
    message: string,
    details?: { cause?: unknown; path?: string | undefined; line?: number | undefined; column?: number | undefined },
  );
  readonly name: "CloudMapError";
  /** Which argument is wrong. */
  readonly kind: CloudMapErrorKind;
  /** The path of what is wrong, `services[0].instances` for example, where it is one value. */
  readonly path?: string;
  /** The line of JSON text where it stops being JSON, counted from 1. */
  readonly line?: number;
  /** The same in bytes of that line, counted from 1. */
  readonly column?: number;
}

/** The module itself, or where it is. */
export type ModuleSource = WebAssemblyModule | string | WebUrl | ArrayBuffer | ArrayBufferView | WebResponse;

/**
 * Loads the module. Needed once before the first call wherever this is not Node. In Node, and with `istio-cloud-map/inline`, it does nothing that a call would not do.
 *
 * @param source By default `istio_cloud_map.wasm` beside the package's own file. Ignored in Node and by `istio-cloud-map/inline`.
 */
export function init(source?: ModuleSource | PromiseLike<ModuleSource>): Promise<void>;

/**
 * Cloud Map objects to ServiceEntries.
 *
 * A revision above 2^53 has to be a BigInt: as a number it is not exact before it gets here.
 *
 * @throws {CloudMapError} The input has none of the three shapes, or an option is wrong. What is wrong with one service or instance is a diagnostic.
 */
export function translate(input: CloudMapInput, options?: TranslateOptions): Translation;

/**
 * The same from JSON to JSON, which is faster, and exact: the bytes are those of the native build.
 *
 * @throws {CloudMapError} As `translate`.
 */
export function translateJson(input: string, options?: TranslateOptions): string;

/**
 * Why each service's entry is as it is: the rule behind each part of it, as if no other service claimed its host.
 *
 * @param input Objects, or JSON text.
 * @throws {CloudMapError} As `translate`.
 */
export function explain(input: CloudMapInput | string, options?: TranslateOptions): Explanation[];

/**
 * What has to be changed so that what is observed becomes what is desired, and what is not done for good reason.
 *
 * @throws {CloudMapError} The input or an option is wrong.
 */
export function plan(input: PlanInput, options?: PlanOptions): Plan;

/**
 * What Istio and the API server would object to in any ServiceEntry; nothing, if it is accepted and means what it says.
 *
 * @throws {CloudMapError} It can't be written as JSON.
 */
export function validate(serviceEntry: object): Finding[];

/** A `WebAssembly.Module`, whether or not the types of WebAssembly are among the project's. */
type WebAssemblyModule = typeof globalThis extends { WebAssembly: { Module: { prototype: infer M } } } ? M : never;

/** A `URL`, whether or not the types of browsers are among the project's. */
type WebUrl = { readonly href: string };

/** A `Response`, whether or not the types of browsers are among the project's. */
type WebResponse = typeof globalThis extends { Response: { prototype: infer R } } ? R : never;
