import { mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";

const PAGE = `<!doctype html><html lang="en"><title>Sum</title><style>
  body { font: 20px sans-serif; background: #fff; color: #000 }
  @media (prefers-color-scheme: dark) { body { background: #000; color: #fff } }
</style>
<h1>Hello, <span id="who">stranger</span></h1>
<button onclick="document.cookie = 'who=Anna'; greet()">I am Anna</button>
<label>First <input name="a"></label>
<label>Second <select name="b"><option>1</option><option value="3">three</option></select></label>
<label>Notes <input type="file" onchange="document.title = this.files[0].name"></label>
<button onclick="add()">Add</button>
<output role="status"></output>
<script>
  const greet = () => { who.textContent = document.cookie.split("=")[1] ?? "stranger" };
  const value = (name) => document.querySelector("[name=" + name + "]").value;
  const say = (text) => { document.querySelector("output").textContent = text };
  async function add() {
    say("Adding…");
    const answer = await fetch("/sum?a=" + value("a") + "&b=" + value("b")).catch(() => null);
    say(answer ? "The sum is " + (await answer.text()) : "That failed");
  }
  greet();
</script>`;

const files = new URL("./files/", import.meta.url);
mkdirSync(files, { recursive: true });
writeFileSync(new URL("notes.txt", files), "Anna's notes");
const { sum } = await import("../../lib/sum.mjs").catch((error) => {
  console.log(JSON.stringify({ failure: `it does not build: ${error.message}` }));
  process.exit(1);
});
const server = createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url, "http://localhost");
  response.setHeader("Content-Type", "text/html; charset=utf-8");
  if (pathname === "/sum") response.end(String(sum(Number(searchParams.get("a")), Number(searchParams.get("b")))));
  else response.end(PAGE);
});
server.listen(0, "127.0.0.1", () => {
  console.log("starting");
  console.log(JSON.stringify({ base: `http://127.0.0.1:${server.address().port}` }));
});
