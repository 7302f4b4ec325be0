// What is said of a link.

import type { LinkView, NodeView, StatusView } from "../model/view.ts";

export const DISK = "disk"; // a shared disk on which the peer's registration is read

export type Health = "good" | "warning" | "bad" | "idle";

/** The part that was lost of what should have come, 0 to 1; null before anything came. */
export function loss(link: LinkView): number | null {
    let heard = link.counters["heard"] ?? 0;
    let missed = link.counters["missed"] ?? 0;
    if (!link.leadsToPeer) {
        // It answers every question, of which the last may still be on its way.
        heard = link.counters["messages_received"] ?? 0;
        missed = Math.max(0, (link.counters["messages_sent"] ?? 0) - 1 - heard);
    }
    return heard + missed ? missed / (heard + missed) : null;
}

/** dead counts as bad only where something is expected to be heard. */
export function linkHealth(link: LinkView, view: StatusView): Health {
    if (link.fault) return "bad";
    if (link.status !== "up") return isExpected(link, view) ? "bad" : "idle";
    const lost = loss(link);
    if ((lost !== null && lost >= 0.01) || (link.leadsToPeer && !link.peerHears)) return "warning";
    return "good";
}

export function isHeard(peerStatus: string): boolean {
    return peerStatus === "active" || peerStatus === "late";
}

export function isPing(link: LinkView): boolean {
    return !link.leadsToPeer && link.kind !== DISK;
}

/** A disk is dead, too, where an absent peer has ceased to renew its registration. */
export function isExpected(link: LinkView, view: StatusView): boolean {
    return isHeard(view.peerStatus) || isPing(link);
}

export function nodeHealth(node: NodeView): Health {
    if (node.status === "active") return node.maintenance ? "warning" : "good";
    if (node.status === "lost" || node.status === "fenced") return "bad";
    return node.status === "unknown" ? "idle" : "warning";
}

export function stateHealth(state: string): Health | "work" {
    switch (state) {
        case "started":
            return "good";
        case "starting":
        case "stopping":
            return "work";
        case "stopped":
        case "unknown":
            return "idle";
        case "partial":
            return "warning";
        default:
            return "bad";
    }
}
