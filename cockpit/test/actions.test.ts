// What is asked of the daemon, and how its end is told.

import assert from "node:assert/strict";
import { test } from "node:test";
import {
    clearFailure,
    confirmPeerDown,
    failback,
    maintenance,
    maySayPeerIsDown,
    standby,
    takeover,
} from "../src/words/actions.ts";
import { ofError, ofResult } from "../src/words/outcome.ts";
import { inSum, verdict, whereItIs, whoServes } from "../src/words/verdict.ts";
import { problems } from "../src/words/problems.ts";
import { SHARE, aCluster, aGroup, aNode } from "./clusters.ts";

const there = aGroup({ owner: "ttisrv2", state: "stopped", peerState: "started" });

test("each action names the hbctl command that does the same", () => {
    const view = aCluster();
    const group = view.groups[0]!;
    const commands = [
        takeover(view, []),
        takeover(view, [], group),
        standby(view, []),
        standby(view, [], group),
        failback(view, []),
        maintenance(view),
        clearFailure(view, group),
        confirmPeerDown(view),
    ].map((action) => action.command);
    assert.deepEqual(commands, [
        "hbctl takeover",
        `hbctl takeover --group ${SHARE}`,
        "hbctl standby",
        `hbctl standby --group ${SHARE}`,
        "hbctl failback",
        "hbctl maintenance on",
        `hbctl clear-failure ${SHARE}`,
        "hbctl confirm-peer-down ttisrv2",
    ]);
});

test("failback asks both ways where groups are astray on both nodes", () => {
    const mine = there;
    const theirs = aGroup({ name: "projects", preferred: "ttisrv2" });
    const methods = (groups: typeof mine[]) =>
        failback(aCluster({ groups }), []).calls.map((call) => [call.method, call.args[0]]);
    assert.deepEqual(methods([mine]), [["Takeover", "failback"]]);
    assert.deepEqual(methods([theirs]), [["Standby", "failback"]]);
    assert.deepEqual(methods([mine, theirs]), [
        ["Takeover", "failback"],
        ["Standby", "failback"],
    ]);
});

test("the operator's word must be typed, and is wanted only of a peer that may be off", () => {
    assert.equal(confirmPeerDown(aCluster()).typed, "ttisrv2");
    assert.equal(maySayPeerIsDown(aCluster()), false);
    assert.equal(maySayPeerIsDown(aCluster({ peerStatus: "lost" })), true);
    const proven = [aNode(), aNode({ name: "ttisrv2", local: false, fenceProven: true })];
    assert.equal(maySayPeerIsDown(aCluster({ peerStatus: "fenced", nodes: proven })), false);
});

test("who is refused reads why, and what would help", () => {
    const name = "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired";
    const wanted = { name, message: "allow to ask for a password" };
    assert.equal(ofError("takeover", wanted, false).health, "bad");
    assert.match(ofError("takeover", wanted, false).text, /haclient.*administrative access/);
    assert.doesNotMatch(ofError("confirm-peer-down", wanted, false).text, /haclient/);
    const denied = { name: "org.freedesktop.DBus.Error.AccessDenied", message: "polkit does not permit it" };
    assert.match(ofError("takeover", denied, false).text, /^polkit does not permit it\. .*haclient/);
    assert.equal(ofError("takeover", denied, true).text, "polkit does not permit it");
});

test("a refusal is no failure", () => {
    assert.equal(ofResult("standby", "done", "", 410_000).health, "good");
    assert.equal(ofResult("standby", "refused", "the peer is lost", 0).health, "warning");
    assert.equal(ofResult("standby", "failed", "smb", 0).health, "bad");
    assert.equal(ofError("standby", { problem: "gone" }, false).health, "warning");
});

test("the first glance says who serves and who stands by", () => {
    assert.equal(whoServes(aCluster()), "ttisrv1 serves, ttisrv2 stands by");
    assert.equal(whoServes(aCluster({ groups: [there] })), "ttisrv2 serves, ttisrv1 stands by");
    assert.equal(whoServes(aCluster({ peerStatus: "lost" })), "ttisrv1 serves");
    assert.equal(whoServes(aCluster({ groups: [aGroup({ state: "stopped" })] })), "nobody serves");
});

test("a group is served only where it has started", () => {
    const view = aCluster();
    const said = (state: string, peerState = "stopped") => whereItIs(view, aGroup({ state, peerState }));
    assert.equal(said("started"), "served by ttisrv1");
    assert.equal(said("starting"), "starting on ttisrv1");
    assert.equal(said("stopped", "stopping"), "stopping on ttisrv2");
    assert.equal(said("partial"), "runs in part on ttisrv1");
    assert.equal(said("stopped"), "served by nobody");
});

test("a move outweighs what is wrong meanwhile", () => {
    const moving = aCluster({ groups: [aGroup({ state: "stopping" })], protection: "none" });
    assert.equal(verdict(moving, problems(moving)).mood, "work");
    const bare = aCluster({ protection: "none" });
    assert.equal(verdict(bare, problems(bare)).mood, "warning");
});

test("a check's word that is not known counts as an error", () => {
    const line = { node: "ttisrv1", check: "x", text: "", remedy: "" };
    assert.equal(inSum([{ ...line, level: "ok" }]).mood, "good");
    assert.equal(inSum([{ ...line, level: "warning" }]).mood, "warning");
    assert.equal(inSum([{ ...line, level: "dreadful" }]).mood, "bad");
});
