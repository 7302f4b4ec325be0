// What the daemon told, as values: the picture that `hbctl status` shows, from the public API only.
// Times are µs on CLOCK_BOOTTIME of the node that tells, 0: never.

export const BUS_NAME = "org.hbd.Heartbeat1";
export const ROOT = "/org/hbd/Heartbeat1";
export const MANAGER = `${BUS_NAME}.Manager`;

export type Properties = Readonly<Record<string, unknown>>;
/** path -> interface -> properties, plain values. */
export type Objects = Readonly<Record<string, Readonly<Record<string, Properties>>>>;

export interface NodeView {
    name: string;
    local: boolean;
    status: string;
    maintenance: boolean;
    fenceProven: boolean;
    lastHeardUsec: number;
    holds: readonly string[];
}

export interface LinkView {
    name: string;
    kind: string;
    leadsToPeer: boolean;
    status: string;
    peerHears: boolean;
    fault: string;
    lastHeardUsec: number;
    counters: Readonly<Record<string, number>>;
}

export interface ResourceView {
    text: string;
    unit: string;
    state: string;
    why: string;
}

export interface GroupView {
    name: string;
    preferred: string;
    owner: string;
    state: string;
    protection: string;
    peerState: string;
    failure: string;
    lastTransition: string;
    unit: string;
    resources: readonly ResourceView[];
}

export interface JobView {
    id: number;
    verb: string;
    scope: string;
    groups: readonly string[];
    requestedBy: string;
    requestedUsec: number;
}

export interface StatusView {
    version: string;
    node: string;
    peer: string;
    phase: string;
    maintenance: boolean;
    peerStatus: string;
    protection: string;
    fenceFailure: string;
    autoFailback: string;
    deadtimeUsec: number;
    /** When this was told; 0 if the daemon is too old to say. */
    nowUsec: number;
    configDrift: readonly string[];
    nodes: readonly NodeView[];
    links: readonly LinkView[];
    groups: readonly GroupView[];
    jobs: readonly JobView[];
}

/** The daemon speaks another version of the API than this page. */
export class OtherVersion extends Error {}

export function statusView(objects: Objects): StatusView {
    const manager = interfaceOf(objects, ROOT, "Manager");
    return {
        version: text(manager, "Version"),
        node: text(manager, "NodeName"),
        peer: text(manager, "PeerName"),
        phase: text(manager, "Phase"),
        maintenance: truth(manager, "Maintenance"),
        peerStatus: text(manager, "PeerStatus"),
        protection: text(manager, "Protection"),
        fenceFailure: text(manager, "FenceFailure"),
        autoFailback: text(manager, "AutoFailback"),
        deadtimeUsec: number(manager, "DeadtimeUSec"),
        nowUsec: "NowUSec" in manager ? number(manager, "NowUSec") : 0,
        configDrift: texts(manager, "ConfigDrift"),
        nodes: below(objects, manager, "Nodes", "Node").map(nodeView),
        links: below(objects, manager, "Links", "Link").map(linkView),
        groups: below(objects, manager, "Groups", "Group").map((each) => groupView(objects, each)),
        jobs: below(objects, manager, "Jobs", "Job").map(jobView),
    };
}

function nodeView(told: Properties): NodeView {
    return {
        name: text(told, "Name"),
        local: truth(told, "Local"),
        status: text(told, "Status"),
        maintenance: truth(told, "Maintenance"),
        fenceProven: truth(told, "FenceProven"),
        lastHeardUsec: number(told, "LastHeardUSec"),
        holds: texts(told, "Holds"),
    };
}

function linkView(told: Properties): LinkView {
    return {
        name: text(told, "Name"),
        kind: text(told, "Kind"),
        leadsToPeer: truth(told, "LeadsToPeer"),
        status: text(told, "Status"),
        peerHears: truth(told, "PeerHears"),
        fault: text(told, "Fault"),
        lastHeardUsec: number(told, "LastHeardUSec"),
        counters: (told["Counters"] ?? {}) as Record<string, number>,
    };
}

function groupView(objects: Objects, told: Properties): GroupView {
    return {
        name: text(told, "Name"),
        preferred: text(told, "Preferred"),
        owner: text(told, "Owner"),
        state: text(told, "State"),
        protection: text(told, "Protection"),
        peerState: text(told, "PeerState"),
        failure: text(told, "Failure"),
        lastTransition: text(told, "LastTransition"),
        unit: text(told, "Unit"),
        resources: below(objects, told, "Resources", "Resource").map((each) => ({
            text: text(each, "Text"),
            unit: text(each, "Unit"),
            state: text(each, "State"),
            why: text(each, "Why"),
        })),
    };
}

function jobView(told: Properties): JobView {
    return {
        id: number(told, "Id"),
        verb: text(told, "Verb"),
        scope: text(told, "Scope"),
        groups: texts(told, "Groups"),
        requestedBy: text(told, "RequestedBy"),
        requestedUsec: number(told, "RequestedUSec"),
    };
}

/** The objects a property points to; one that has gone since (a job) is left out. */
function below(objects: Objects, parent: Properties, name: string, iface: string): Properties[] {
    return texts(parent, name)
        .filter((path) => path in objects)
        .map((path) => interfaceOf(objects, path, iface));
}

function interfaceOf(objects: Objects, path: string, iface: string): Properties {
    const found = objects[path]?.[`${BUS_NAME}.${iface}`];
    if (found === undefined) throw new OtherVersion(`no usable ${iface} at ${path}`);
    return found;
}

function text(told: Properties, name: string): string {
    const value = told[name];
    if (typeof value !== "string") throw new OtherVersion(`no usable property ${name}`);
    return value;
}

function number(told: Properties, name: string): number {
    const value = told[name];
    if (typeof value !== "number") throw new OtherVersion(`no usable property ${name}`);
    return value;
}

function truth(told: Properties, name: string): boolean {
    const value = told[name];
    if (typeof value !== "boolean") throw new OtherVersion(`no usable property ${name}`);
    return value;
}

function texts(told: Properties, name: string): string[] {
    const value = told[name];
    if (!Array.isArray(value)) throw new OtherVersion(`no usable property ${name}`);
    return value.map(String);
}
