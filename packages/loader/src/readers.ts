/** Readers turn unknown JSON into a type or throw an Error that says where, what was found and what was expected. */
export type Reader<T> = (value: unknown, where: string) => T;

/** Reads the named fields; others are ignored. */
export function record<T extends object>(
  fields: { readonly [Key in keyof T]-?: Reader<T[Key] | undefined> },
): Reader<T> {
  return (value, where) => {
    const found = object(value, where);
    const result: Partial<T> = {};
    for (const key in fields) {
      const read = fields[key](found[key], `${where}.${key}`);
      if (read !== undefined) result[key] = read;
    }
    return result as T;
  };
}

/** An object as it is. Without a prototype, only what was written in the manifest can be read from it. */
export function object(value: unknown, where: string): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw wrong(value, where, "an object");
  return Object.assign(Object.create(null), value);
}

/** An object with keys of the manifest's author, as a Map. */
export function table<T>(key: Reader<string>, read: Reader<T>): Reader<ReadonlyMap<string, T>> {
  return (value, where) =>
    new Map(
      Object.entries(object(value, where)).map(([found, item]) => {
        if (found in Object.prototype) throw new Error(`the key "${found}" is not allowed`);
        return [key(found, where), read(item, `${where}.${found}`)];
      }),
    );
}

export function list<T>(read: Reader<T>): Reader<readonly T[]> {
  return (value, where) => {
    if (!Array.isArray(value)) throw wrong(value, where, "a list");
    return value.map((item, position) => read(item, `${where}[${position}]`));
  };
}

export function text(pattern: RegExp): Reader<string> {
  return (value, where) => {
    if (typeof value === "string" && pattern.test(value)) return value;
    throw wrong(value, where, pattern);
  };
}

export function whole(least: number, most: number = Number.MAX_SAFE_INTEGER): Reader<number> {
  return (value, where) => {
    if (Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most)
      return value as number;
    throw wrong(value, where, `a whole number from ${least} to ${most}`);
  };
}

export function number(value: unknown, where: string): number {
  if (typeof value === "number" && value > 0) return value;
  throw wrong(value, where, "a number above 0");
}

export function oneOf<T extends string | boolean>(...words: readonly T[]): Reader<T> {
  return (value, where) => {
    const found = words.find((item) => item === value);
    if (found) return found;
    throw wrong(value, where, words.join(" or "));
  };
}

export function optional<T>(read: Reader<T>): Reader<T | undefined> {
  return (value, where) => (value === undefined ? undefined : read(value, where));
}

/** What is read, or `fallback` where there is nothing. */
export function or<T>(read: Reader<T>, fallback: T): Reader<T> {
  return (value, where) => (value === undefined ? fallback : read(value, where));
}

function wrong(value: unknown, where: string, expected: string | RegExp): Error {
  return new Error(`${where} is ${String(JSON.stringify(value)).slice(0, 80)}; expected ${expected}`);
}
