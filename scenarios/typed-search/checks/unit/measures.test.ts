import { type SourceFile, sourceFiles } from "kit/structure";
import { everything, type Node, nameOf } from "kit/syntax";
import { parseSync } from "rolldown/utils";
import { expect, test } from "vitest";

const SEARCH = /^(lib\/search\/|hooks\/use-search\.ts|app\/\(admin\)\/search\/|app\/api\/search\/)/;
/** Assertions in the rest of the application before the refactoring. */
const ASSERTIONS_ELSEWHERE = 11;

const SILENCERS = /@ts-(?:ignore|expect-error|nocheck)|(?:oxlint|eslint)-disable/g;
const CATCH_ALL = new Set(["Function", "Object"]);

const files = sourceFiles("{app,components,hooks,lib,types}/**/*.{ts,tsx,mts,cts}");
const all = files.flatMap(looseEnds);
const inSearch = all.filter(({ file }) => SEARCH.test(file));
const elsewhere = all.filter(({ file }) => !SEARCH.test(file));

interface LooseEnd {
  file: string;
  kind: "any" | "assertion" | "catch-all" | "silencer";
}

function looseEnds({ path: file, text }: SourceFile): LooseEnd[] {
  const { program, comments } = parseSync(file, text);
  const kinds = [...everything(program as unknown as Node)].flatMap((node) => kindOf(node) ?? []);
  const silencers = comments.flatMap(({ value }) => value.match(SILENCERS) ?? []);
  return [...kinds, ...silencers.map(() => "silencer" as const)].map((kind) => ({ file, kind }));
}

function kindOf(node: Node): LooseEnd["kind"] | null {
  switch (node.type) {
    case "TSAnyKeyword":
      return "any";
    case "TSAsExpression":
    case "TSTypeAssertion":
      return isConst(node.typeAnnotation as Node) ? null : "assertion";
    case "TSNonNullExpression":
      return "assertion";
    case "VariableDeclarator":
    case "PropertyDefinition":
      return node.definite ? "assertion" : null;
    case "TSObjectKeyword":
      return "catch-all";
    case "TSTypeLiteral":
      return (node.members as Node[]).length === 0 ? "catch-all" : null;
    case "TSTypeReference":
      return CATCH_ALL.has(nameOf(node.typeName as Node)) ? "catch-all" : null;
    default:
      return null;
  }
}

function isConst(type: Node): boolean {
  return type.type === "TSTypeReference" && nameOf(type.typeName as Node) === "const";
}

test("the search has no any", () => {
  expect(inSearch.filter(({ kind }) => kind === "any")).toEqual([]);
});

test("the search asserts no types", () => {
  expect(inSearch.filter(({ kind }) => kind === "assertion")).toEqual([]);
});

test("the search has no type that catches all", () => {
  expect(inSearch.filter(({ kind }) => kind === "catch-all")).toEqual([]);
});

test("the search silences nobody", () => {
  expect(inSearch.filter(({ kind }) => kind === "silencer")).toEqual([]);
});

test("nothing of it has moved elsewhere", () => {
  expect(elsewhere.filter(({ kind }) => kind !== "assertion")).toEqual([]);
  expect(elsewhere.filter(({ kind }) => kind === "assertion").length).toBeLessThanOrEqual(ASSERTIONS_ELSEWHERE);
});
