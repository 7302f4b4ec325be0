// Pictures of every scene at every width, light and dark: node dev/shoot.mjs FOLDER [SCENE...]
// They go to out/screenshots/page; axe-core's serious faults are printed.

import { mkdir, readFile, writeFile } from "node:fs/promises";
import { launch } from "./browser.mjs";
import { serve } from "./serve.mjs";

const root = new URL("../../", import.meta.url).pathname;
const [folder = `${root}build/cockpit`, ...wanted] = process.argv.slice(2);
const press = (name, within = "document") =>
    `[...${within}.querySelectorAll("button")].find((each) => (each.getAttribute("aria-label") ?? each.textContent).trim() === "${name}").click()`;
const dialog = 'document.querySelector("[role=dialog]")';
const pause = (ms) => `new Promise((resolve) => setTimeout(resolve, ${ms}))`;

// name: [scene, what to do there before the picture]
const SHOTS = {
    well: ["well"],
    there: ["there"],
    moving: ["moving"],
    moved: ["moved", pause(700)],
    "peer-dead": ["peer-dead"],
    confirm: ["peer-dead", press("Confirm peer down")],
    troubled: ["troubled"],
    takeover: ["there", press("Take over")],
    live: ["there", `${press("Take over")}; ${pause(300)}.then(() => { ${press("Take over", dialog)}; return ${pause(2000)}; })`],
    done: ["there", `${press("Take over")}; ${pause(300)}.then(() => { ${press("Take over", dialog)}; return ${pause(4500)}; })`],
    denied: ["denied", `${press("Take over")}; ${pause(300)}.then(() => { ${press("Take over", dialog)}; return ${pause(500)}; })`],
    many: ["many"],
    all: ["many", press("Show all")],
    history: ["well", 'document.querySelectorAll(".hbd-entry-head")[1].click()'],
    stopped: ["stopped"],
    lost: ["lost"],
    expired: ["expired"],
};

const names = wanted.length ? wanted : Object.keys(SHOTS);
const sizes = (process.env.SIZES ?? "1280 768 360").split(" ").map(Number);
const looks = (process.env.LOOKS ?? "light dark").split(" ");
const { server, port } = await serve(folder);
const browser = await launch();
const axe = await readFile(`${root}cockpit/node_modules/axe-core/axe.min.js`, "utf8");
await mkdir(`${root}out/screenshots/page`, { recursive: true });
try {
    const page = await browser.page();
    for (const name of names) {
        for (const width of sizes) {
            for (const look of looks) {
                const [scene, act] = SHOTS[name];
                await page.open(`http://127.0.0.1:${port}/cockpit/hbd/index.html?scene=${scene}`, { width, isDark: look === "dark" });
                await page.run(pause(600));
                if (act) await page.run(act);
                await page.run(pause(300));
                await writeFile(`${root}out/screenshots/page/${name}-${width}-${look}.png`, await page.picture());
                const overflow = await page.run("document.documentElement.scrollWidth - innerWidth");
                if (overflow > 0) console.log(`${name} ${width}: ${overflow} px wider than the window`);
                await page.run(axe);
                const found = await page.run("axe.run().then(({ violations }) => violations.map((each) => `${each.impact} ${each.id}: ${each.nodes.map((node) => node.html.slice(0, 120)).slice(0, 3).join(' | ')}`))");
                for (const each of found) console.log(`${name} ${width} ${look}: ${each}`);
            }
        }
    }
    for (const fault of new Set(page.faults)) console.log(`fault: ${fault}`);
    const paint = await page.run("performance.getEntriesByName('first-contentful-paint')[0]?.startTime");
    console.log(`first contentful paint ${Math.round(paint)} ms`);
} finally {
    browser.close();
    server.close();
}
