// What is said of a move, and what the last one lets one expect of the next.

import assert from "node:assert/strict";
import { test } from "node:test";
import { merged, transitionView } from "../src/model/past.ts";
import type { StepView } from "../src/model/past.ts";
import { OtherVersion } from "../src/model/view.ts";
import { felt, lastMeasured } from "../src/words/feel.ts";
import { evidence, explainCommand, extent, stretches, summary, way } from "../src/words/past.ts";
import { SHARE, aGroup, aMove } from "./clusters.ts";

function aStep(phase: string, kind: string, offsetUsec: number, usec: number): StepView {
    return { phase, kind, group: SHARE, resource: "", offsetUsec, usec, result: "done", why: "" };
}

test("a summary is one group's part in a line", () => {
    assert.equal(
        summary(aMove(), SHARE),
        "takeover by uid 1000: ttisrv1 → ttisrv2, moved, unserved for 0.4 s",
    );
});

test("nobody and both are words, too", () => {
    assert.equal(way(aMove({ origin: "" })), "nobody → ttisrv2");
    assert.equal(way(aMove({ target: "" })), "ttisrv1 → both");
    assert.equal(way(aMove({ origin: "ttisrv2" })), "on ttisrv2");
});

test("silence is told where it is the point", () => {
    const dead = { subject: "link", name: "eth1", word: "dead", silentUsec: 5_000_000 };
    assert.equal(evidence(dead), "link eth1: dead, silent for 5.00 s");
    assert.equal(evidence({ ...dead, silentUsec: 0 }), "link eth1: dead");
});

test("phases are summed up in the order of a failover", () => {
    const steps = [
        aStep("detect", "", 0, 5000),
        aStep("start", "samba", 5020, 30),
        aStep("start", "address", 5000, 20),
        aStep("start", "samba", 5050, 12),
    ];
    assert.deepEqual(stretches(aMove({ steps })), [
        { phase: "detect", usec: 5000 },
        { phase: "address", usec: 20 },
        { phase: "samba", usec: 42 },
    ]);
    assert.equal(extent(aMove({ steps, durationUsec: 0 })), 5062);
});

test("the end of an id is enough", () => {
    assert.equal(explainCommand("ttisrv1-1700000001-0003"), "hbctl explain 0003");
});

test("what clients will feel is what the last planned move of the group took", () => {
    const past = [
        aMove({ id: "4", cause: "peer-lost", moves: [{ ...aMove().moves[0]!, outageUsec: 5_300_000 }] }),
        aMove({ id: "3", cause: "failback", result: "failed", moves: [{ ...aMove().moves[0]!, result: "failed" }] }),
        aMove({ id: "2", cause: "peer-asked", moves: [{ ...aMove().moves[0]!, outageUsec: 410_000 }] }),
        aMove({ id: "1" }),
    ];
    assert.equal(lastMeasured(past, [SHARE])?.outageUsec, 410_000);
    assert.equal(lastMeasured(past.slice(0, 1), [SHARE])?.isPlanned, false);
    assert.equal(lastMeasured(past, ["another"]), null);
});

test("what has not been measured is not promised", () => {
    const [sentence, ...more] = felt([], [aGroup()]);
    assert.doesNotMatch(sentence!, /\d/);
    assert.deepEqual(more, []);
});

test("who serves NFS is told of its grace period", () => {
    const nfs = { text: "nfs", unit: "nfs-server.service", state: "started", why: "" };
    assert.equal(felt([aMove()], [aGroup({ resources: [nfs] })]).length, 2);
});

test("what is told later counts, and the newest is first", () => {
    const known = [aMove({ id: "a-2", result: "running" }), aMove({ id: "a-1" })];
    const told = [aMove({ id: "a-3" }), aMove({ id: "a-2", result: "moved" })];
    assert.deepEqual(
        merged(known, told).map((each) => [each.id, each.result]),
        [
            ["a-3", "moved"],
            ["a-2", "moved"],
            ["a-1", "moved"],
        ],
    );
});

test("a transition of another version is noticed", () => {
    assert.throws(() => transitionView({ Id: "a-1" }), OtherVersion);
});
