// Serves the built page with the fake behind it: node dev/serve.mjs [FOLDER [PORT]], then open
// http://127.0.0.1:PORT/cockpit/hbd/index.html?scene=well. COCKPIT_STATIC: where Cockpit's fonts are.

import { createServer } from "node:http";
import { readFile } from "node:fs/promises";

const here = new URL(".", import.meta.url).pathname;
const TYPES = { html: "text/html", js: "text/javascript", css: "text/css", woff2: "font/woff2" };
// Cockpit's own policy, so that what it would refuse is refused here.
const POLICY = "default-src 'self'; font-src 'self' data:; img-src 'self' data:; object-src 'none'";
const fonts = process.env.COCKPIT_STATIC ?? "/usr/share/cockpit/static";

export async function serve(folder, port = 0) {
    const server = createServer(async (request, response) => {
        const path = new URL(request.url, "http://x").pathname;
        const name = path.split("/").at(-1);
        const send = (body, more = {}) =>
            response.writeHead(200, { "Content-Type": TYPES[name.split(".").at(-1)] ?? "text/plain", "Content-Security-Policy": POLICY, ...more }).end(body);
        try {
            if (path.endsWith("/base1/cockpit.js")) send(`${await readFile(`${here}scenes.js`)}\n${await readFile(`${here}fake.js`)}`);
            else if (path.includes("/static/")) send(await readFile(`${fonts}/fonts/${name}`));
            else if (name === "index.html") send(await readFile(`${folder}/${name}`));
            else send(await readFile(`${folder}/${name}.gz`), { "Content-Encoding": "gzip" });
        } catch {
            response.writeHead(404).end();
        }
    });
    await new Promise((resolve) => server.listen(port, "127.0.0.1", resolve));
    return { server, port: server.address().port };
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
    const { port } = await serve(process.argv[2] ?? `${here}../../build/cockpit`, Number(process.argv[3] ?? 8080));
    console.log(`http://127.0.0.1:${port}/cockpit/hbd/index.html?scene=well`);
}
