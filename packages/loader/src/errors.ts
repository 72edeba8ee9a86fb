/** What went wrong, by kind; a page decides on it, a person reads `message` and `hint`. */
export type ErrorCode =
  | "MANIFEST_FETCH"
  | "MANIFEST_INTEGRITY"
  | "MANIFEST_VERSION"
  | "CHUNK_FETCH"
  | "CHUNK_INTEGRITY"
  | "NOT_BINARY"
  | "QUOTA"
  | "NO_VARIANT"
  | "RUNTIME_INIT"
  | "SESSION_CREATE"
  | "RUN"
  | "OUT_OF_MEMORY"
  | "USAGE"
  | "ABORTED";

export interface ErrorFacts {
  /** What was asked for. */
  readonly url?: string | undefined;
  /** The HTTP status, where one arrived. */
  readonly status?: number | undefined;
  /** The SHA-256 of the chunk. */
  readonly chunk?: string | undefined;
  /** Whether the same call may succeed later without anything being changed. */
  readonly retryable?: boolean | undefined;
  /** When the server asked to be asked again, at most a minute. */
  readonly retryAfterMs?: number | undefined;
  /** What to do about it. */
  readonly hint?: string | undefined;
  readonly cause?: unknown;
}

/** The only error that this package throws. `name` is "AbortError" where a signal was the reason. */
export class ModelpackError extends Error {
  readonly code: ErrorCode;
  readonly url: string | undefined;
  readonly status: number | undefined;
  readonly chunk: string | undefined;
  readonly retryable: boolean;
  readonly retryAfterMs: number | undefined;
  readonly hint: string | undefined;

  constructor(code: ErrorCode, message: string, facts: ErrorFacts = {}) {
    super(facts.hint ? `${message}; ${facts.hint}` : message, { cause: facts.cause });
    this.name = code === "ABORTED" ? "AbortError" : "ModelpackError";
    this.code = code;
    this.url = facts.url;
    this.status = facts.status;
    this.chunk = facts.chunk;
    this.retryable = facts.retryable ?? false;
    this.retryAfterMs = facts.retryAfterMs;
    this.hint = facts.hint;
  }
}

/** `reason` as text. */
export function messageOf(reason: unknown): string {
  return reason instanceof Error ? reason.message : String(reason);
}
