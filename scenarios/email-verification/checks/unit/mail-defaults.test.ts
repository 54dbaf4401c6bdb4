import { readdir, readFile, rm } from "node:fs/promises";
import path from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { signUp } from "@/app/(auth)/signup/actions";
import { createTestDatabase } from "@/lib/db/testing";

vi.hoisted(() => {
  delete process.env.MAIL_DIR;
  delete process.env.NEXTAUTH_URL;
  process.env.INVITATION_CODE = "open-sesame";
});

const FOLDER = "data/mail";

/** Other tests may leave their mails in the folder at the same time. */
async function filesOfMailsTo(address: string): Promise<string[]> {
  const files = (await readdir(FOLDER).catch(() => [])).map((name) => path.join(FOLDER, name));
  const texts = await Promise.all(files.map((file) => readFile(file, "utf8")));
  return files.filter((_, index) => texts[index]?.includes(address));
}

test("without any settings mails are left in data/mail and lead to localhost", async () => {
  const email = `dana-${crypto.randomUUID()}@example.com`;
  const form = new FormData();
  const account = { name: "Dana Reyes", email, password: "correct horse", repeated: "correct horse", role: "recruiter", department: "People" };
  for (const [name, value] of Object.entries({ ...account, invitation: "open-sesame" })) form.set(name, value);
  await createTestDatabase();

  expect(await signUp(null, form)).toMatchObject({ ok: true });

  const [file = "", ...others] = await filesOfMailsTo(email);
  onTestFinished(() => rm(file, { force: true }));
  expect(others).toEqual([]);
  expect(JSON.parse(await readFile(file, "utf8")).text).toMatch(/(?<!\S)http:\/\/localhost:3000\/verify\?token=[\w-]+(?!\S)/);
});
