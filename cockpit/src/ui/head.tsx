// The first glance: how it stands, who serves, why it moved, whether it would move now; and what
// can be done about all groups together.

import type { ReactNode } from "react";
import { Button } from "@patternfly/react-core/dist/esm/components/Button";
import { Label } from "@patternfly/react-core/dist/esm/components/Label";
import type { TransitionView } from "../model/past.ts";
import type { StatusView } from "../model/view.ts";
import { astray, failback, maintenance, standby, takeover } from "../words/actions.ts";
import type { Action } from "../words/actions.ts";
import { cause, way } from "../words/past.ts";
import type { Problem } from "../words/problems.ts";
import { seconds, span } from "../words/spans.ts";
import { servers, verdict, whoServes } from "../words/verdict.ts";
import type { Verdict } from "../words/verdict.ts";
import { HealthIcon, Icon } from "./icons.tsx";

type Props = {
    view: StatusView;
    past: readonly TransitionView[];
    found: readonly Problem[];
    checked: Verdict | null;
    ask: (action: Action) => void;
};

export function Head({ view, past, found, checked, ask }: Props) {
    const { mood, title } = verdict(view, found);
    return (
        <header className={`hbd-head hbd-head-${mood}`}>
            <div className="hbd-headline">
                <HealthIcon health={mood} />
                <div>
                    <h1 aria-live="polite">{title}</h1>
                    <p>{whoServes(view)}</p>
                </div>
            </div>
            <Actions view={view} past={past} ask={ask} />
            <dl className="hbd-facts">
                <Fact term="Protection">
                    <Protection word={view.protection} />
                </Fact>
                <Fact term="Last move">
                    <LastMove past={past} />
                </Fact>
                <Fact term="Next failover">
                    {checked === null ? (
                        <span className="hbd-subtle">being checked …</span>
                    ) : (
                        <Jump to="hbd-checks">{checked.title.replace(/^The next failover /, "").replace(/\.$/, "")}</Jump>
                    )}
                </Fact>
                <Fact term="Failure is noticed after">{span(view.deadtimeUsec)}</Fact>
            </dl>
        </header>
    );
}

function Fact({ term, children }: { term: string; children: ReactNode }) {
    return (
        <div>
            <dt>{term}</dt>
            <dd>{children}</dd>
        </div>
    );
}

const PROTECTED: Record<string, string> = {
    reservation: "the disk refuses the other machine",
    stonith: "the other machine is switched off first",
    none: "both could write",
};

export function Protection({ word }: { word: string }) {
    const colour = word === "none" ? "orange" : "green";
    return (
        <span className="hbd-protection">
            <Label color={colour} icon={<Icon name="shield" />}>
                {word}
            </Label>{" "}
            {PROTECTED[word]}
        </span>
    );
}

/** To another part of the page; not by the address, which is Cockpit's. */
function Jump({ to, children }: { to: string; children: ReactNode }) {
    const jump = () => {
        const part = document.getElementById(to);
        part?.scrollIntoView({ behavior: "smooth", block: "start" });
        part?.focus({ preventScroll: true });
    };
    return (
        <Button variant="link" isInline className="hbd-jump" onClick={jump}>
            {children}
        </Button>
    );
}

function LastMove({ past }: { past: readonly TransitionView[] }) {
    const last = past.find((each) => each.result !== "stayed") ?? past[0];
    if (last === undefined) return <span className="hbd-subtle">nothing has moved yet</span>;
    const since = Math.max(0, Date.now() * 1000 - last.startedUsec);
    const when = last.result === "running" ? "now" : `${span(Math.round(since / 1e6) * 1e6)} ago`;
    return (
        <Jump to="hbd-history">
            {when}, {cause(last)}: {way(last)}
            {last.outageUsec > 0 && `, unserved for ${seconds(last.outageUsec)}`}
        </Jump>
    );
}

function Actions({ view, past, ask }: Pick<Props, "view" | "past" | "ask">) {
    const here = servers(view).get(view.node)?.length ?? 0;
    const hasGroups = view.groups.length > 0;
    return (
        <div className="hbd-actions" role="group" aria-label="All groups">
            <Button
                variant="primary"
                isAriaDisabled={!hasGroups || here === view.groups.length}
                onClick={() => ask(takeover(view, past))}
            >
                Take over
            </Button>
            <Button
                variant="secondary"
                isAriaDisabled={!hasGroups || here === 0}
                onClick={() => ask(standby(view, past))}
            >
                Stand by
            </Button>
            <Button
                variant="secondary"
                isAriaDisabled={astray(view).length === 0}
                onClick={() => ask(failback(view, past))}
            >
                Fail back
            </Button>
            <Button variant="tertiary" aria-pressed={view.maintenance} onClick={() => ask(maintenance(view))}>
                Maintenance
            </Button>
        </div>
    );
}
