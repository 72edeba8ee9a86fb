/** A program, and the arguments that come before those of modelpack. */
export interface Command {
  readonly program: string;
  readonly args: readonly string[];
}

/** Where modelpack is looked for. */
export interface Place {
  /** Default: process.cwd(). */
  readonly folder?: string;
  /** Default: process.env. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** The Python tool; undefined where there is none and nothing that could fetch it. */
export function findModelpack(place?: Place): Command | undefined;

/** What to say then: one line, with the remedy. */
export const NOT_FOUND: string;
