/**
 * Bundles the one script that is not our own, and says where it comes from.
 *
 *   npm ci --ignore-scripts && npm run build
 *
 * The same lockfile gives the same bytes.
 */
import { createHash } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const SCRIPT = "diff2html.js";
const SOURCES = {
  diff2html: { licence: "LICENSE.md", source: "https://github.com/rtfpessoa/diff2html" },
  diff: { licence: "LICENSE", source: "https://github.com/kpdecker/jsdiff" },
};

const read = (...parts) => readFile(join(HERE, ...parts), "utf8");
const digest = (text) => createHash("sha256").update(text).digest("hex");

async function bundle(banner) {
  const result = await build({
    absWorkingDir: HERE,
    entryPoints: ["sidebyside.mjs"],
    bundle: true,
    minify: true,
    write: false,
    metafile: true,
    format: "iife",
    banner: { js: banner },
    charset: "ascii",
    target: "es2022",
    legalComments: "none",
  });
  return { script: result.outputFiles[0].text, inputs: Object.keys(result.metafile.inputs) };
}

/** Name the packages that a bundle was made of; one without a known licence is refused. */
function packagesOf(inputs) {
  const found = inputs
    .filter((path) => path.includes("node_modules/"))
    .map((path) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)[1]);
  const names = [...new Set(found)].sort();
  const stranger = names.find((name) => !(name in SOURCES));
  if (stranger) throw new Error(`${stranger} came into the bundle: add its licence`);
  return names;
}

async function describe(name) {
  const card = JSON.parse(await read("node_modules", name, "package.json"));
  const locked = JSON.parse(await read("package-lock.json")).packages[`node_modules/${name}`];
  const text = await read("node_modules", name, SOURCES[name].licence);
  const file = `${name}.LICENSE.txt`;
  return {
    text,
    file,
    entry: {
      name,
      version: card.version,
      licence: card.license,
      licence_text: file,
      source: SOURCES[name].source,
      integrity: locked.integrity,
    },
  };
}

const folder = process.argv[2] ?? join(HERE, "..", "assets", "vendor");
const packages = await Promise.all(Object.keys(SOURCES).sort().map(describe));
const notices = packages.map(({ entry, text }) => `${entry.name} ${entry.version}\n\n${text.trim()}`);
const { script, inputs } = await bundle(`/*!\n${notices.join("\n\n----\n\n")}\n*/`);
if (packagesOf(inputs).length !== packages.length) throw new Error("a package is not used");
const builder = JSON.parse(await read("node_modules", "esbuild", "package.json"));
const manifest = {
  files: {
    [SCRIPT]: digest(script),
    ...Object.fromEntries(packages.map(({ file, text }) => [file, digest(text)])),
  },
  packages: packages.map(({ entry }) => entry),
  own_source: "reports/vendor/sidebyside.mjs",
  built_by: `esbuild ${builder.version}`,
};
await mkdir(folder, { recursive: true });
await writeFile(join(folder, SCRIPT), script);
for (const { file, text } of packages) await writeFile(join(folder, file), text);
await writeFile(join(folder, "manifest.json"), `${JSON.stringify(manifest, null, 2)}\n`);
