/** An error of the plugin: what was found, and what to do. Bundlers print its message. */
export class PluginError extends Error {
  override readonly name = "ModelpackError";

  constructor(message: string, remedy: string, options: ErrorOptions = {}) {
    super([message, remedy].filter(Boolean).join("; "), options);
    // What is wrong is not in the code that noticed it.
    this.stack = `${this.name}: ${this.message}`;
  }
}
