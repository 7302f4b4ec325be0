// What moved, newest first: a timeline, each entry with a bar of its phases, and on demand with its
// cause, rules, evidence and steps.

import { useState } from "react";
import { Button } from "@patternfly/react-core/dist/esm/components/Button";
import { Label } from "@patternfly/react-core/dist/esm/components/Label";
import type { TransitionView } from "../model/past.ts";
import { cause, evidence, explainCommand, way } from "../words/past.ts";
import { day, seconds } from "../words/spans.ts";
import { Command } from "./command.tsx";
import { Icon } from "./icons.tsx";
import { Journal } from "./journal.tsx";
import type { ReadJournal } from "./journal.tsx";
import { Legend, PhaseBar, Steps } from "./phases.tsx";

const FEW = 8; // entries before one asks for more

type Props = {
    past: readonly TransitionView[];
    hasAll: boolean;
    readAll: () => void;
    readJournal: ReadJournal;
};

export function History({ past, hasAll, readAll, readJournal }: Props) {
    const [shownCount, setShownCount] = useState(FEW);
    if (past.length === 0) return <p className="hbd-subtle">Nothing has moved on this node yet.</p>;
    const shown = past.slice(0, shownCount);
    const isMore = past.length > shownCount || !hasAll;
    return (
        <>
            <ol className="hbd-timeline">
                {shown.map((each) => (
                    <Entry key={each.id} view={each} readJournal={readJournal} />
                ))}
            </ol>
            {isMore && past.length >= FEW && (
                <Button
                    variant="link"
                    isInline
                    onClick={() => {
                        setShownCount(Infinity);
                        readAll();
                    }}
                >
                    Show all
                </Button>
            )}
        </>
    );
}

const COLOURS = { moved: "blue", started: "green", failed: "red", running: "purple" } as const;

type EntryProps = { view: TransitionView; readJournal: ReadJournal };

function Entry({ view, readJournal }: EntryProps) {
    const [isOpen, setOpen] = useState(false);
    const id = `hbd-move-${view.id}`;
    return (
        <li className={`hbd-entry hbd-entry-${view.result}`}>
            <button
                type="button"
                className="hbd-entry-head"
                aria-expanded={isOpen}
                aria-controls={id}
                onClick={() => setOpen(!isOpen)}
            >
                <time className="hbd-number" dateTime={new Date(view.startedUsec / 1000).toISOString()}>
                    {day(view.startedUsec)}
                </time>
                <span className="hbd-entry-way">
                    {view.groups.join(", ")}: {way(view)}
                </span>
                <Label color={COLOURS[view.result as keyof typeof COLOURS] ?? "grey"} isCompact>
                    {view.result}
                </Label>
                <span className="hbd-entry-cause hbd-subtle">{cause(view)}</span>
                <span className="hbd-entry-outage hbd-number">
                    {view.outageUsec ? `unserved ${seconds(view.outageUsec)}` : ""}
                </span>
                <Icon name="down" className={`hbd-chevron ${isOpen ? "hbd-chevron-open" : ""}`} />
                <PhaseBar view={view} />
            </button>
            {isOpen && (
                <div className="hbd-entry-body" id={id}>
                    <Explanation view={view} />
                    <Legend view={view} />
                    <Steps view={view} />
                    <Journal id={view.id} readJournal={readJournal} />
                    <Command command={explainCommand(view.id)} />
                </div>
            )}
        </li>
    );
}

function Explanation({ view }: { view: TransitionView }) {
    const took = view.durationUsec ? seconds(view.durationUsec) : "still under way";
    return (
        <dl className="hbd-explanation">
            <dt>Cause</dt>
            <dd>{view.requestedBy ? `${view.cause}, asked for by ${view.requestedBy}` : view.cause}</dd>
            {view.evidence.length > 0 && (
                <>
                    <dt>Evidence</dt>
                    <dd>
                        <ul>
                            {view.evidence.map((each) => (
                                <li key={evidence(each)}>{evidence(each)}</li>
                            ))}
                        </ul>
                    </dd>
                </>
            )}
            <dt>Rules</dt>
            <dd>{view.rules.join(", ") || "none"}</dd>
            {view.fencing !== "none" && (
                <>
                    <dt>Fencing</dt>
                    <dd>{view.fencing}</dd>
                </>
            )}
            {view.why && (
                <>
                    <dt>Why</dt>
                    <dd>{view.why}</dd>
                </>
            )}
            <dt>Took</dt>
            <dd>{took}</dd>
            {view.outageUsec > 0 && (
                <>
                    <dt>Unserved</dt>
                    <dd>{seconds(view.outageUsec)} at most: what a client felt</dd>
                </>
            )}
        </dl>
    );
}
