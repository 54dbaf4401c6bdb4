import type { Client, InStatement } from "@libsql/client";
import type { Database } from "@/lib/db/client";

type Answer = Awaited<ReturnType<Client["execute"]>>;
type Execute = (statement: InStatement) => Promise<Answer>;

interface Watch {
  /** Runs after each statement outside of a transaction, where others can come between. */
  between?: (sql: string) => Promise<unknown>;
  run: () => Promise<unknown>;
}

/** How many statements the database gets while something runs, by whatever way they come. */
export async function watchStatements(db: Database, { between, run }: Watch): Promise<number> {
  const client = (db as Database & { $client: Client }).$client;
  const { execute, batch, transaction } = client;
  let count = 0;

  const counted = (inner: Execute): Execute => async (statement) => {
    count += 1;
    return inner(statement);
  };
  const plain = counted(execute.bind(client) as Execute);
  Object.assign(client, {
    execute: async (statement: InStatement) => {
      const answer = await plain(statement);
      await between?.(typeof statement === "string" ? statement : statement.sql);
      return answer;
    },
    batch: async (statements: InStatement[], mode: never) => {
      count += statements.length;
      return batch.call(client, statements, mode);
    },
    transaction: async (mode: never) => {
      const opened = await transaction.call(client, mode);
      const inner = { execute: opened.execute.bind(opened), batch: opened.batch.bind(opened) };
      return Object.assign(opened, {
        execute: counted(inner.execute),
        batch: async (statements: InStatement[]) => {
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
