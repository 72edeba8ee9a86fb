/** What a session is made of: verified bytes in memory, and options. */
import type { Environment } from "./environment.ts";
import { fetchFiles } from "./files.ts";
import type { Variant } from "./manifest.ts";
import { measurePhase } from "./phases.ts";
import type { Planned, PlannedVariant } from "./plan.ts";
import type { ProgressMeter } from "./progress.ts";
import { variantFileIds } from "./sizes.ts";
import type { OrtInputs, SessionOptions } from "./types.ts";

export type SessionInputs = Pick<OrtInputs, "model" | "externalData" | "sessionOptions">;

/** The variant's graph and weights, and its session options with the caller's over them. */
export async function fetchInputs(
  { variant, missing, stored }: PlannedVariant,
  planned: Planned,
  environment: Environment,
  meter: ProgressMeter,
): Promise<SessionInputs> {
  meter.expect(missing, stored);
  meter.begin("download");
  const measure = measurePhase(environment.scope.performance, "download");
  const [model, ...data] = await fetchFiles(variantFileIds(variant), planned, environment, meter);
  measure();
  const sessionOptions = sessionOptionsOf(variant, environment);
  const externalData = variant.externalData.map(({ path }, position) => ({
    path,
    data: data[position] as Uint8Array,
  }));
  return { model: model as Uint8Array, externalData, sessionOptions };
}

/** Those of the manifest, with the caller's over them. */
export function sessionOptionsOf(variant: Variant, { options }: Environment): SessionOptions {
  return {
    executionProviders: variant.executionProviders,
    ...variant.sessionOptions,
    ...options.sessionOptions,
  };
}
