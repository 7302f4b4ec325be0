// What is wrong in a picture, and the one command that helps; the same as in `hbctl status`.
//
// A consequence is not told beside its cause: while the peer is away, its silent links and its
// groups being here are no news.

import type { GroupView, LinkView, StatusView } from "../model/view.ts";
import { DISK, isExpected, isHeard, isPing } from "./links.ts";

export type Severity = "error" | "warning" | "notice";

export interface Problem {
    severity: Severity;
    kind: string;
    subject: string;
    text: string;
    /** Where the command is to be run. */
    node: string;
    command: string;
}

const ORDER: Severity[] = ["error", "warning", "notice"];
const SERVED = ["started", "starting", "stopping"];
const FAILURES: Record<string, string> = { "start-failed": "failed to start", "stop-failed": "failed to stop" };

/** Everything that is wrong, the worst first. */
export function problems(view: StatusView): Problem[] {
    const found = [
        ...ofNode(view),
        ...ofPeer(view),
        ...view.groups.flatMap((group) => [
            ...failures(view, group),
            ...resources(view, group),
            ...service(view, group),
        ]),
        ...view.links.flatMap((link) => ofLink(view, link)),
        ...ofFiles(view),
        ...ofMaintenance(view),
        ...ofProtection(view),
    ];
    return found.sort((a, b) => ORDER.indexOf(a.severity) - ORDER.indexOf(b.severity));
}

function ofNode(view: StatusView): Problem[] {
    if (view.phase === "active") return [];
    const text =
        view.phase === "starting"
            ? `${view.node} is ${view.phase} and moves nothing yet`
            : `${view.node} is ${view.phase}: it gives its groups away`;
    const command = "hbctl status --watch";
    return [{ severity: "notice", kind: "node-not-active", subject: view.node, text, node: view.node, command }];
}

function ofPeer(view: StatusView): Problem[] {
    const { peer } = view;
    const isProven = view.nodes.some((node) => node.name === peer && node.fenceProven);
    const confirm = `hbctl confirm-peer-down ${peer}`;
    const start = "systemctl start hbd";
    const say = (severity: Severity, kind: string, text: string, command: string, node = view.node): Problem[] => [
        { severity, kind, subject: peer, text, node, command },
    ];
    if (view.fenceFailure && view.peerStatus === "lost") {
        const text =
            `${peer} is lost but not fenced, so nothing is taken over: ${view.fenceFailure}. ` +
            "Once you have switched it off, say so";
        return say("error", "fence-waits", text, confirm);
    }
    if (isProven) {
        const text = `${peer} is fenced: nobody stands by until it is mended and started`;
        return say("warning", "peer-fenced", text, start, peer);
    }
    switch (view.peerStatus) {
        case "unknown":
            return say("notice", "peer-unknown", `${peer} has not been heard yet`, start, peer);
        case "late":
            return say(
                "warning",
                "peer-late",
                `${peer} is late: it has been silent for longer than warntime`,
                "hbctl links",
            );
        case "lost":
            return say(
                "error",
                "peer-lost",
                `${peer} is lost: silent on every link, and not known to be off. Once you have switched it off, say so`,
                confirm,
            );
        case "fenced":
            return say(
                "error",
                "peer-fenced",
                `${peer} is taken for off by ha.cf's times alone; no device has proved it. ` +
                    "Once you have switched it off, say so",
                confirm,
            );
        case "left":
            return say("warning", "peer-left", `${peer} has left: nobody stands by`, start, peer);
        default:
            return [];
    }
}

function ofLink(view: StatusView, link: LinkView): Problem[] {
    if (!link.fault && !(isExpected(link, view) && link.status === "dead")) return [];
    const why = link.fault ? `: ${link.fault}` : "";
    return [
        {
            severity: isPing(link) ? "warning" : "error",
            kind: "link-dead",
            subject: link.name,
            text: `${link.kind === DISK ? "disk" : "link"} ${link.name} is ${link.status}${why}`,
            node: view.node,
            command: lookAt(link),
        },
    ];
}

/** The command that shows whether the medium itself works. */
function lookAt(link: LinkView): string {
    if (link.kind === "serial") return `stty -F ${link.name}`;
    if (link.kind === DISK) return `blkid -p ${link.name}`;
    return link.leadsToPeer ? `ip -s link show ${link.name}` : `ping -c 3 ${link.name}`;
}

function ofFiles(view: StatusView): Problem[] {
    if (!view.configDrift.length) return [];
    const text = `${view.configDrift.join(" and ")} on ${view.peer} and here mean different things`;
    return [
        {
            severity: "warning",
            kind: "config-drift",
            subject: view.peer,
            text,
            node: view.node,
            command: "hbctl check",
        },
    ];
}

function failures(view: StatusView, group: GroupView): Problem[] {
    const found: Problem[] = [];
    for (const [node, state] of [
        [view.node, group.state],
        [view.peer, group.peerState],
    ] as const) {
        const here = node === view.node;
        if (!(state in FAILURES) && !(here && group.failure)) continue;
        const what = FAILURES[state] ?? "failed"; // while it is tried again, the reason tells
        const why = here && group.failure ? `: ${group.failure}` : "";
        found.push({
            severity: "error",
            kind: "group-failed",
            subject: group.name,
            text: `${group.name} ${what} on ${node}${why}. Once that is mended, try again`,
            node,
            command: `hbctl clear-failure ${group.name}`,
        });
    }
    return found;
}

function resources(view: StatusView, group: GroupView): Problem[] {
    return group.resources
        .filter((resource) => resource.why)
        .map((resource) => ({
            severity: "error",
            kind: "resource-failed",
            subject: resource.text,
            text: `${resource.text} of ${group.name} is ${resource.state}: ${resource.why}`,
            node: view.node,
            command: resource.unit ? `systemctl status ${resource.unit}` : "journalctl -x -u hbd",
        }));
}

/** A group that nobody serves, or that is served away from home without need. */
function service(view: StatusView, group: GroupView): Problem[] {
    if (view.phase !== "active") return [];
    const states = [group.state, group.peerState];
    if (!states.some((state) => SERVED.includes(state))) {
        if (states.some((state) => state in FAILURES)) return [];
        return [
            {
                severity: "error",
                kind: "group-not-served",
                subject: group.name,
                text: `${group.name} is served by nobody that is known; it belongs to ${group.owner}`,
                node: view.node,
                command: `hbctl takeover --group ${group.name}`,
            },
        ];
    }
    if (group.owner === group.preferred || !isHeard(view.peerStatus)) return [];
    return [
        {
            severity: "notice",
            kind: "group-not-at-home",
            subject: group.name,
            text: `${group.name} is not at home: ${group.owner} serves it, it prefers ${group.preferred}`,
            node: view.node,
            command: "hbctl failback",
        },
    ];
}

function ofMaintenance(view: StatusView): Problem[] {
    return view.nodes
        .filter((node) => node.maintenance)
        .map((node) => ({
            severity: "warning",
            kind: "maintenance",
            subject: node.name,
            text: `${node.name} is in maintenance: it moves nothing, and nothing is taken from it`,
            node: node.name,
            command: "hbctl maintenance off",
        }));
}

function ofProtection(view: StatusView): Problem[] {
    if (view.protection !== "none") return [];
    return [
        {
            severity: "warning",
            kind: "unprotected",
            subject: view.node,
            text: "protection none: nothing proves that a lost peer is off, so both nodes could serve",
            node: view.node,
            command: "man 7 hbd-fencing",
        },
    ];
}
