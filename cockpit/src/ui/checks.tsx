// `hbctl check` as a list: would the next failover work?

import { Button } from "@patternfly/react-core/dist/esm/components/Button";
import type { Finding } from "../model/findings.ts";
import { inSum, levelOf } from "../words/verdict.ts";
import { HealthIcon, Icon } from "./icons.tsx";

const LEVELS = ["error", "warning", "ok"] as const;
const HEALTH = { error: "bad", warning: "warning", ok: "good" } as const;

export type Checked =
    | { kind: "running"; before: readonly Finding[] | null }
    | { kind: "done"; findings: readonly Finding[] }
    | { kind: "failed"; why: string };

export function CheckButton({ checked, again }: { checked: Checked; again: () => void }) {
    const isRunning = checked.kind === "running";
    return (
        <Button variant="secondary" size="sm" isAriaDisabled={isRunning} onClick={again}>
            {isRunning ? "Checking …" : "Check again"}
        </Button>
    );
}

export function Checks({ checked }: { checked: Checked }) {
    if (checked.kind === "failed") return <p className="hbd-is-bad">It could not be checked: {checked.why}</p>;
    const found = checked.kind === "done" ? checked.findings : checked.before;
    if (found === null) {
        return (
            <p className="hbd-subtle" role="status">
                <Icon name="work" /> Both nodes look at their files, disks and servers …
            </p>
        );
    }
    const sum = inSum(found);
    const nodes = [...new Set(found.map((finding) => finding.node))];
    return (
        <div className={checked.kind === "running" ? "hbd-stale" : ""}>
            <p className={`hbd-sum hbd-is-${sum.mood}`} role="status">
                <HealthIcon health={sum.mood} /> {sum.title}
            </p>
            {nodes.map((node) => (
                <Findings key={node} node={node} found={found.filter((finding) => finding.node === node)} />
            ))}
        </div>
    );
}

function Findings({ node, found }: { node: string; found: readonly Finding[] }) {
    const sorted = [...found].sort((a, b) => LEVELS.indexOf(levelOf(a)) - LEVELS.indexOf(levelOf(b)));
    const bad = sorted.filter((finding) => levelOf(finding) !== "ok");
    const good = sorted.filter((finding) => levelOf(finding) === "ok");
    return (
        <div className="hbd-checked">
            <h3>{node}</h3>
            {bad.length > 0 && <FindingList found={bad} />}
            {good.length > 0 && (
                <details open={bad.length === 0}>
                    <summary>{good.length === 1 ? "1 check is ok" : `${good.length} checks are ok`}</summary>
                    <FindingList found={good} />
                </details>
            )}
        </div>
    );
}

function FindingList({ found }: { found: readonly Finding[] }) {
    return (
        <ul className="hbd-findings">
            {found.map((finding, place) => {
                const level = levelOf(finding);
                return (
                    <li key={`${place} ${finding.check}`}>
                        <HealthIcon health={HEALTH[level]} />
                        <div>
                            <p>
                                <span className="hbd-visually-hidden">{finding.level}: </span>
                                <span className="hbd-check-name">{finding.check}</span> {finding.text}
                            </p>
                            {finding.remedy && <p className="hbd-remedy">→ {finding.remedy}</p>}
                        </div>
                    </li>
                );
            })}
        </ul>
    );
}
