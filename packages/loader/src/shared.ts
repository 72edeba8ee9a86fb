/**
 * One engine for the pages of a site. 1. Its runtime starts once and its session is created once, whoever asks first.
 * 2. It ends with the last page that says so; pages that vanish may come back. 3. What failed last serves nobody new.
 * 4. A page that leaves hears first of the runs that it has asked for.
 */
import type { AskOptions, Engine, EngineRequest } from "./engine.ts";
import { ModelpackError } from "./errors.ts";
import type { Outputs } from "./types.ts";

/** An engine as one page has it. */
export interface Client extends Engine {
  /** The page is gone, and said nothing. */
  vanish(): void;
}

const LIVE: Outputs = { live: { type: "string", data: [], dims: [0] } };

/** What lets pages in. `end` ends the worker. */
export function shareEngine(engine: Engine, end: () => void): () => Client {
  const clients = new Set<Client>();
  let tail: Promise<unknown> = Promise.resolve();
  let started: Outputs | undefined;
  let isLive = false;
  let isBroken = false;
  let lastStream = 0;

  const settle = async (request: EngineRequest): Promise<Outputs> => {
    if (request.kind === "start") {
      started ??= await engine.ask(request);
      return started;
    }
    if (isBroken) throw new ModelpackError("RUNTIME_INIT", "its last run failed");
    if (isLive) return LIVE;
    if (request.kind === "rehearse") {
      isBroken = true; // unless the runtime survives it
      await engine.ask(request);
      isBroken = false;
    }
    if (request.kind === "create") {
      await engine.ask(request);
      isLive = true;
    }
    return isLive ? LIVE : {};
  };
  const inTurn = (request: EngineRequest): Promise<Outputs> => {
    const settled = tail.then(() => settle(request));
    tail = settled.catch(() => undefined);
    return settled;
  };
  const run = async (request: EngineRequest, options?: AskOptions): Promise<Outputs> => {
    try {
      const outputs = await engine.ask(request, options);
      isBroken = false;
      return outputs;
    } catch (error) {
      const { code } = error as ModelpackError;
      isBroken ||= code !== "USAGE" && code !== "ABORTED";
      throw error;
    }
  };
  return () => {
    const streams = new Map<number, number>(); // the page's number → the engine's
    let running: Promise<unknown> | undefined;
    let isLeaving = false;
    const numbered = (id: number): number => {
      if (!streams.has(id)) streams.set(id, ++lastStream);
      return streams.get(id) as number;
    };
    const leave = (isForGood: boolean): void => {
      if (!clients.delete(client)) return;
      for (const stream of streams.values()) void engine.ask({ kind: "forget", stream });
      if (!clients.size && (isForGood || !isLive)) end();
    };
    const client: Client = {
      ask: async (request, options) => {
        switch (request.kind) {
          case "run": {
            const { stream } = request;
            const outputs = run(
              stream ? { ...request, stream: { ...stream, id: numbered(stream.id) } } : request,
              options,
            );
            running = outputs.catch(() => undefined);
            return outputs;
          }
          case "forget": {
            const stream = numbered(request.stream);
            streams.delete(request.stream);
            return engine.ask({ kind: "forget", stream });
          }
          case "release":
            isLeaving = true;
            await running;
            leave(true);
            return {};
          case "prepare":
            return engine.ask(request);
          default:
            return inTurn(request);
        }
      },
      close: () => leave(true),
      vanish: () => leave(isLeaving),
    };
    clients.add(client);
    return client;
  };
}
