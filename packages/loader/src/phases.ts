/** Marks the time from its call to the call of what it gives back as `modelpack:<phase>` among performance's entries. */
export function measurePhase(performance: Performance | undefined, phase: string): () => void {
  const start = performance?.now() ?? 0;
  return () => void performance?.measure?.(`modelpack:${phase}`, { start, end: performance.now() });
}
