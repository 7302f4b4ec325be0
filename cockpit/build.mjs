// Builds the page: `node build.mjs FOLDER` leaves what Cockpit serves there, ready to be installed.
//
// Cockpit looks for NAME.gz where NAME is not there, and sends it as it is.

import { build } from "esbuild";
import { readFile, writeFile, mkdir, rm, copyFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";
import { lean } from "./lean.mjs";

const target = process.argv[2];
if (!target) throw new Error("where to? node build.mjs FOLDER");

// PatternFly's fonts are those that Cockpit itself serves; its backgrounds are for other looks.
const fonts = {
    name: "fonts",
    setup(builder) {
        builder.onLoad({ filter: /dist\/styles\/base\.css$/ }, async ({ path }) => ({
            contents: (await readFile(path, "utf8"))
                .replace(/@font-face\s*{[^}]*}/g, "")
                .replace(/url\("\.\/assets[^)]*\)/g, "none"),
            loader: "css",
        }));
    },
};

const here = new URL(".", import.meta.url).pathname;
const bundled = await build({
    absWorkingDir: here,
    entryPoints: ["src/index.tsx", "src/theme.ts"],
    outdir: ".",
    bundle: true,
    minify: true,
    write: false,
    jsx: "automatic",
    target: ["es2023"],
    define: { "process.env.NODE_ENV": '"production"' },
    external: ["../../static/fonts/*"],
    legalComments: "none",
    plugins: [fonts],
});

const text = (end) => bundled.outputFiles.find(({ path }) => path.endsWith(end)).text;
const script = text("index.js");
const made = { "index.js": script, "theme.js": text("theme.js"), "index.css": lean(text("index.css"), script) };

await rm(target, { recursive: true, force: true });
await mkdir(target, { recursive: true });
for (const [name, content] of Object.entries(made)) {
    const packed = gzipSync(content, { level: 9 });
    await writeFile(`${target}/${name}.gz`, packed);
    console.log(`${name}: ${Buffer.byteLength(content)} bytes, ${packed.length} packed`);
}
for (const name of ["index.html", "manifest.json"]) await copyFile(here + name, `${target}/${name}`);
