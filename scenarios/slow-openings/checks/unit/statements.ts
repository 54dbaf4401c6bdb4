import type { Client, InStatement } from "@libsql/client";
import type { Database } from "@/lib/db/client";

/** How many statements a database gets while something runs, by whatever way they are sent. */
export async function countStatements(db: Database, run: () => Promise<unknown>): Promise<number> {
  const client = (db as Database & { $client: Client }).$client;
  const { execute, batch, transaction } = client;
  let count = 0;

  client.execute = (...parameters: unknown[]) => {
    count++;
    return execute.apply(client, parameters as [string]);
  };
  client.batch = (statements, mode) => {
    count += statements.length;
    return batch.call(client, statements, mode);
  };
  client.transaction = async (...parameters: unknown[]) => {
    const opened = await transaction.apply(client, parameters as []);
    const inner = { execute: opened.execute.bind(opened), batch: opened.batch.bind(opened) };
    opened.execute = (statement: InStatement) => {
      count++;
      return inner.execute(statement);
    };
    opened.batch = (statements) => {
      count += statements.length;
      return inner.batch(statements);
    };
    return opened;
  };
  try {
    await run();
  } finally {
    Object.assign(client, { execute, batch, transaction });
  }
  return count;
}
