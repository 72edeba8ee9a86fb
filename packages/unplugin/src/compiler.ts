/** webpack and Rspack, which have the same hooks: they write through a file system of their own, and know their public path. */
import { copyFiles, type OutputFiles } from "./copy.ts";
import { PluginError } from "./failure.ts";
import type { Host } from "./host.ts";
import { ALIAS, HINTS, SCHEME } from "./modules.ts";
import type { Project } from "./project.ts";

/** The part of a compiler that is used. */
export interface CompilerLike {
  readonly context: string;
  readonly watchMode?: boolean;
  readonly watching?: { invalidate(): void } | null | undefined;
  readonly outputPath: string;
  readonly outputFileSystem: unknown;
  readonly webpack: {
    readonly EntryPlugin: new (context: string, entry: string, options: object) => Applied;
    readonly NormalModuleReplacementPlugin: new (
      match: RegExp,
      replace: (request: { request: string }) => void,
    ) => Applied;
  };
  readonly hooks: {
    readonly afterEmit: { tapPromise(name: string, run: () => Promise<void>): void };
    readonly thisCompilation: { tap(name: string, run: (compilation: CompilationLike) => void): void };
    readonly watchClose: { tap(name: string, run: () => void): void };
  };
}

interface CompilationLike {
  readonly errors: { push(error: Error): unknown };
}

interface Applied {
  apply(compiler: unknown): void;
}

type Callback = (error: Error | null, value?: never) => void;
type CallbackFiles = Readonly<
  Record<"mkdir" | "stat" | "writeFile", (path: string, ...rest: readonly unknown[]) => void>
>;

/** What a compiler needs beside the common hooks. */
export function applyToCompiler(compiler: CompilerLike, project: Project, host: Host): void {
  const { EntryPlugin, NormalModuleReplacementPlugin } = compiler.webpack;
  project.locate({ root: compiler.context });
  host.isWatching = () => compiler.watchMode === true;
  host.addressOf = () => (path) =>
    `new URL(__webpack_public_path__ + ${JSON.stringify(path)}, document.baseURI).href`;
  host.preamble = () => "";
  host.addsHints = true;
  new NormalModuleReplacementPlugin(new RegExp(`^${SCHEME}`), (resource) => {
    resource.request = resource.request.replace(SCHEME, ALIAS);
  }).apply(compiler);
  // An entry without a name is part of every other one.
  new EntryPlugin(compiler.context, ALIAS + HINTS, { name: undefined }).apply(compiler);
  compiler.hooks.afterEmit.tapPromise("modelpack", async () => {
    await copyFiles(await project.staticFiles(), compiler.outputPath, promised(compiler.outputFileSystem));
  });
  showTrouble(compiler, project);
}

/**
 * What is wrong in the background is an error of the compilation, so that the terminal and a dev server's overlay show it, until it
 * is right again. A new manifest needs no word of ours: the modules that were made from it name it.
 */
function showTrouble(compiler: CompilerLike, project: Project): void {
  let trouble: PluginError | undefined;
  project.onChange((change) => {
    const before = trouble?.message;
    trouble = change instanceof PluginError ? change : undefined;
    if (trouble?.message !== before) compiler.watching?.invalidate();
  });
  compiler.hooks.thisCompilation.tap("modelpack", ({ errors }) => {
    if (trouble) errors.push(trouble);
  });
  compiler.hooks.watchClose.tap("modelpack", () => project.stop());
}

/** File systems of compilers take callbacks. */
function promised(files: unknown): OutputFiles {
  const call = <T>(name: keyof CallbackFiles, ...args: readonly [string, ...unknown[]]): Promise<T> =>
    new Promise((resolve, reject) => {
      const done: Callback = (error, value) => (error ? reject(error) : resolve(value as T));
      (files as CallbackFiles)[name](...args, done);
    });
  return {
    mkdir: (path, options) => call("mkdir", path, options),
    stat: (path) => call("stat", path),
    writeFile: (path, bytes) => call("writeFile", path, Buffer.from(bytes)),
  };
}
