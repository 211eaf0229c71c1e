/** What went wrong. `status` is "model_file", "model_version", "input", "memory" or "network". */
export class SignbitError extends Error {
  constructor(status, message, { isFatal = false } = {}) {
    super(message);
    this.name = "SignbitError";
    this.status = status;
    /** Whether the instance of the engine ended with it. */
    this.isFatal = isFatal;
  }
}
