// What is wrong, as hbctl has it (tests/unit/cli/test_problems.py).

import assert from "node:assert/strict";
import { test } from "node:test";
import { problems } from "../src/words/problems.ts";
import { aCluster, aGroup, aLink } from "./clusters.ts";

test("a cluster that is well has no problem", () => {
    assert.deepEqual(problems(aCluster({ protection: "reservation" })), []);
});

test("a lost peer is an error, and its silent links are no news", () => {
    const dead = aLink({ name: "eth1", status: "dead" });
    const found = problems(aCluster({ peerStatus: "lost", protection: "stonith", links: [dead] }));
    assert.deepEqual(
        found.map((problem) => [problem.severity, problem.kind]),
        [["error", "peer-lost"]],
    );
});

test("the worst comes first", () => {
    const failed = aGroup({ state: "start-failed", failure: "smb: exit status 1" });
    const found = problems(aCluster({ protection: "none", groups: [failed] }));
    assert.deepEqual(
        found.map((problem) => problem.kind),
        ["group-failed", "unprotected"],
    );
});
