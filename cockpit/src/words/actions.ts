// What can be asked of the daemon, each with the question before it and the hbctl command that does
// the same.

import type { TransitionView } from "../model/past.ts";
import type { GroupView, StatusView } from "../model/view.ts";
import { felt } from "./feel.ts";

export interface Call {
    method: string;
    type: string;
    args: unknown[];
}

export interface Action {
    /** hbctl's word, as results are told of it. */
    verb: string;
    /** What the button says. */
    label: string;
    question: string;
    sentences: readonly string[];
    command: string;
    /** One after the other, as long as each is done. */
    calls: readonly Call[];
    isDangerous?: boolean;
    /** What must be typed before it can be pressed. */
    typed?: string;
}

type Past = readonly TransitionView[];

const call = (method: string, type = "", ...args: unknown[]): Call => ({ method, type, args });

export function takeover(view: StatusView, past: Past, group?: GroupView): Action {
    const groups = group ? [group] : view.groups.filter((each) => each.owner !== view.node);
    return {
        verb: "takeover",
        label: "Take over",
        question: `Take over ${named(groups)}?`,
        sentences: [`${view.node} serves from then on, ${view.peer} stands by.`, ...felt(past, groups)],
        command: group ? `hbctl takeover --group ${group.name}` : "hbctl takeover",
        calls: [group ? call("TakeoverGroup", "s", group.name) : call("Takeover", "s", "all")],
    };
}

export function standby(view: StatusView, past: Past, group?: GroupView): Action {
    const groups = group ? [group] : view.groups.filter((each) => each.owner === view.node);
    return {
        verb: "standby",
        label: "Stand by",
        question: `Give ${named(groups)} to ${view.peer}?`,
        sentences: [`${view.peer} serves from then on, ${view.node} stands by.`, ...felt(past, groups)],
        command: group ? `hbctl standby --group ${group.name}` : "hbctl standby",
        calls: [group ? call("StandbyGroup", "s", group.name) : call("Standby", "s", "all")],
    };
}

export function failback(view: StatusView, past: Past, group?: GroupView): Action {
    const groups = group ? [group] : astray(view);
    const isWanted = (here: boolean) => groups.some((each) => (each.preferred === view.node) === here);
    const calls = group
        ? [call(group.preferred === view.node ? "TakeoverGroup" : "StandbyGroup", "s", group.name)]
        : [
              ...(isWanted(true) ? [call("Takeover", "s", "failback")] : []),
              ...(isWanted(false) ? [call("Standby", "s", "failback")] : []),
          ];
    const homes = [...new Set(groups.map((each) => each.preferred))].join(" and ");
    const word = group?.preferred === view.node ? "takeover" : "standby";
    return {
        verb: "failback",
        label: "Fail back",
        question: `Bring ${named(groups)} home to ${homes}?`,
        sentences: felt(past, groups),
        command: group ? `hbctl ${word} --group ${group.name}` : "hbctl failback",
        calls,
    };
}

export function maintenance(view: StatusView): Action {
    const on = !view.maintenance;
    return {
        verb: on ? "maintenance-on" : "maintenance-off",
        label: on ? "Begin maintenance" : "End maintenance",
        question: on ? `Begin maintenance of ${view.node}?` : `End maintenance of ${view.node}?`,
        sentences: on
            ? [
                  "Clients feel nothing: what runs goes on.",
                  `Until it ends, ${view.node} moves nothing, and nothing is taken over from it: ` +
                      "if it fails meanwhile, nobody serves. A restart does not end it.",
              ]
            : [`Clients feel nothing of it. ${view.node} looks at its groups first, and fails over as ever.`],
        command: `hbctl maintenance ${on ? "on" : "off"}`,
        calls: [call("SetMaintenance", "b", on)],
    };
}

export function clearFailure(view: StatusView, group: GroupView): Action {
    return {
        verb: "clear-failure",
        label: "Clear failure",
        question: `Try ${group.name} again on ${view.node}?`,
        sentences: [
            "Do this once what failed is mended.",
            group.owner === view.node
                ? "Clients feel nothing that they do not feel now: it is started again."
                : `Clients feel nothing: ${group.owner} serves.`,
        ],
        command: `hbctl clear-failure ${group.name}`,
        calls: [call("ClearFailure", "s", group.name)],
    };
}

export function confirmPeerDown(view: StatusView): Action {
    return {
        verb: "confirm-peer-down",
        label: "Confirm peer down",
        question: `Is ${view.peer} really switched off?`,
        sentences: [
            `${view.node} then starts every group of ${view.peer}; clients are served again.`,
            `If ${view.peer} still runs, the shared disk is destroyed. ` +
                "Silence proves nothing: look at the machine, its power supply or its management board.",
        ],
        command: `hbctl confirm-peer-down ${view.peer}`,
        calls: [call("ConfirmPeerDown")],
        isDangerous: true,
        typed: view.peer,
    };
}

/** What is not served where it is at home. */
export function astray(view: StatusView): GroupView[] {
    return view.groups.filter((group) => group.owner !== group.preferred);
}

/** Whether the operator's word is wanted: the peer is lost, or fenced by ha.cf's times alone. */
export function maySayPeerIsDown(view: StatusView): boolean {
    const isProven = view.nodes.some((node) => node.name === view.peer && node.fenceProven);
    return !isProven && (view.peerStatus === "lost" || view.peerStatus === "fenced");
}

export function hasFailed(group: GroupView): boolean {
    return group.failure !== "" || group.state.endsWith("-failed");
}

function named(groups: readonly GroupView[]): string {
    const names = groups.map((group) => group.name);
    if (names.length === 0) return "all groups";
    if (names.length > 4) return `${names.length} groups`;
    return names.length === 1 ? names[0]! : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}
