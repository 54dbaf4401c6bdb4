import type { Client, InStatement } from "@libsql/client";
import type { Database } from "@/lib/db/client";

/** How many statements the database gets while something runs, by whatever way they come. */
export async function countStatements(db: Database, run: () => Promise<unknown>): Promise<number> {
  const client = (db as Database & { $client: Client }).$client;
  const { execute, batch, transaction } = client;
  let count = 0;

  Object.assign(client, {
    execute(...parameters: Parameters<typeof execute>) {
      count += 1;
      return execute.apply(client, parameters);
    },
    batch(...parameters: Parameters<typeof batch>) {
      count += parameters[0].length;
      return batch.apply(client, parameters);
    },
    async transaction(...parameters: Parameters<typeof transaction>) {
      const opened = await transaction.apply(client, parameters);
      const inner = { execute: opened.execute.bind(opened), batch: opened.batch.bind(opened) };
      return Object.assign(opened, {
        execute(statement: InStatement) {
          count += 1;
          return inner.execute(statement);
        },
        batch(statements: InStatement[]) {
          count += statements.length;
          return inner.batch(statements);
        },
      });
    },
  });
  try {
    await run();
  } finally {
    Object.assign(client, { execute, batch, transaction });
  }
  return count;
}
