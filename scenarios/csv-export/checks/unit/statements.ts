import type { Client, InStatement, ResultSet } from "@libsql/client";
import type { Database } from "@/lib/db/client";

export interface Log {
  /** How many rows each statement has returned. */
  rows: number[];
  /** Called before each statement with how many have run; what it throws is what the database says. */
  before: (statements: number) => void;
}

/** Writes down what a database is asked from now on, by whatever way. */
export function watch(db: Database): Log {
  const client = (db as Database & { $client: Client }).$client;
  const log: Log = { rows: [], before: () => {} };
  const note = (answers: ResultSet[]) => log.rows.push(...answers.map(({ rows }) => rows.length));

  function watched<Owner extends Pick<Client, "execute" | "batch">>(owner: Owner): Owner {
    const { execute, batch } = owner;
    owner.execute = async (statement: InStatement | string, ...rest: unknown[]) => {
      log.before(log.rows.length);
      const answer = await (execute as (...parameters: unknown[]) => Promise<ResultSet>).call(owner, statement, ...rest);
      note([answer]);
      return answer;
    };
    owner.batch = async (...parameters) => {
      log.before(log.rows.length);
      const answers = await batch.apply(owner, parameters);
      note(answers);
      return answers;
    };
    return owner;
  }

  const { transaction } = watched(client);
  client.transaction = async (...parameters: never[]) =>
    watched(await transaction.apply(client, parameters)) as Awaited<ReturnType<Client["transaction"]>>;
  return log;
}
