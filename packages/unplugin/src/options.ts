/** What the plugin can be told. */
export interface Options {
  /** Where modelpack.toml is, from here upward. Default: the bundler's root. */
  readonly root?: string | undefined;
  /**
   * Whether builds publish onnxruntime's WebAssembly in two files: what the models call, and the rest, which a page fetches
   * only if it is called after all. Default: true.
   */
  readonly splitRuntime?: boolean | undefined;
}
