// Each group: where it is, the chain of its resources, and what can be done about it alone.

import { Button } from "@patternfly/react-core/dist/esm/components/Button";
import { Label } from "@patternfly/react-core/dist/esm/components/Label";
import type { TransitionView } from "../model/past.ts";
import type { GroupView, ResourceView, StatusView } from "../model/view.ts";
import { clearFailure, failback, hasFailed, standby, takeover } from "../words/actions.ts";
import type { Action } from "../words/actions.ts";
import { kindOf, shortName } from "../words/kinds.ts";
import { stateHealth } from "../words/links.ts";
import { summary } from "../words/past.ts";
import { day } from "../words/spans.ts";
import { serverOf, whereItIs } from "../words/verdict.ts";
import { HealthIcon, Icon } from "./icons.tsx";

type Props = { view: StatusView; past: readonly TransitionView[]; ask: (action: Action) => void };

export function Groups({ view, past, ask }: Props) {
    if (view.groups.length === 0) return <p className="hbd-subtle">There are no groups in haresources.</p>;
    return (
        <ul className="hbd-groups">
            {view.groups.map((group) => (
                <Group key={group.name} group={group} view={view} past={past} ask={ask} />
            ))}
        </ul>
    );
}

function Group({ group, view, past, ask }: Props & { group: GroupView }) {
    const last = past.find((each) => each.id === group.lastTransition);
    const at = serverOf(view, group);
    return (
        <li>
            <div className="hbd-group" role="group" aria-label={group.name}>
            <div className="hbd-group-head">
                <div>
                    <h3>{group.name}</h3>
                    <p className="hbd-group-facts">
                        <span>
                            {whereItIs(view, group)}
                            {group.owner !== at && `, belongs to ${group.owner}`}
                        </span>
                        {group.owner === group.preferred ? (
                            <Label color="grey">at home</Label>
                        ) : (
                            <Label color="orange">home {group.preferred}</Label>
                        )}
                        <Label color={group.protection === "none" ? "orange" : "green"} icon={<Icon name="shield" />}>
                            protection {group.protection}
                        </Label>
                    </p>
                </div>
                <GroupActions group={group} at={at} view={view} past={past} ask={ask} />
            </div>
            <Chain group={group} view={view} />
            {last !== undefined && (
                <p className="hbd-subtle">
                    last: {day(last.startedUsec)} {summary(last, group.name)}
                </p>
            )}
            </div>
        </li>
    );
}

function GroupActions({ group, at, view, past, ask }: Props & { group: GroupView; at: string }) {
    return (
        <div className="hbd-actions">
            {hasFailed(group) && (
                <Button variant="secondary" size="sm" onClick={() => ask(clearFailure(view, group))}>
                    Clear failure
                </Button>
            )}
            {at !== view.node && (
                <Button variant="secondary" size="sm" onClick={() => ask(takeover(view, past, group))}>
                    Take over
                </Button>
            )}
            {at === view.node && (
                <Button variant="secondary" size="sm" onClick={() => ask(standby(view, past, group))}>
                    Stand by
                </Button>
            )}
            {group.owner !== group.preferred && (
                <Button variant="secondary" size="sm" onClick={() => ask(failback(view, past, group))}>
                    Fail back
                </Button>
            )}
        </div>
    );
}

/** The resources in the order in which they start. What the peer runs is known as a whole only. */
function Chain({ group, view }: { group: GroupView; view: StatusView }) {
    const isThere = serverOf(view, group) === view.peer;
    return (
        <>
            <ol className="hbd-chain" aria-label={`Resources of ${group.name} on ${view.node}`}>
                {group.resources.map((resource, place) => (
                    <Resource key={`${place} ${resource.text}`} resource={resource} isThere={isThere} />
                ))}
            </ol>
            {isThere && (
                <p className="hbd-subtle">
                    These are the states on {view.node}; on {view.peer} the group is {group.peerState}.
                </p>
            )}
        </>
    );
}

function Resource({ resource, isThere }: { resource: ResourceView; isThere: boolean }) {
    const health = stateHealth(resource.state);
    return (
        <li className={`hbd-resource hbd-resource-${health} ${isThere ? "hbd-resource-there" : ""}`}>
            <Icon name={kindOf(resource.text)} className="hbd-resource-icon" />
            <div>
                <p className="hbd-resource-name" title={resource.text}>
                    {shortName(resource.text)}
                </p>
                <p className={`hbd-state hbd-is-${health}`}>
                    <HealthIcon health={health} />
                    {resource.state}
                </p>
                {resource.unit && <p className="hbd-unit">{resource.unit}</p>}
                {resource.why && <p className="hbd-why">{resource.why}</p>}
            </div>
        </li>
    );
}
