// The live picture: two machines, what links them, and what each of them serves.

import { Label } from "@patternfly/react-core/dist/esm/components/Label";
import type { GroupView, LinkView, NodeView, StatusView } from "../model/view.ts";
import { kindOf, shortName } from "../words/kinds.ts";
import { DISK, isPing, linkHealth, loss, nodeHealth, stateHealth } from "../words/links.ts";
import { ago, share } from "../words/spans.ts";
import { HealthIcon, Icon } from "./icons.tsx";
import type { IconName } from "./icons.tsx";

export function Cluster({ view, nowUsec }: { view: StatusView; nowUsec: number }) {
    // The same machine stands on the same side, whichever of the two is looked from.
    const [left, right] = [...view.nodes].sort((a, b) => a.name.localeCompare(b.name));
    if (left === undefined || right === undefined) return null;
    return (
        <div className="hbd-picture">
            <Machine node={left} view={view} nowUsec={nowUsec} />
            <Links view={view} nowUsec={nowUsec} isLocalLeft={left.local} />
            <Machine node={right} view={view} nowUsec={nowUsec} />
        </div>
    );
}

function Machine({ node, view, nowUsec }: { node: NodeView; view: StatusView; nowUsec: number }) {
    const health = nodeHealth(node);
    const heard = node.lastHeardUsec ? `heard ${ago(node.lastHeardUsec, nowUsec)}` : "never heard";
    return (
        <article className={`hbd-machine hbd-machine-${health}`} aria-label={node.name}>
            <header>
                <Icon name="machine" className="hbd-machine-icon" />
                <div className="hbd-machine-name">
                    <h3>{node.name}</h3>
                    <p className="hbd-subtle">{node.local ? "this node" : nowUsec ? heard : ""}</p>
                </div>
                <div className="hbd-machine-state">
                    <span className={`hbd-state hbd-is-${health}`}>
                        <HealthIcon health={health} />
                        {node.status}
                    </span>
                    {node.maintenance && <Label color="yellow">maintenance</Label>}
                </div>
            </header>
            <ul className={`hbd-bays ${view.groups.length === 1 ? "hbd-bays-one" : ""}`}>
                {view.groups.map((group) => (
                    <Bay key={group.name} group={group} node={node} view={view} />
                ))}
            </ul>
        </article>
    );
}

/** A place for a group in a machine: filled where it is served, an outline where it is not. */
function Bay({ group, node, view }: { group: GroupView; node: NodeView; view: StatusView }) {
    const state = node.local ? group.state : group.peerState;
    const health = stateHealth(state);
    const isServed = ["started", "starting", "stopping", "partial"].includes(state);
    return (
        <li className={`hbd-bay ${isServed ? "hbd-bay-filled" : ""} hbd-bay-${health}`}>
            <p className="hbd-bay-title">
                <span className="hbd-bay-name">{group.name}</span>
                <span className={`hbd-state hbd-is-${health}`}>
                    <HealthIcon health={health} />
                    {state}
                </span>
            </p>
            {isServed && (
                <ul className="hbd-things">
                    {group.resources.map((resource) => {
                        const here = node.local ? stateHealth(resource.state) : health;
                        return (
                            <li key={resource.text} className={`hbd-thing hbd-thing-${here}`} title={resource.text}>
                                <Icon name={kindOf(resource.text)} />
                                {shortName(resource.text)}
                                {node.local && resource.state !== "started" && (
                                    <span className="hbd-visually-hidden"> {resource.state}</span>
                                )}
                            </li>
                        );
                    })}
                </ul>
            )}
            {!isServed && view.groups.length > 0 && state === "stopped" && node.status === "active" && (
                <p className="hbd-subtle hbd-bay-idle">stands by</p>
            )}
        </li>
    );
}

const LINK_ICONS: Record<string, IconName> = { serial: "serial", [DISK]: "disk", ping: "ping" };

function Links({ view, nowUsec, isLocalLeft }: { view: StatusView; nowUsec: number; isLocalLeft: boolean }) {
    return (
        <ul className="hbd-links" aria-label="Links">
            {view.links.map((link) => (
                <Link key={link.name} link={link} view={view} nowUsec={nowUsec} isLocalLeft={isLocalLeft} />
            ))}
        </ul>
    );
}

type LinkProps = { link: LinkView; view: StatusView; nowUsec: number; isLocalLeft: boolean };

/** A line from machine to machine; what answers a ping hangs on this node's half alone. */
function Link({ link, view, nowUsec, isLocalLeft }: LinkProps) {
    const health = linkHealth(link, view);
    const lost = loss(link);
    const half = isPing(link) ? (isLocalLeft ? "hbd-half-left" : "hbd-half-right") : "";
    const facts = [
        nowUsec ? `heard ${ago(link.lastHeardUsec, nowUsec)}`.replace("heard never", "never heard") : "",
        lost === null ? "" : `loss ${share(lost)}`,
        link.leadsToPeer && link.status === "up" && !link.peerHears ? `${view.peer} does not hear us` : "",
        link.fault,
    ].filter(Boolean);
    return (
        <li className={`hbd-link hbd-link-${health} ${half}`}>
            <p className="hbd-link-title">
                <span className="hbd-link-name">{link.name}</span>
                <span className="hbd-subtle">{link.kind}</span>
                <span className={`hbd-state hbd-is-${health}`}>{link.status}</span>
            </p>
            <div className="hbd-cable" aria-hidden="true">
                <span className="hbd-wire" />
                <Icon name={LINK_ICONS[link.kind] ?? "ethernet"} />
                <span className="hbd-wire" />
            </div>
            <p className="hbd-link-facts">{facts.join(" · ")}</p>
        </li>
    );
}
