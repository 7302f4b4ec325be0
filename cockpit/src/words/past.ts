// What is said of a transition; the same words as `hbctl history` and `hbctl explain`.

import type { EvidenceView, StepView, TransitionView } from "../model/past.ts";
import { shortName } from "./kinds.ts";
import { seconds, span } from "./spans.ts";

/** `takeover by uid 0: ttisrv1 -> ttisrv2, moved, unserved for 0.4 s`: one group's part. */
export function summary(view: TransitionView, group: string): string {
    const mine = view.moves.find((move) => move.group === group) ?? view;
    const way = mine.origin === mine.target ? `on ${mine.target}` : `${mine.origin || "nobody"} → ${mine.target}`;
    const tenths = Math.round(mine.outageUsec / 100_000) * 100_000;
    const unserved = tenths ? `, unserved for ${span(tenths)}` : "";
    return `${cause(view)}: ${way}, ${mine.result}${unserved}`;
}

/** `takeover by uid 0`. */
export function cause(view: TransitionView): string {
    return view.requestedBy ? `${view.cause} by ${view.requestedBy}` : view.cause;
}

/** `ttisrv1 → ttisrv2`, or `on ttisrv1` where nothing changed hands. */
export function way(view: TransitionView): string {
    if (view.origin && view.origin === view.target) return `on ${view.target}`;
    return `${view.origin || "nobody"} → ${view.target || "both"}`;
}

/** `link eth1: dead, silent for 5.00 s`. */
export function evidence(each: EvidenceView): string {
    const text = `${each.subject} ${each.name}: ${each.word}`;
    return each.silentUsec ? `${text}, silent for ${seconds(each.silentUsec)}` : text;
}

/** `start /ttidisk`: the short name of what hbctl tells as it is written. */
export function stepName(step: StepView): string {
    return `${step.phase} ${step.resource ? shortName(step.resource) : step.group}`.trim();
}

/** The kinds of stretch that a bar tells apart, in the order of a failover. */
export const PHASES = ["detect", "fence", "peer", "address", "mount", "samba", "nfs", "service"] as const;
export type PhaseName = (typeof PHASES)[number];

export function phaseOf(step: StepView): PhaseName {
    const word = step.phase === "start" || step.phase === "stop" ? step.kind : step.phase;
    return PHASES.find((name) => name === word) ?? "service";
}

export interface Stretch {
    phase: PhaseName;
    usec: number;
}

/** How long each phase took in all, in the order of a failover; none for those that took nothing. */
export function stretches(view: TransitionView): Stretch[] {
    return PHASES.map((phase) => ({
        phase,
        usec: view.steps.filter((step) => phaseOf(step) === phase).reduce((sum, step) => sum + step.usec, 0),
    })).filter((stretch) => stretch.usec > 0);
}

/** How long the transition is known to have lasted: what its bars are drawn against. */
export function extent(view: TransitionView): number {
    const ends = view.steps.map((step) => step.offsetUsec + step.usec);
    return Math.max(view.durationUsec, ...ends, 1);
}

/** The end of an id is enough for `hbctl explain`. */
export function explainCommand(id: string): string {
    return `hbctl explain ${id.slice(id.lastIndexOf("-") + 1)}`;
}
