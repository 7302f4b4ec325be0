// The page follows the daemon: as it changes, as it goes and comes, and when the bus is lost.

import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { request } from "../src/bus/request.ts";
import { Watch } from "../src/bus/watch.ts";
import type { Sight } from "../src/bus/watch.ts";
import { maintenance } from "../src/words/actions.ts";
import { aCluster } from "./clusters.ts";
import { Bridge } from "./bridge.ts";

const JOB = "/org/hbd/Heartbeat1/job/1";
const ACTION = maintenance(aCluster());
const DENIED = { name: "org.freedesktop.DBus.Error.AccessDenied", message: "needs an administrator" };

let watch: Watch | null = null;
afterEach(() => watch?.stop());

function started(bridge: Bridge): Watch {
    bridge.install();
    watch = new Watch();
    watch.start();
    return watch;
}

/** Wait until the sight is as wanted; the test runner's own deadline bounds it. */
function until(watch: Watch, isWanted: (sight: Sight) => boolean): Promise<Sight> {
    return new Promise((resolve) => {
        const look = () => {
            if (!isWanted(watch.sight)) return;
            leave();
            resolve(watch.sight);
        };
        const leave = watch.subscribe(look);
        look();
    });
}

const isSeen = (sight: Sight) => sight.kind === "seen";

test("what the daemon tells is seen, and seen anew when it changes", { timeout: 5000 }, async () => {
    const bridge = new Bridge();
    const watch = started(bridge);
    await until(watch, isSeen);
    bridge.phase = "leaving";
    bridge.signal("org.freedesktop.DBus.Properties", "PropertiesChanged", []);
    await until(watch, (sight) => sight.kind === "seen" && sight.view.phase === "leaving");
});

test("a daemon that does not run is not called", { timeout: 5000 }, async () => {
    const bridge = new Bridge();
    bridge.isRunning = false;
    const watch = started(bridge);
    await until(watch, (sight) => sight.kind === "stopped");
    assert.deepEqual(bridge.calls, []);
    bridge.runs(true);
    await until(watch, isSeen);
});

test("a daemon that goes takes its picture with it", { timeout: 5000 }, async () => {
    const bridge = new Bridge();
    const watch = started(bridge);
    await until(watch, isSeen);
    bridge.runs(false);
    assert.equal(watch.sight.kind, "stopped");
    bridge.runs(true);
    await until(watch, isSeen);
});

test("a bus that breaks is told, and found again", { timeout: 10_000 }, async () => {
    const bridge = new Bridge();
    const watch = started(bridge);
    await until(watch, isSeen);
    bridge.breaks("internal-error");
    assert.deepEqual(watch.sight, { kind: "lost", why: "internal-error" });
    bridge.problem = "";
    await until(watch, isSeen);
});

test("another version is told as such", { timeout: 5000 }, async () => {
    const bridge = new Bridge();
    bridge.answer = async (method) => (method === "GetAll" ? [{ Version: { t: "s", v: "9" } }] : [[]]);
    await until(started(bridge), (sight) => sight.kind === "other-version");
});

test("a job's end is told, even if it came before the answer", { timeout: 5000 }, async () => {
    const bridge = new Bridge();
    const watch = started(bridge);
    await until(watch, isSeen);
    bridge.ask = () => {
        bridge.jobRemoved(JOB, "refused", "the peer is lost");
        return [JOB];
    };
    const outcome = await request(watch, ACTION);
    assert.deepEqual([outcome.health, outcome.text], ["warning", "the peer is lost"]);
});

test("a daemon that goes while a job runs leaves nobody waiting", { timeout: 5000 }, async () => {
    const bridge = new Bridge();
    const watch = started(bridge);
    await until(watch, isSeen);
    bridge.ask = () => {
        setTimeout(() => bridge.runs(false));
        return [JOB];
    };
    assert.equal((await request(watch, ACTION)).health, "warning");
});

test("who may not is told why, and root is not asked", { timeout: 5000 }, async () => {
    const bridge = new Bridge();
    const watch = started(bridge);
    await until(watch, isSeen);
    bridge.ask = () => Promise.reject(DENIED);
    const outcome = await request(watch, ACTION);
    assert.match(outcome.text, /needs an administrator/);
    assert.ok(!bridge.calls.some((call) => call.startsWith("root ")));
});

test("who has given an administrator's password to Cockpit is not asked again", { timeout: 5000 }, async () => {
    const bridge = new Bridge();
    bridge.hasAdmin = true;
    const watch = started(bridge);
    await until(watch, isSeen);
    bridge.ask = (method) => {
        if (!method.startsWith("root ")) return Promise.reject(DENIED);
        setTimeout(() => bridge.jobRemoved(JOB, "done"));
        return [JOB];
    };
    assert.equal((await request(watch, ACTION)).health, "good");
    assert.ok(bridge.calls.includes("root SetMaintenance"));
});
