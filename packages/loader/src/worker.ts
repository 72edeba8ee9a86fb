/** The loader's own module worker: an engine behind messages, of one page or of all that share it. */
import { createEngine } from "./engine.ts";
import { serve, type WorkerScope } from "./serve.ts";
import { shareEngine } from "./shared.ts";

interface SharedScope {
  onconnect?: (event: { readonly ports: readonly [MessagePort] }) => void;
  close(): void;
}

const scope = globalThis as unknown as WorkerScope & SharedScope;

if ("onconnect" in scope) {
  const join = shareEngine(createEngine(), () => scope.close());
  scope.onconnect = ({ ports: [port] }) => {
    const client = join();
    port.addEventListener("close", client.vanish); // where the browser says so
    serve(port as unknown as WorkerScope, client);
    port.start();
  };
} else serve(scope, createEngine());
