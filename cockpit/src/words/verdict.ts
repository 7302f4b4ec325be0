// The answers at one glance: is it healthy, who serves, why did it move, would it move now.

import type { TransitionView } from "../model/past.ts";
import type { GroupView, StatusView } from "../model/view.ts";
import type { Finding } from "../model/findings.ts";
import { isHeard } from "./links.ts";
import type { Problem } from "./problems.ts";
import { count } from "./spans.ts";

export type Mood = "good" | "warning" | "bad" | "work";

export interface Verdict {
    mood: Mood;
    title: string;
}

const MOVING = ["starting", "stopping"];

export function verdict(view: StatusView, found: readonly Problem[]): Verdict {
    const moving = view.groups.filter(isMoving).map((group) => group.name);
    if (moving.length === 1) return { mood: "work", title: `${moving[0]} is moving` };
    if (moving.length > 1) return { mood: "work", title: `${moving.length} groups are moving` };
    const errors = found.filter((problem) => problem.severity === "error").length;
    const warnings = found.filter((problem) => problem.severity === "warning").length;
    if (errors) return { mood: "bad", title: errors === 1 ? "One thing is wrong" : `${errors} things are wrong` };
    if (warnings) return { mood: "warning", title: `All is served, with ${count(warnings, "warning")}` };
    return { mood: "good", title: "All is well" };
}

export function isMoving(group: GroupView): boolean {
    return MOVING.includes(group.state) || MOVING.includes(group.peerState);
}

/** Who serves: the groups by the node where they run; empty: nobody. */
export function servers(view: StatusView): Map<string, string[]> {
    const found = new Map<string, string[]>();
    for (const group of view.groups) {
        const at = serverOf(view, group);
        if (at) found.set(at, [...(found.get(at) ?? []), group.name]);
    }
    return found;
}

/** Where a group is, as far as is known here; empty: nowhere. */
export function serverOf(view: StatusView, group: { state: string; peerState: string }): string {
    const runs = (state: string) => ["started", "starting", "stopping", "partial"].includes(state);
    if (runs(group.state)) return view.node;
    return runs(group.peerState) ? view.peer : "";
}

/** `served by ttisrv1`; while it moves, what is being done with it where. */
export function whereItIs(view: StatusView, group: { state: string; peerState: string }): string {
    const at = serverOf(view, group);
    const doing = at === view.node ? group.state : group.peerState;
    if (at === "") return "served by nobody";
    if (doing === "started") return `served by ${at}`;
    return doing === "partial" ? `runs in part on ${at}` : `${doing} on ${at}`;
}

/** `ttisrv1 serves, ttisrv2 stands by`. */
export function whoServes(view: StatusView): string {
    const found = servers(view);
    const all = view.nodes.map((node) => node.name);
    const serving = all.filter((name) => found.has(name));
    if (view.groups.length === 0) return "no groups in haresources";
    if (serving.length === 2) return "both serve";
    if (serving.length === 0) return "nobody serves";
    const other = all.find((name) => name !== serving[0]) ?? view.peer;
    return `${serving[0]} serves${mayStandBy(view, other) ? `, ${other} stands by` : ""}`;
}

function mayStandBy(view: StatusView, name: string): boolean {
    return name === view.node ? view.phase === "active" : isHeard(view.peerStatus);
}

/** The last move of all, newest first; one that is under way counts. */
export function lastMove(past: readonly TransitionView[]): TransitionView | null {
    return past[0] ?? null;
}

/** The sentence of `hbctl check` in sum. */
export function inSum(findings: readonly Finding[]): Verdict {
    const errors = findings.filter((finding) => levelOf(finding) === "error").length;
    const warnings = findings.filter((finding) => levelOf(finding) === "warning").length;
    if (errors) {
        const title = `The next failover may fail: ${count(errors, "error")}, ${count(warnings, "warning")}.`;
        return { mood: "bad", title };
    }
    if (warnings) return { mood: "warning", title: `The next failover will work, with ${count(warnings, "warning")}.` };
    return { mood: "good", title: "The next failover will work." };
}

/** A word from a newer daemon counts as an error. */
export function levelOf(finding: Finding): "ok" | "warning" | "error" {
    return finding.level === "ok" || finding.level === "warning" ? finding.level : "error";
}
