/**
 * Lays a unified diff out in two columns, lines that belong together beside each other.
 *
 * diff2html reads the diff and finds the pairs, jsdiff the words that changed. Whatever the diff
 * holds goes into the page as text alone: no markup is ever made of it.
 */
import { diffWordsWithSpace } from "diff";
import { parse } from "diff2html/lib-esm/diff-parser.js";
import { newDistanceFn, newMatcherFn } from "diff2html/lib-esm/rematch.js";

const MOST_PAIRS = 2500;
const LONGEST_PAIRED = 200;
const LONGEST_MARKED = 2000;
const NOWHERE = "/dev/null";

const match = newMatcherFn(newDistanceFn((line) => line.content));

function make(name, className, ...children) {
  const element = document.createElement(name);
  if (className) element.className = className;
  element.append(...children);
  return element;
}

/** Keep the parser from dropping these words where they are a line's own. */
function spared(patch) {
  return patch.replace(/\\ No newline at end of file/g, (words, at) =>
    at === 0 || patch[at - 1] === "\n" ? words : words.replaceAll(" ", "\u00a0"),
  );
}

/** Pair removed lines with added ones: by likeness while that is cheap, else by their order. */
function paired(removed, added) {
  const cheap =
    removed.length * added.length <= MOST_PAIRS &&
    [...removed, ...added].every((line) => line.content.length <= LONGEST_PAIRED);
  const groups = cheap && removed.length && added.length ? match(removed, added) : [[removed, added]];
  return groups.flatMap(([left, right]) =>
    Array.from({ length: Math.max(left.length, right.length) }, (_, i) => [left[i], right[i]]),
  );
}

function* pairs(lines) {
  let removed = [];
  let added = [];
  for (const line of lines) {
    if (line.type === "insert") {
      added.push(line);
    } else {
      if (line.type === "context" || added.length) {
        yield* paired(removed, added);
        [removed, added] = [[], []];
      }
      if (line.type === "delete") removed.push(line);
      else yield [line, line];
    }
  }
  yield* paired(removed, added);
}

/** Split two lines into what they share and what they do not; nothing when they share too little. */
function words(left, right) {
  if (!left || !right || left === right) return undefined;
  if (left.content.length + right.content.length > LONGEST_MARKED) return undefined;
  const [before, after] = [left.content.slice(1), right.content.slice(1)];
  const parts = diffWordsWithSpace(before, after, { maxEditLength: 200 });
  if (!parts) return undefined;
  const shared = parts.filter((part) => !part.added && !part.removed).map((part) => part.value.trim());
  const longer = Math.max(before.trim().length, after.trim().length);
  return 2 * shared.join("").length >= longer ? parts : undefined;
}

function code(line, parts, mark) {
  const sign = line.content[0];
  const other = mark === "del" ? "added" : "removed";
  const text = parts
    ? parts
        .filter((part) => !part[other])
        .map((part) => (part.added || part.removed ? make(mark, "", part.value) : part.value))
    : [line.content.slice(1)];
  return [make("span", "sign", sign), ...text];
}

function cells(line, parts, side) {
  if (!line) return [make("td", "none"), make("td", "none")];
  const [number, mark, type] =
    side === "left" ? [line.oldNumber, "del", "delete"] : [line.newNumber, "ins", "insert"];
  const kind = line.type === type ? mark : "";
  return [make("td", `line ${kind}`, `${number}`), make("td", kind, ...code(line, parts, mark))];
}

function row([left, right]) {
  const parts = words(left, right);
  return make("tr", "", ...cells(left, parts, "left"), ...cells(right, parts, "right"));
}

function wide(text) {
  const cell = make("td", "hunk", text);
  cell.colSpan = 4;
  return make("tr", "", cell);
}

function name({ oldName, newName }) {
  if (newName === NOWHERE) return `${oldName} (deleted)`;
  if (!oldName || oldName === NOWHERE) return `${newName} (new)`;
  return oldName === newName ? newName : `${oldName} → ${newName}`;
}

function heading(text) {
  const cell = make("th", "", text);
  cell.colSpan = 2;
  cell.scope = "colgroup";
  return cell;
}

function columns() {
  const side = () => [make("col", "line"), make("col", "")];
  return make("colgroup", "", ...side(), ...side());
}

function table(file) {
  const rows = file.blocks.flatMap((block) => [
    wide(block.header),
    ...Array.from(pairs(block.lines), row),
  ]);
  return make(
    "table",
    "split",
    make("caption", "", make("span", "", name(file))),
    columns(),
    make("thead", "", make("tr", "", heading("before"), heading("after"))),
    make("tbody", "", ...(rows.length ? rows : [wide("no line changed")])),
  );
}

/** Give one table per file of a diff in git's form. */
window.sideBySide = (patch) => make("div", "splits", ...parse(spared(patch)).map(table));
