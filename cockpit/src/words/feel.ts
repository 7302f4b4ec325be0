// What clients will feel of a move that is about to be asked for: what the last one measured.

import type { TransitionView } from "../model/past.ts";
import type { GroupView } from "../model/view.ts";
import { day, seconds } from "./spans.ts";

/** Somebody wished these, so the one who served let go in good order. */
const PLANNED = ["takeover", "standby", "failback", "peer-asked", "peer-gave"];

export interface Measured {
    outageUsec: number;
    atUsec: number;
    /** Whether it was a move of the same kind; false: the last failure, for want of a planned one. */
    isPlanned: boolean;
}

/** The last measured move of these groups; null if none is kept. `past` is newest first. */
export function lastMeasured(past: readonly TransitionView[], groups: readonly string[]): Measured | null {
    for (const isPlanned of [true, false]) {
        for (const each of past) {
            if (PLANNED.includes(each.cause) !== isPlanned) continue;
            const moves = each.moves.filter(
                (move) => groups.includes(move.group) && move.result === "moved" && move.outageUsec > 0,
            );
            if (moves.length === 0) continue;
            const outageUsec = Math.max(...moves.map((move) => move.outageUsec));
            return { outageUsec, atUsec: each.startedUsec, isPlanned };
        }
    }
    return null;
}

/** Sentences for a confirmation. */
export function felt(past: readonly TransitionView[], groups: readonly GroupView[]): string[] {
    const names = groups.map((group) => group.name);
    const measured = lastMeasured(past, names);
    const told: string[] = [];
    if (measured === null) {
        told.push("Clients wait until the other machine serves. No move has been measured here yet.");
    } else if (measured.isPlanned) {
        told.push(
            `Clients wait for about ${seconds(measured.outageUsec)}: ` +
                `that is what the last such move took, on ${day(measured.atUsec)}.`,
        );
    } else {
        told.push(
            `Clients wait for less than the ${seconds(measured.outageUsec)} of the last failure, on ` +
                `${day(measured.atUsec)}; no planned move has been measured here yet.`,
        );
    }
    if (groups.some((group) => group.resources.some((resource) => isNfs(resource.text)))) {
        told.push("NFSv4 clients also wait for the server's grace period before they write on.");
    }
    return told;
}

function isNfs(text: string): boolean {
    return /^(nfs|nfslock|ganesha)/.test(text);
}
