// Search, sorting, the list of trials. The view stands in the address, behind "#/".
(() => {
const at = (id) => document.getElementById(id);
const low = (text) => text.toLowerCase();
const data = JSON.parse(at("board-data").textContent);
const { models, scenarios } = data;
const [form, list, body] = ["find", "list", "rows"].map(at);
const VERDICTS = ["pass", "fail", "ungraded"];

// Columns of the trials: letters are digits to the base of 63, what is below 0 is unknown.
const number = (letters) => [...letters].reduce((n, c) => 63 * n + c.charCodeAt() - 64, 0);
const unpack = (column, width) => (column.map ? column : (column.match(width) ?? []).map(number));
const unround = (n) => (n < 0 ? n : Math.floor(n / 10) / 10 ** (n % 10));
const cell = data.cells.flatMap((count, c) => Array(count).fill(c));
const scenario = cell.map((c) => Math.floor(c / models.length));
const model = cell.map((c) => c % models.length);
const verdict = Array.from(data.verdicts, Number);
const [cost, time] = ["cost", "time"].map((name) => unpack(data[name], /.../g).map(unround));
const [repeat, ended, ...counts] = ["repeats", "ended", "turns", "unused", "violations"].map((name) => unpack(data[name], /./g));
const columns = [scenario, model, repeat, verdict, ended, cost, time, ...counts];

const two = (text) => String(text).padStart(2, "0");
const count = (n) => n.toLocaleString("en");
const money = (n) => "$" + n.toLocaleString("en", { minimumFractionDigits: 2, maximumFractionDigits: 6 });
const seconds = (s) => {
  const [h, m] = [s / 3600, s / 60].map(Math.floor);
  if (s < 100) return `${s && s.toFixed(s < 10 ? 2 : 1)} s`;
  return h ? `${h} h ${two(m % 60)} min` : `${m} min ${two(s % 60)} s`;
};
const of = (t) => scenarios[scenario[t]];
const texts = [(s) => scenarios[s][0], (m) => models[m], count, (v) => VERDICTS[v], (e) => data.endings[e], money, seconds, count, count, count];

const digests = atob(data.digests);
function address(t) {
  const digest = Array.from(digests.substr(4 * t, 4), (c) => two(c.charCodeAt().toString(16))).join("");
  const name = low(`${models[model[t]]}-${of(t)[0]}-${repeat[t]}`);
  const legible = name.replace(/[^a-z0-9]+/g, "-").replace(/^-/, "").slice(0, 60);
  return digest > "00000000" && data.around.join(`${legible}-${digest}`);
}

// The words of the search box -> the trials that they all let through.
const flaky = new Set(data.flaky);
const FIELDS = {
  m: (t) => models[model[t]],
  s: (t) => VERDICTS[verdict[t]] + (flaky.has(cell[t]) ? " flaky" : ""),
  c: (t) => of(t)[2] + "fix",
  d: (t) => of(t)[3],
  any: (t) => [FIELDS.m(t), FIELDS.s(t), ...of(t)].join("\n"),
};
function matching() {
  const parts = [...low(form.q.value).matchAll(/(!?)(?:([mscd]):)?(\S+)/g)];
  const tests = parts.map(([, not, key, word]) => (t) => low(FIELDS[key || "any"](t)).includes(word) === !not);
  if (form.differ.checked) tests.push((t) => data.differing.includes(scenario[t]));
  return [...cell.keys()].filter((t) => tests.every((one) => one(t)));
}

// The list shows some trials, and more as it is scrolled.
const heat = [...at("heat-table").tBodies[0].rows];
const ROW = '<th scope="row"><a></a></th>' + "<td></td>".repeat(columns.length - 1);
const sorts = {};
let found, shown;
function more() {
  for (const t of found.slice(shown, (shown += 100))) {
    const row = body.insertRow(), href = address(t);
    row.className = VERDICTS[verdict[t]];
    row.innerHTML = ROW;
    const link = row.querySelector("a");
    columns.forEach((column, n) => ((n ? row.cells[n] : link).textContent = column[t] < 0 ? "–" : texts[n](column[t])));
    if (href) link.href = href;
  }
}
function filter() {
  const [column, sign] = sorts["trials-table"].now;
  found = matching();
  const seen = new Set(found.map((t) => scenario[t]));
  heat.forEach((row, s) => (row.hidden = found.length < cell.length && !seen.has(s)));
  form.found.value = `${count(found.length)} of ${count(cell.length)} trials, ${seen.size} of ${heat.length} scenarios`;
  const rank = (t) => (columns[column][t] < 0 ? 1e99 : columns[column][t] * sign);
  found.sort((a, b) => rank(a) - rank(b));
  body.replaceChildren();
  if (shown) list.scrollTop = 0;
  shown = 0;
  more();
}

// Headings sort, up and then down; the first one gives the page's own order.
function sortable(table, apply) {
  const heads = [...table.tHead.rows[0].cells];
  const own = (sorts[table.id] = { now: [0, 1], sort(...now) {
    own.now = now;
    heads.forEach((head, n) => (head.ariaSort = n !== now[0] ? null : now[1] > 0 ? "ascending" : "descending"));
    apply(...now);
  } });
  heads.forEach((head, n) => {
    const button = document.createElement("button");
    button.append(head.firstChild);
    head.prepend(button);
    button.onclick = () => {
      own.sort(n, n === own.now[0] ? -own.now[1] : 1);
      save();
    };
  });
}
function sortRows(table) {
  const rows = [...table.tBodies[0].rows];
  return (column, sign) => {
    const value = ({ cells: { [column]: one } }) => column && (one.dataset.v ?? one.textContent.split("/").map(parseFloat).reduce((a, b) => a / b));
    const order = (x, y) => isNaN(x) - isNaN(y) || (x - y) * sign || 0;
    table.tBodies[0].append(...[...rows].sort((a, b) => order(value(a), value(b))));
  };
}

const folds = [...document.querySelectorAll(".folded")];
function save() {
  const state = new URLSearchParams(new FormData(form));
  for (const name in sorts) if (String(sorts[name].now) !== "0,1") state.set(name, sorts[name].now);
  for (const { id } of folds.filter((one) => one.open)) state.append("open", id);
  history.replaceState(null, "", "#/" + state);
}
function restore() {
  if (!location.hash.startsWith("#/")) return;
  const state = new URLSearchParams(location.hash.slice(2));
  form.q.value = state.get("q");
  form.differ.checked = state.has("differ");
  for (const one of folds) one.open = state.getAll("open").includes(one.id);
  for (const name in sorts) sorts[name].sort(...(state.get(name) ?? "0,1").split(",").map(Number));
}

for (const table of document.querySelectorAll(".sortable")) sortable(table, sortRows(table));
sortable(at("trials-table"), filter);
form.hidden = list.hidden = false;
filter();
restore();
addEventListener("hashchange", restore);
form.oninput = filter;
form.onchange = save;
for (const one of folds) one.ontoggle = save;
list.onscroll = () => list.scrollTop + 2 * list.clientHeight > list.scrollHeight && more();
form.copy.onclick = async ({ target }) => {
  save();
  target.textContent = await navigator.clipboard.writeText(location.href).then(() => "Copied", () => "See the address bar");
};
addEventListener("keydown", (event) => {
  const { key, target } = event, row = target.closest("#rows tr, #heat-table tbody tr");
  let link = key === "/" && target !== form.q && form.q;
  if (row) {
    const links = [...row.parentElement.querySelectorAll("tr:not([hidden]) a[href]")];
    const width = row.querySelectorAll("a[href]").length;
    const step = { ArrowUp: -width, ArrowDown: width, ArrowLeft: -1, ArrowRight: 1 }[key];
    link ||= step && links[links.indexOf(target) + step];
  }
  if (!link) return;
  event.preventDefault();
  link.focus();
});
})();
