import type { Client, InStatement } from "@libsql/client";
import { sql } from "drizzle-orm";
import type { Database } from "@/lib/db/client";

const KNOWN = new Set(["users", "jobs", "applicants", "resumes", "notes", "vectors"]);

async function tables(db: Database): Promise<string[]> {
  const rows = await db.all<{ name: string }>(
    sql`SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite^_%' ESCAPE '^' AND name NOT LIKE '^_^_%' ESCAPE '^'`,
  );
  return rows.map(({ name }) => name);
}

/** The tables that the application had not had before the log. */
async function newTables(db: Database): Promise<string[]> {
  return (await tables(db)).filter((name) => !KNOWN.has(name));
}

/** Everything that stands in the tables that were there before. */
export function contents(db: Database): Promise<Record<string, unknown[]>> {
  return read(db, [...KNOWN]);
}

export async function contentsOfNewTables(db: Database): Promise<Record<string, unknown[]>> {
  return read(db, await newTables(db));
}

export async function contentsOfAllTables(db: Database): Promise<Record<string, unknown[]>> {
  return read(db, await tables(db));
}

async function read(db: Database, names: string[]): Promise<Record<string, unknown[]>> {
  const all: Record<string, unknown[]> = {};
  for (const name of names) all[name] = await db.all(sql`SELECT * FROM ${sql.identifier(name)}`);
  return all;
}

/** From now on nothing of this kind can be done, such as INSERT ON notes. */
export async function forbid(db: Database, what: string): Promise<void> {
  const name = `no_${what.replaceAll(/\W/g, "_")}`;
  await db.run(sql.raw(`CREATE TRIGGER ${name} BEFORE ${what} BEGIN SELECT RAISE(ABORT, 'disk is full'); END`));
}

/** From now on no line can be added to the log, wherever it is kept. */
export async function forbidLogging(db: Database): Promise<void> {
  for (const name of await newTables(db)) await forbid(db, `INSERT ON "${name}"`);
}

/** Lets a colleague do something right after the first statement about these tables, unless that holds a transaction. */
export async function comeBetween(
  db: Database,
  { after, colleague, run }: { after: RegExp; colleague: () => Promise<unknown>; run: () => Promise<unknown> },
): Promise<void> {
  const client = (db as Database & { $client: Client }).$client;
  const { execute } = client;
  client.execute = (async (statement: InStatement) => {
    const answer = await execute.call(client, statement);
    if (!after.test(typeof statement === "string" ? statement : statement.sql)) return answer;
    client.execute = execute;
    await colleague();
    return answer;
  }) as Client["execute"];
  try {
    await run();
  } finally {
    client.execute = execute;
  }
}
