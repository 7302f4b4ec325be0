// What Manager.History told, as values. The words are those of org.hbd.Heartbeat1(5).

import { OtherVersion } from "./view.ts";
import type { Properties } from "./view.ts";

export interface StepView {
    phase: string;
    kind: string;
    group: string;
    resource: string;
    /** From the transition's beginning. */
    offsetUsec: number;
    usec: number;
    result: string;
    why: string;
}

export interface EvidenceView {
    subject: string;
    name: string;
    word: string;
    silentUsec: number;
}

export interface MoveView {
    group: string;
    origin: string;
    target: string;
    result: string;
    outageUsec: number;
}

export interface TransitionView {
    id: string;
    cause: string;
    requestedBy: string;
    rules: readonly string[];
    groups: readonly string[];
    origin: string;
    target: string;
    result: string;
    why: string;
    fencing: string;
    /** µs since 1970. */
    startedUsec: number;
    /** 0 while it runs. */
    durationUsec: number;
    outageUsec: number;
    moves: readonly MoveView[];
    evidence: readonly EvidenceView[];
    steps: readonly StepView[];
}

export interface JournalLine {
    /** µs since 1970. */
    atUsec: number;
    text: string;
}

export const RUNNING = "running";

export function transitionView(told: Properties): TransitionView {
    const get = <T>(name: string): T => {
        if (!(name in told)) throw new OtherVersion(`no usable property ${name}`);
        return told[name] as T;
    };
    return {
        id: get("Id"),
        cause: get("Cause"),
        requestedBy: get("RequestedBy"),
        rules: get("Rules"),
        groups: get("Groups"),
        origin: get("From"),
        target: get("To"),
        result: get("Result"),
        why: get("Why"),
        fencing: get("Fencing"),
        startedUsec: get("StartedUSec"),
        durationUsec: get("DurationUSec"),
        outageUsec: get("OutageUSec"),
        moves: get<[string, string, string, string, number, number][]>("Moves").map(
            ([group, origin, target, result, , outageUsec]) => ({ group, origin, target, result, outageUsec }),
        ),
        evidence: get<[string, string, string, number][]>("Evidence").map(([subject, name, word, silentUsec]) => ({
            subject,
            name,
            word,
            silentUsec,
        })),
        steps: get<[string, string, string, string, number, number, string, string][]>("Steps").map(
            ([phase, kind, group, resource, offsetUsec, usec, result, why]) => ({
                phase,
                kind,
                group,
                resource,
                offsetUsec,
                usec,
                result,
                why,
            }),
        ),
    };
}

/** Newest first, each once; what was told later counts. */
export function merged(known: readonly TransitionView[], told: readonly TransitionView[]): TransitionView[] {
    const all = new Map(known.map((each) => [each.id, each]));
    for (const each of told) all.set(each.id, each);
    return [...all.values()].sort((a, b) => (a.id < b.id ? 1 : a.id > b.id ? -1 : 0));
}
