// What a caller can mend.

/** The caller gave something that the call can't take. */
export class CloudMapError extends Error {
  /**
   * @param {"InvalidInput" | "InvalidOptions" | "InvalidRequest"} kind
   * @param {string} message
   * @param {{cause?: unknown}} [options]
   */
  constructor(kind, message, options) {
    super(message, options);
    this.kind = kind;
  }
}

// On the prototype, as the errors of the language have it: no field of each error.
Object.defineProperty(CloudMapError.prototype, 'name', { value: 'CloudMapError', configurable: true, writable: true });
