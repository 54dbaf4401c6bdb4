import path from "node:path";
import { is, Table } from "drizzle-orm";
import * as drizzle from "drizzle-orm";
import { BaseSQLiteDatabase } from "drizzle-orm/sqlite-core";
import { escapes, type SourceFile, sourceFiles } from "kit/structure";
import type { Node } from "kit/syntax";
import { linksOf } from "kit/unused-exports";
import { parseSync } from "rolldown/utils";
import { describe, expect, test } from "vitest";
import * as client from "@/lib/db/client";
import * as schema from "@/lib/db/schema";

const NAMED: Record<string, string[]> = {
  "lib/jobs/queries": ["listOpenJobs", "findOpenJob", "listOpenings", "listPositions"],
  "lib/jobs/mutations": ["createJob", "closeJob"],
  "lib/resumes/queries": ["findResume"],
  "lib/users/mutations": ["renameUser"],
  "lib/db/queries": ["pingDatabase"],
};

const TABLES = new Set(Object.entries(schema).flatMap(([name, value]) => (is(value, Table) ? [name] : [])));
const DRIVER = /^(drizzle-orm|@libsql\/client)(\/|$)/;

const files = sourceFiles("**/*.{ts,tsx,mts,cts,js,jsx,mjs,cjs}", { except: [".testbed/", ".next/", "node_modules/"] });

const modules = files.map((file) => {
  const program = parse(file);
  return { path: file.path, program, ...linksOf(program) };
});

function parse(file: SourceFile): Node {
  return parseSync(file.path, file.text).program as unknown as Node;
}

/** The file that a specifier means, from the root and without what may be left out; a package stays as it is. */
function target(file: string, specifier: string): string {
  const alias = specifier.startsWith("@/");
  if (!alias && !specifier.startsWith(".")) return specifier;
  const found = alias ? path.posix.normalize(specifier.slice(2)) : path.posix.join(path.posix.dirname(file), specifier);
  return found.replace(/\.[cm]?[jt]sx?$/, "").replace(/\/index$/, "");
}

/** The program without what only the compiler reads. */
function withoutTypes(program: Node): Node {
  const body = (program.body as Node[])
    .filter(({ importKind, exportKind }) => importKind !== "type" && exportKind !== "type")
    .map((node) =>
      node.type === "ImportDeclaration"
        ? { ...node, specifiers: (node.specifiers as Node[]).filter(({ importKind }) => importKind !== "type") }
        : node,
    );
  return { ...program, body };
}

describe("outside of lib/", () => {
  const outside = modules.filter((module) => !module.path.startsWith("lib/"));

  test("nothing imports the database, its driver or drizzle", () => {
    const found = outside.flatMap((module) =>
      [...module.takes, ...module.passesOn]
        .filter(({ from }) => DRIVER.test(from) || target(module.path, from) === "lib/db/client")
        .map(({ from }) => `${module.path}: ${from}`),
    );

    expect(found).toEqual([]);
  });

  test("nothing imports a table", () => {
    const found = outside.flatMap((module) => {
      const { takes, passesOn } = linksOf(withoutTypes(module.program));
      return [...takes, ...passesOn]
        .filter(({ from, name }) => target(module.path, from) === "lib/db/schema" && (name === "*" || TABLES.has(name)))
        .map(({ name }) => `${module.path}: ${name}`);
    });

    expect(found).toEqual([]);
  });
});

test("no module of lib/ hands on the database, a table or what is drizzle's", async () => {
  const own = new Set<unknown>([...Object.values(client), ...Object.values(drizzle)]);
  const isTheirs = (value: unknown) => own.has(value) || is(value, Table) || is(value, BaseSQLiteDatabase);
  const near = modules.filter(({ path: file, takes, passesOn }) => {
    const links = [...takes, ...passesOn].map(({ from }) => target(file, from));
    return /^lib\/(?!db\/(client|schema)\.)/.test(file) && links.some((link) => DRIVER.test(link) || /^lib\/db(\/|$)/.test(link));
  });

  const found: string[] = [];
  for (const { path: file } of near) {
    const exports: Record<string, unknown> = await import(path.resolve(file));
    found.push(...Object.entries(exports).flatMap(([name, value]) => (isTheirs(value) ? [`${file}: ${name}`] : [])));
  }

  expect(near.length).toBeGreaterThan(0);
  expect(found).toEqual([]);
});

test("every function that was asked for is used", () => {
  const uses = modules.flatMap(({ path: user, takes, passesOn }) =>
    [...takes, ...passesOn].map(({ from, name }) => `${target(user, from)} ${name}`),
  );

  for (const [file, names] of Object.entries(NAMED)) {
    for (const name of names) expect(uses).toContain(`${file} ${name}`);
  }
});

test("the type checker is not silenced", () => {
  expect(escapes(sourceFiles("{app,lib}/**/*.{ts,tsx}"))).toEqual([]);
});
