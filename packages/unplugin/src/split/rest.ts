/**
 * Stands in front of onnxruntime's JavaScript, in the same file, and so in every thread that onnxruntime starts. Its
 * WebAssembly lies in two files: what the pack's models call, and the rest (`wasm-cut.ts`). A function of the rest that is
 * called after all has to be there at once: a worker fetches the file while the call waits. A page may not wait, and
 * fetches it before.
 */

/** Written in front of this: the second file, beside this one. */
declare const modelpackRest: { readonly name: string; readonly sizeBytes: number };

{
  // What onnxruntime imports, and this module must not be called as.
  const SHARED = "modelpack";
  const TRIES = 2;
  // A function of JavaScript as one that a table takes: (import "m" "f" (func)) (export "f" (func 0)).
  const ADAPTER = Uint8Array.of(
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 4, 1, 0x60, 0, 0, 2, 7, 1, 1, 0x6d, 1, 0x66, 0, 0],
    ...[7, 5, 1, 1, 0x66, 0, 0],
  );
  const { name, sizeBytes } = modelpackRest;
  const url = new URL(name, import.meta.url).href;
  const { instantiate, instantiateStreaming } = WebAssembly;
  const mayWait = typeof document === "undefined";
  const early = mayWait ? undefined : fetched();
  early?.catch(() => undefined); // said when it is needed

  // Of bytes it is both, of a module the instance.
  type Instantiated = WebAssembly.Instance | WebAssembly.WebAssemblyInstantiatedSource;

  async function fetched(): Promise<Uint8Array<ArrayBuffer>> {
    const response = await fetch(url, { credentials: "same-origin" });
    return checked(response.status, await response.arrayBuffer());
  }

  /** Throws an Error where the file does not arrive as it was published. */
  function awaited(): Uint8Array<ArrayBuffer> {
    for (let tried = 1; ; tried += 1) {
      try {
        const request = new XMLHttpRequest();
        request.open("GET", url, false);
        request.responseType = "arraybuffer";
        if (tried > 1) request.setRequestHeader("cache-control", "no-cache");
        request.send();
        return checked(request.status, request.response as ArrayBuffer);
      } catch (error) {
        if (tried >= TRIES) throw error;
      }
    }
  }

  function checked(status: number, content: ArrayBuffer): Uint8Array<ArrayBuffer> {
    if (status === 200 && content.byteLength === sizeBytes) return new Uint8Array(content);
    const found =
      status === 200 ? `has ${content.byteLength} bytes, expected ${sizeBytes}` : `answers ${status}`;
    throw new Error(`a function of onnxruntime is in ${url}, which ${found}; publish all of the build`);
  }

  async function attach({ exports }: WebAssembly.Instance, imports: WebAssembly.Imports): Promise<void> {
    const slots = exports["modelpack:slots"];
    if (!(slots instanceof WebAssembly.Table)) return;
    const all = { ...imports, [SHARED]: exports as WebAssembly.ModuleImports };
    const finish = (): void => {
      (exports["modelpack:isComplete"] as WebAssembly.Global).value = 1;
    };
    if (early) {
      await instantiate(await early, all);
      finish();
    } else {
      const f = (): void => {
        new WebAssembly.Instance(new WebAssembly.Module(awaited()), all);
        finish();
      };
      slots.set(0, new WebAssembly.Instance(new WebAssembly.Module(ADAPTER), { m: { f } }).exports["f"]);
    }
    Object.assign(WebAssembly, { instantiate, instantiateStreaming });
  }

  // In place of onnxruntime's own import, which only it knows: these see what it instantiates, and give it what it asked for.
  Object.assign(WebAssembly, {
    instantiate: async (source: WebAssembly.Module, imports: WebAssembly.Imports = {}) => {
      const result = (await instantiate(source, imports)) as Instantiated;
      await attach("instance" in result ? result.instance : result, imports);
      return result;
    },
    instantiateStreaming: async (source: Response, imports: WebAssembly.Imports = {}) => {
      const result = await instantiateStreaming(source, imports);
      await attach(result.instance, imports);
      return result;
    },
  });
}

export {};
