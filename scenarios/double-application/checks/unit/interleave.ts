import { AsyncLocalStorage } from "node:async_hooks";
import type { Client, Transaction } from "@libsql/client";
import type { Database } from "@/lib/db/client";

/** Says whose statement comes next: of the calls that are ready, given how many each has had. */
export type Order = (ready: number[], turns: number[]) => number;

/** The second call runs as a whole just before this statement of the first, or as soon as the first lets it. */
export function insideBefore(statement: number): Order {
  return (ready, turns) => (ready.includes(1) && (turns[0]! >= statement || !ready.includes(0)) ? 1 : 0);
}

/** One statement of each call in turn. */
export const inStep: Order = (ready, turns) => ready.reduce((least, call) => (turns[call]! < turns[least]! ? call : least));

/** A call that asks for no statement for so long waits for another call. */
const IDLE_MILLISECONDS = 150;

/**
 * Runs calls side by side, one statement at a time, in the order that is asked for.
 * While one has a transaction open the others wait, as they would for a server's lock.
 */
export async function interleave<Result>(
  db: Database,
  calls: (() => Promise<Result>)[],
  order: Order,
): Promise<{ results: Result[]; turns: number[] }> {
  const client = (db as Database & { $client: Client }).$client;
  const { execute, batch, transaction } = client;
  const caller = new AsyncLocalStorage<number>();
  const wishes: { call: number; grant: () => void }[] = [];
  const turns = calls.map(() => 0);
  const settled = new Set<number>();
  const idle = new Set<number>();
  let owner: number | undefined;
  let wake = () => {};

  async function inTurn<Answer>(act: () => Promise<Answer>): Promise<Answer> {
    const call = caller.getStore();
    if (call !== undefined) {
      await new Promise<void>((grant) => {
        wishes.push({ call, grant });
        idle.delete(call);
        wake();
      });
      turns[call]!++;
    }
    return act();
  }

  function owned(opened: Transaction): Transaction {
    const inner = {
      execute: opened.execute.bind(opened),
      batch: opened.batch.bind(opened),
      commit: opened.commit.bind(opened),
      rollback: opened.rollback.bind(opened),
    };
    opened.execute = (statement) => inTurn(() => inner.execute(statement));
    opened.batch = (statements) => inTurn(() => inner.batch(statements));
    opened.commit = () => inTurn(inner.commit).finally(() => (owner = undefined));
    opened.rollback = () => inTurn(inner.rollback).finally(() => (owner = undefined));
    return opened;
  }

  client.execute = (...parameters: unknown[]) => inTurn(() => execute.apply(client, parameters as [string]));
  client.batch = (...parameters) => inTurn(() => batch.apply(client, parameters));
  client.transaction = (...parameters: unknown[]) =>
    inTurn(async () => {
      const opened = await transaction.apply(client, parameters as []);
      owner = caller.getStore();
      return owned(opened);
    });

  async function direct(): Promise<void> {
    while (settled.size < calls.length) {
      const asks = (call: number) => wishes.some((wish) => wish.call === call);
      const busy = [...calls.keys()].filter((call) => !settled.has(call) && !idle.has(call) && !asks(call));
      const ready = [...calls.keys()].filter((call) => asks(call) && (owner === undefined || owner === call));
      if (busy.length > 0 || ready.length === 0) {
        if (await silence()) for (const call of busy) idle.add(call);
        continue;
      }
      const next = order(ready, turns);
      wishes.splice(wishes.findIndex(({ call }) => call === next), 1)[0]!.grant();
    }
  }

  function silence(): Promise<boolean> {
    return new Promise((done) => {
      const timer = setTimeout(done, IDLE_MILLISECONDS, true);
      wake = () => {
        clearTimeout(timer);
        done(false);
      };
    });
  }

  const running = calls.map((call, index) =>
    caller.run(index, call).finally(() => {
      settled.add(index);
      wake();
    }),
  );
  try {
    const [results] = await Promise.all([Promise.all(running), direct()]);
    return { results, turns };
  } finally {
    Object.assign(client, { execute, batch, transaction });
  }
}
