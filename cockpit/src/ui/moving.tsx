// A move as it happens, step by step, and for a while after its end.

import { useEffect, useRef, useState } from "react";
import { Button } from "@patternfly/react-core/dist/esm/components/Button";
import { RUNNING } from "../model/past.ts";
import type { TransitionView } from "../model/past.ts";
import type { StatusView } from "../model/view.ts";
import { cause, explainCommand, extent, stepName, way } from "../words/past.ts";
import { seconds } from "../words/spans.ts";
import { Command } from "./command.tsx";
import { HealthIcon } from "./icons.tsx";
import { Legend, Steps } from "./phases.tsx";

const TICK = 100; // ms

type Props = { view: StatusView; past: readonly TransitionView[] };

export function Moving({ view, past }: Props) {
    const shown = useShown(past);
    const nowOffsetUsec = useOffset(shown);
    const [dismissed, dismiss] = useState("");
    const isShown = shown !== null && shown.id !== dismissed;
    return (
        <>
            <p className="hbd-visually-hidden" role="status">
                {isShown ? told(shown) : ""}
            </p>
            {isShown && (
                <div className={`hbd-moving hbd-moving-${shown.result}`}>
                    <div className="hbd-moving-head">
                        <HealthIcon health={healthOf(shown)} />
                        <h3>
                            {shown.groups.join(", ")}: {way(shown)}
                        </h3>
                        <span className="hbd-moving-clock hbd-number">
                            {seconds(shown.result === RUNNING ? nowOffsetUsec : shown.durationUsec)}
                        </span>
                        {shown.result !== RUNNING && (
                            <Button variant="plain" size="sm" aria-label="Close" onClick={() => dismiss(shown.id)}>
                                ×
                            </Button>
                        )}
                    </div>
                    <p>
                        {cause(shown)}
                        {shown.result !== RUNNING && `, ${shown.result}`}
                        {shown.outageUsec > 0 && `, clients waited for ${seconds(shown.outageUsec)} at most`}
                        {shown.why && `: ${shown.why}`}
                    </p>
                    <Steps view={shown} nowOffsetUsec={shown.result === RUNNING ? nowOffsetUsec : extent(shown)} />
                    {shown.result !== RUNNING && (
                        <div className="hbd-moving-foot">
                            <Legend view={shown} />
                            <Command command={explainCommand(shown.id)} />
                        </div>
                    )}
                </div>
            )}
            {view.jobs.length > 0 && !isShown && (
                <p className="hbd-jobs">
                    {view.jobs.map((job) => `${job.verb} ${job.groups.join(", ") || job.scope}`).join("; ")} is under
                    way
                </p>
            )}
        </>
    );
}

/** The move that runs, or the last one that was seen to run or came after the page was opened. */
function useShown(past: readonly TransitionView[]): TransitionView | null {
    const before = useRef<string | null>(null);
    const newest = past[0];
    before.current ??= newest !== undefined && newest.result !== RUNNING ? newest.id : "";
    if (newest === undefined || newest.id === before.current) return null;
    return newest.result === "stayed" ? null : newest;
}

/** Time since the move's beginning, by the clock of whoever looks. */
function useOffset(shown: TransitionView | null): number {
    const [, tick] = useState(0);
    const begun = useRef({ id: "", at: 0, offset: 0 });
    const isRunning = shown?.result === RUNNING;
    useEffect(() => {
        if (!isRunning) return undefined;
        const timer = setInterval(() => tick((count) => count + 1), TICK);
        return () => clearInterval(timer);
    }, [isRunning]);
    if (shown === null) return 0;
    if (begun.current.id !== shown.id) {
        begun.current = { id: shown.id, at: performance.now(), offset: extent(shown) };
    }
    return begun.current.offset + (performance.now() - begun.current.at) * 1000;
}

function healthOf(shown: TransitionView) {
    if (shown.result === RUNNING) return "work";
    return shown.result === "failed" ? "bad" : "good";
}

/** For who listens: the step that runs, then the end. */
function told(shown: TransitionView): string {
    if (shown.result !== RUNNING) {
        const waited = shown.outageUsec ? `, clients waited for ${seconds(shown.outageUsec)}` : "";
        return `${shown.groups.join(", ")} ${shown.result} after ${seconds(shown.durationUsec)}${waited}`;
    }
    const step = shown.steps.findLast((each) => each.result === RUNNING);
    return step ? stepName(step) : `${cause(shown)} has begun`;
}
