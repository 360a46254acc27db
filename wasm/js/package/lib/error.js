// Errors that a caller can fix.

/** The caller passed something that the call can't use. */
export class CloudMapError extends Error {
  /**
   * @param {"InvalidInput" | "InvalidOptions" | "InvalidRequest"} kind
   * @param {string} message
   * @param {{cause?: unknown, path?: string, line?: number, column?: number}} [details]
   */
  constructor(kind, message, { cause, path, line, column } = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.kind = kind;
    if (path !== undefined) this.path = path;
    if (line !== undefined) this.line = line;
    if (column !== undefined) this.column = column;
  }

  /** @param {string} json An error as the module throws it. */
  static fromJson(json) {
    const { kind, message, ...details } = JSON.parse(json);
    return new CloudMapError(kind, message, details);
  }
}

// On the prototype, as with the language's own errors: not a field of each error.
Object.defineProperty(CloudMapError.prototype, 'name', { value: 'CloudMapError', configurable: true, writable: true });
