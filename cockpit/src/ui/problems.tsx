// What is wrong, the worst first, each with what helps.

import { Button } from "@patternfly/react-core/dist/esm/components/Button";
import type { TransitionView } from "../model/past.ts";
import type { StatusView } from "../model/view.ts";
import { clearFailure, confirmPeerDown, failback, maintenance } from "../words/actions.ts";
import type { Action } from "../words/actions.ts";
import type { Problem } from "../words/problems.ts";
import { Command } from "./command.tsx";
import { Icon } from "./icons.tsx";

const ICONS = { error: "error", warning: "warning", notice: "notice" } as const;
const HEALTH = { error: "bad", warning: "warning", notice: "idle" } as const;

type Props = {
    view: StatusView;
    past: readonly TransitionView[];
    found: readonly Problem[];
    ask: (action: Action) => void;
};

export function Problems({ view, past, found, ask }: Props) {
    if (found.length === 0) return null;
    return (
        <ul className="hbd-problems" aria-label="What needs attention">
            {found.map((problem) => {
                const action = remedy(problem, view, past);
                return (
                    <li
                        key={`${problem.kind} ${problem.subject} ${problem.node}`}
                        className={`hbd-problem hbd-problem-${problem.severity}`}
                    >
                        <Icon name={ICONS[problem.severity]} className={`hbd-is-${HEALTH[problem.severity]}`} />
                        <div>
                            <p>
                                <span className="hbd-visually-hidden">{problem.severity}: </span>
                                {problem.text}
                            </p>
                            <Command command={problem.command} node={problem.node === view.node ? "" : problem.node} />
                        </div>
                        {action !== null && (
                            <Button
                                variant="secondary"
                                isDanger={action.isDangerous ?? false}
                                size="sm"
                                onClick={() => ask(action)}
                            >
                                {action.label}
                            </Button>
                        )}
                    </li>
                );
            })}
        </ul>
    );
}

/** The action that does what the command does, where this node is the one to ask. */
function remedy(problem: Problem, view: StatusView, past: readonly TransitionView[]): Action | null {
    if (problem.node !== view.node) return null;
    if (problem.command.startsWith("hbctl confirm-peer-down")) return confirmPeerDown(view);
    const group = view.groups.find((each) => each.name === problem.subject);
    switch (problem.kind) {
        case "group-failed":
            return group ? clearFailure(view, group) : null;
        case "group-not-at-home":
            return group ? failback(view, past, group) : null;
        case "maintenance":
            return maintenance(view);
        default:
            return null;
    }
}
