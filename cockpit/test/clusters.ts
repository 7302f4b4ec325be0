// Small clusters for tests: all is well, but for what is said otherwise.

import type { TransitionView } from "../src/model/past.ts";
import type { GroupView, LinkView, NodeView, StatusView } from "../src/model/view.ts";

export const SHARE = "192.168.0.100";

export function aNode(more: Partial<NodeView> = {}): NodeView {
    return {
        name: "ttisrv1",
        local: true,
        status: "active",
        maintenance: false,
        fenceProven: false,
        lastHeardUsec: 0,
        holds: [],
        ...more,
    };
}

export function aLink(more: Partial<LinkView> = {}): LinkView {
    return {
        name: "eth1",
        kind: "bcast",
        leadsToPeer: true,
        status: "up",
        peerHears: true,
        fault: "",
        lastHeardUsec: 1,
        counters: {},
        ...more,
    };
}

export function aGroup(more: Partial<GroupView> = {}): GroupView {
    return {
        name: SHARE,
        preferred: "ttisrv1",
        owner: "ttisrv1",
        state: "started",
        protection: "reservation",
        peerState: "stopped",
        failure: "",
        lastTransition: "",
        unit: `hbd-group@${SHARE}.target`,
        resources: [{ text: SHARE, unit: "", state: "started", why: "" }],
        ...more,
    };
}

export function aCluster(more: Partial<StatusView> = {}): StatusView {
    return {
        version: "1.0.0",
        node: "ttisrv1",
        peer: "ttisrv2",
        phase: "active",
        maintenance: false,
        peerStatus: "active",
        protection: "reservation",
        fenceFailure: "",
        autoFailback: "off",
        deadtimeUsec: 5_000_000,
        nowUsec: 1_000_000_000,
        configDrift: [],
        nodes: [aNode(), aNode({ name: "ttisrv2", local: false })],
        links: [aLink()],
        groups: [aGroup()],
        jobs: [],
        ...more,
    };
}

export function aMove(more: Partial<TransitionView> = {}): TransitionView {
    const moves = [{ group: SHARE, origin: "ttisrv1", target: "ttisrv2", result: "moved", outageUsec: 400_000 }];
    return {
        id: "20261122120000-1",
        cause: "takeover",
        requestedBy: "uid 1000",
        rules: ["give"],
        groups: [SHARE],
        origin: "ttisrv1",
        target: "ttisrv2",
        result: "moved",
        why: "",
        fencing: "none",
        startedUsec: 1_763_800_000_000_000,
        durationUsec: 450_000,
        outageUsec: 400_000,
        moves,
        evidence: [],
        steps: [],
        ...more,
    };
}
