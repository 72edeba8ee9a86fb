/** Files of a manifest as verified bytes in memory, from the store and the network. */
import { abortable } from "./abort.ts";
import { layOut } from "./assemble.ts";
import { type ChunkSource, obtainChunk } from "./chunks.ts";
import { type Environment, STALL_TIMEOUT_MS } from "./environment.ts";
import type { Chunk } from "./manifest.ts";
import type { Planned } from "./plan.ts";
import { eachLimited } from "./pool.ts";
import type { ProgressMeter } from "./progress.ts";
import { filesOf } from "./sizes.ts";

// Beside onnxruntime, which starts while weights arrive. Six would take six sevenths of the link, so that it arrives
// last: first output after 1.07 × the time (50 Mbit/s, 40 ms, 20 November 2026).
const CHUNKS_BESIDE_RUNTIME = 3;

/** The bytes of the files, in the given order. */
export async function fetchFiles(
  ids: readonly string[],
  planned: Planned,
  environment: Environment,
  meter: ProgressMeter,
): Promise<readonly Uint8Array<ArrayBuffer>[]> {
  const { buffers, placements } = layOut(planned.manifest, filesOf(planned.manifest, ids));
  const source = chunkSource(planned, environment, meter);
  const { ahead, onFirst } = environment;
  let underWay = 0;
  let left = placements.filter(({ isOfFirst }) => isOfFirst).length;
  await eachLimited(
    placements,
    concurrency(planned, environment),
    environment.signal,
    async (placement, signal) => {
      if (ahead && underWay >= CHUNKS_BESIDE_RUNTIME) await abortable(ahead, signal);
      underWay += 1;
      const target = placement.target();
      await obtainChunk(placement.chunk, target, source, signal);
      placement.spread(target);
      underWay -= 1;
      if (placement.isOfFirst && --left === 0) onFirst?.(buffers[0] as Uint8Array<ArrayBuffer>);
    },
  );
  return buffers;
}

/** Stores the chunks without assembling anything. */
export async function fetchChunks(
  chunks: readonly Chunk[],
  planned: Planned,
  environment: Environment,
  meter: ProgressMeter,
): Promise<void> {
  const source = chunkSource(planned, environment, meter);
  await eachLimited(chunks, concurrency(planned, environment), environment.signal, (chunk, signal) =>
    obtainChunk(chunk, new Uint8Array(chunk.size), source, signal),
  );
}

/** How many chunks may be in flight. */
export function concurrency({ facts }: Planned, { options }: Environment): number {
  return options.concurrency ?? (facts.saveData ? 2 : 6);
}

function chunkSource(planned: Planned, environment: Environment, meter: ProgressMeter): ChunkSource {
  const { options, keeper, hasher, fetch, scope } = environment;
  return {
    keeper,
    meter,
    locks: scope.navigator?.locks,
    download: {
      manifestUrl: planned.reference.manifestUrl,
      delivery: planned.manifest.delivery,
      mirrors: options.mirrors ?? [],
      fetch,
      hasher,
      retries: options.retries ?? 3,
      retryDelayMs: options.retryDelayMs ?? 300,
      stallTimeoutMs: options.stallTimeoutMs ?? STALL_TIMEOUT_MS,
    },
  };
}
