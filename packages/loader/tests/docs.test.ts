/** The code in the documentation compiles against the sources. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const TSC = fileURLToPath(new URL("../../../node_modules/.bin/tsc", import.meta.url));
const PAGES = ["README.md", "../../docs/loader.md"];

// What the examples take from their page.
const GIVEN = `
declare const controller: AbortController;
declare const pixels: Float32Array;
declare const feeds: import("../../src/index.ts").Feeds;
declare const ref: import("../../src/index.ts").ModelRef;
declare const frames: AsyncIterable<import("../../src/index.ts").TensorLike>;
declare function show(fraction: number, phase: string, secondsLeft: number | undefined): void;
`;

test.each(PAGES)("%s compiles", (page) => {
  const text = readFileSync(join(ROOT, page), "utf8");
  const code = [...text.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, block = ""]) => block).join("\n");
  expect(code).toContain("load(");
  const imported = new Set(
    [...code.matchAll(/import \{([^}]*)\} from/g)].flatMap(([, names = ""]) =>
      names.split(",").map((name) => name.trim()),
    ),
  );
  const missing = ["load", "plan"].filter((name) => !imported.has(name));
  mkdirSync(join(ROOT, ".temporary"), { recursive: true });
  const folder = mkdtempSync(join(ROOT, ".temporary", "docs-"));
  try {
    const source = code.replaceAll('"@modelpack/loader"', '"../../src/index.ts"');
    const others = missing.length ? `import { ${missing.join(", ")} } from "../../src/index.ts";\n` : "";
    writeFileSync(join(folder, "page.ts"), `${others}${source}\n${GIVEN}\nexport {};\n`);
    const config = {
      extends: "../../../../tsconfig.base.json",
      compilerOptions: { noUnusedLocals: false, isolatedDeclarations: false, declaration: false },
      include: ["page.ts"],
    };
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
    execFileSync(TSC, ["-p", folder], { encoding: "utf8", stdio: "pipe" });
  } catch (error) {
    expect.fail(String((error as { stdout?: string }).stdout ?? error));
  } finally {
    rmSync(join(ROOT, ".temporary"), { recursive: true, force: true });
  }
});
