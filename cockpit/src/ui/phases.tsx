// A transition as bars: one for all its phases, and one for each of its steps.

import type { StepView, TransitionView } from "../model/past.ts";
import { extent, phaseOf, stepName, stretches } from "../words/past.ts";
import { seconds } from "../words/spans.ts";

/** `extentUsec`: what the whole width stands for, if not the transition itself. */
type BarProps = { view: TransitionView; extentUsec?: number };

/** Every step where it was in time. What it says is said in words beside it. */
export function PhaseBar({ view, extentUsec = extent(view) }: BarProps) {
    return (
        <div className="hbd-bar" aria-hidden="true">
            {view.steps.map((step, place) => (
                <span
                    key={`${place} ${stepName(step)}`}
                    className={`hbd-bar-part hbd-phase-${phaseOf(step)} hbd-step-${step.result}`}
                    style={stretchStyle(step, extentUsec)}
                />
            ))}
        </div>
    );
}

/** Which colour is which phase, and how long each took in all. */
export function Legend({ view }: { view: TransitionView }) {
    return (
        <ul className="hbd-legend" aria-label="Phases">
            {stretches(view).map(({ phase, usec }) => (
                <li key={phase}>
                    <span className={`hbd-swatch hbd-phase-${phase}`} aria-hidden="true" />
                    {phase} <span className="hbd-number">{seconds(usec)}</span>
                </li>
            ))}
        </ul>
    );
}

type StepsProps = { view: TransitionView; nowOffsetUsec?: number };

/** A line for each step; one that runs grows as long as `nowOffsetUsec` says. */
export function Steps({ view, nowOffsetUsec }: StepsProps) {
    const whole = Math.max(extent(view), nowOffsetUsec ?? 0);
    return (
        <table className="hbd-steps">
            <caption className="hbd-visually-hidden">Steps</caption>
            <thead className="hbd-visually-hidden">
                <tr>
                    <th scope="col">began</th>
                    <th scope="col">step</th>
                    <th scope="col">took</th>
                    <th scope="col">in time</th>
                </tr>
            </thead>
            <tbody>
                {view.steps.map((step, place) => {
                    const isRunning = step.result === "running";
                    const usec = isRunning ? Math.max(0, (nowOffsetUsec ?? 0) - step.offsetUsec) : step.usec;
                    const isWell = step.result === "done" || isRunning;
                    return (
                        <tr key={`${place} ${stepName(step)}`} className={`hbd-step-row-${step.result}`}>
                            <td className="hbd-number hbd-subtle">+{(step.offsetUsec / 1e6).toFixed(3)}</td>
                            <th scope="row" title={step.resource}>
                                {stepName(step)}
                                {!isWell && (
                                    <span className={step.result === "failed" ? "hbd-is-bad" : "hbd-subtle"}>
                                        {" "}
                                        {step.result}
                                        {step.why && `: ${step.why}`}
                                    </span>
                                )}
                            </th>
                            <td className="hbd-number">{isRunning && !usec ? "…" : seconds(usec)}</td>
                            <td className="hbd-steps-bar" aria-hidden="true">
                                <span
                                    className={`hbd-bar-part hbd-phase-${phaseOf(step)} hbd-step-${step.result}`}
                                    style={stretchStyle({ ...step, usec }, whole)}
                                />
                            </td>
                        </tr>
                    );
                })}
            </tbody>
        </table>
    );
}

function stretchStyle(step: StepView, whole: number) {
    return {
        insetInlineStart: `${Math.min(99.5, (100 * step.offsetUsec) / whole)}%`,
        inlineSize: `${Math.max(0.5, (100 * step.usec) / whole)}%`,
    };
}
