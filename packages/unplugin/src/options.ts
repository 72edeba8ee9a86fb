/** What the plugin can be told. */
export interface Options {
  /** Where modelpack.toml is, from here upward. Default: the bundler's root. */
  readonly root?: string | undefined;
}
