// A headless Chromium by its DevTools protocol: just what is needed to look and press.
// CHROMIUM: the command, words apart (it may begin with chroot).

import { spawn } from "node:child_process";

export async function launch() {
    const [command, ...first] = (process.env.CHROMIUM ?? "chromium").split(" ");
    const flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0", "--user-data-dir=/tmp/hbd-page-chromium", "--hide-scrollbars", "about:blank"];
    const child = spawn(command, [...first, ...flags], { stdio: ["ignore", "ignore", "pipe"] });
    const url = await new Promise((resolve, reject) => {
        let told = "";
        child.stderr.on("data", (data) => {
            told += data;
            const found = /ws:\/\/\S+/.exec(told);
            if (found) resolve(found[0]);
        });
        child.on("exit", () => reject(new Error(told)));
    });
    const http = url.replace("ws://", "http://").replace(/\/devtools.*/, "");
    return { page: () => openPage(http), close: () => child.kill() };
}

async function openPage(http) {
    const target = await (await fetch(`${http}/json/new?about:blank`, { method: "PUT" })).json();
    const socket = new WebSocket(target.webSocketDebuggerUrl);
    await new Promise((resolve) => socket.addEventListener("open", resolve));
    const waiting = new Map();
    const faults = [];
    let last = 0;
    let loaded = () => undefined;
    socket.addEventListener("message", ({ data }) => {
        const { id, result, error, method, params } = JSON.parse(data);
        if (id) error ? waiting.get(id).reject(new Error(error.message)) : waiting.get(id).resolve(result);
        if (method === "Page.loadEventFired") loaded();
        if (method === "Runtime.exceptionThrown") faults.push(params.exceptionDetails.exception?.description ?? params.exceptionDetails.text);
        if (method === "Log.entryAdded" && params.entry.level === "error") faults.push(params.entry.text + (params.entry.url ?? ""));
    });
    const send = (method, params = {}) =>
        new Promise((resolve, reject) => {
            waiting.set(++last, { resolve, reject });
            socket.send(JSON.stringify({ id: last, method, params }));
        });
    await send("Page.enable");
    await send("Runtime.enable");
    await send("Log.enable");
    return {
        faults,
        async open(url, { width = 1280, height = 900, isDark = false } = {}) {
            await send("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor: 1, mobile: false });
            await send("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value: isDark ? "dark" : "light" }] });
            const done = new Promise((resolve) => (loaded = resolve));
            await send("Page.navigate", { url });
            await done;
        },
        async run(expression) {
            const { result, exceptionDetails } = await send("Runtime.evaluate", { expression, awaitPromise: true, returnByValue: true });
            if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
            return result.value;
        },
        async picture(isWhole = true) {
            const { data } = await send("Page.captureScreenshot", { format: "png", captureBeyondViewport: isWhole });
            return Buffer.from(data, "base64");
        },
        key: async (key, code = key) => {
            for (const type of ["keyDown", "keyUp"]) await send("Input.dispatchKeyEvent", { type, key, code, windowsVirtualKeyCode: { Tab: 9, Enter: 13, Escape: 27 }[key], ...(key === "Enter" ? { text: "\r" } : {}) });
        },
        close: () => send("Page.close"),
    };
}
