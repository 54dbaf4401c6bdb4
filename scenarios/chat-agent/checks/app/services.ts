import { randomBytes } from "node:crypto";
import { type ComposioTool, fakeComposio } from "kit/composio";
import { fakeModel, type ModelMessage, type ModelReply, type ModelTool } from "kit/model";
import { listen, readJson, type Services, sendJson } from "kit/services";
import { z } from "zod";

const MODEL = "meridian-large";
const BUILD_KEY = "only-for-the-build";
/** A model that is never stopped becomes reasonable at last, or a failed check would never end. */
const PATIENCE = 40;

const secret = () => randomBytes(12).toString("hex");

/** Nobody can know the tools' names before they have been listed. */
function tools(): ComposioTool[] {
  const suffix = randomBytes(4).toString("hex").toUpperCase();
  return [
    {
      name: `DESK_LOCKER_${suffix}`,
      description: "Opens the locker of a visitor",
      input: { visitor: z.string() },
      run: () => "The locker is open.",
    },
    {
      name: `DESK_SLOT_${suffix}`,
      description: "Tells which interview slot is kept under a reference",
      input: { reference: z.string(), seats: z.number() },
      run({ reference }) {
        if (String(reference).startsWith("x")) throw new Error(`Nothing is kept under ${reference}.`);
        return `The slot is v${secret()}.`;
      },
    },
  ];
}

const COMMANDS = {
  slots: /\bwhich slots?\b/gi,
  search: /\bwrite to\b/gi,
  endless: /\bkeep looking\b/gi,
  recall: /\bsum up\b/gi,
};

/** Says what a model would say that understands only the questions of our tests. */
function reply(messages: ModelMessage[], offered: ModelTool[]): ModelReply {
  const asked = messages.findLastIndex(({ role }) => role === "user");
  const results = messages.slice(asked + 1).filter(({ role }) => role === "tool");
  const { command, text } = lastCommand(messages[asked]?.content ?? "");
  const slotTool = offered.find(({ description }) => description.includes("interview slot"))?.name;

  switch (command) {
    case "slots": {
      if (results.length > 0) return { text: results.map(({ content }) => slotAnswer(content)).join(" ") };
      const wanted = [...text.matchAll(/(\w+) for (\d+)/g)].map(([, reference, seats]) => ({ reference, seats: Number(seats) }));
      return slotTool ? { calls: wanted.map((input) => ({ name: slotTool, input })) } : NO_TOOL;
    }
    case "endless":
      if (!slotTool) return NO_TOOL;
      if (results.length >= PATIENCE) return { text: "Enough." };
      return { calls: [{ name: slotTool, input: { reference: `r${secret()}`, seats: results.length + 1 } }] };
    case "search": {
      const searchTool = offered.find(({ name }) => name === "search_applicants")?.name;
      if (!searchTool) return NO_TOOL;
      if (results.length === 0) return { calls: [{ name: searchTool, input: { query: text.match(/write to ([^?]+)/i)?.[1] } }] };
      const addresses = results.flatMap(({ content }) => content.match(/[\w.]+@example\.com/g) ?? []);
      return { text: `Addresses: ${addresses.join(", ")}.` };
    }
    case "recall": {
      const said = messages.filter(({ role }) => role === "user" || role === "assistant");
      const known = said.flatMap(({ content }) => content.match(/\b[rv][0-9a-f]{24}\b/g) ?? []);
      return { text: `Backwards: ${known.map(backwards).join(" ")}.` };
    }
    default:
      return { text: "I did not understand." };
  }
}

const NO_TOOL: ModelReply = { text: "I have no tool for that." };

/** The last question counts, even where the whole conversation was sent as one message. */
function lastCommand(text: string) {
  const found = Object.entries(COMMANDS).flatMap(([command, pattern]) =>
    [...text.matchAll(pattern)].map(({ index }) => ({ command, index })),
  );
  const last = found.toSorted((a, b) => a.index - b.index).at(-1);
  return { command: last?.command, text: text.slice(last?.index) };
}

function slotAnswer(result: string): string {
  const slot = result.match(/\bv[0-9a-f]{24}\b/)?.[0];
  return slot ? `Come at ${slot}.` : "That did not work out.";
}

const backwards = (word: string) => [...word].toReversed().join("");

export async function start(): Promise<Services> {
  const keys = { model: `llm-${secret()}`, composio: `composio-${secret()}` };
  const composio = await fakeComposio({ apiKey: keys.composio, tools: tools() });
  const model = await fakeModel({ apiKey: keys.model, model: MODEL, reply });

  // Where the tests look on and pull the plugs.
  const control = await listen(async (request, response) => {
    if (request.method === "PUT") {
      const { modelDown, composioDown } = (await readJson(request)) as { modelDown: boolean; composioDown: boolean };
      // A careless gateway: it repeats the key it was shown.
      model.failure = modelDown ? `No capacity left for key ${keys.model}` : "";
      composio.down = composioDown;
    }
    sendJson(response, 200, { sessions: composio.sessions, calls: composio.calls, modelRequests: model.requests });
  });

  return {
    environment: {
      LLM_BASE_URL: model.url,
      LLM_MODEL: MODEL,
      LLM_API_KEY: keys.model,
      COMPOSIO_BASE_URL: composio.url,
      COMPOSIO_API_KEY: keys.composio,
    },
    buildEnvironment: { LLM_API_KEY: `${BUILD_KEY}-llm`, COMPOSIO_API_KEY: `${BUILD_KEY}-composio` },
    context: { control: control.url, modelKey: keys.model, composioKey: keys.composio, buildKey: BUILD_KEY },
    async stop() {
      await Promise.all([model.close(), composio.close(), control.close()]);
    },
  };
}
