// What is shown while there is nothing to show: the reason, and what helps.

import type { ReactNode } from "react";
import { Button } from "@patternfly/react-core/dist/esm/components/Button";
import { EmptyState, EmptyStateBody } from "@patternfly/react-core/dist/esm/components/EmptyState";
import type { Sight } from "../bus/watch.ts";
import { Command } from "./command.tsx";
import { Icon } from "./icons.tsx";
import type { IconName } from "./icons.tsx";

// Cockpit's words for a connection that is over, not merely broken.
const SESSION_OVER = ["terminated", "no-session", "timeout", "authentication-failed", "disconnected", "no-host"];

export function Absent({ sight }: { sight: Exclude<Sight, { kind: "seen" }> }) {
    switch (sight.kind) {
        case "looking":
            return <Empty icon="work" title="Looking at hbd" />;
        case "stopped":
            return (
                <Empty icon="idle" title="hbd does not run on this machine">
                    <p>
                        It neither serves nor stands by here. When it starts, its picture appears by itself. Start it
                        with
                    </p>
                    <p>
                        <Command command="systemctl start hbd" />
                    </p>
                    <p>
                        or see why it ended with <Command command="journalctl -x -e -u hbd" />
                    </p>
                </Empty>
            );
        case "other-version":
            return (
                <Empty icon="warning" title="The running hbd is of another version than this page">
                    <p>{sight.why}</p>
                    <p>
                        <Command command="systemctl restart hbd" />
                    </p>
                </Empty>
            );
        case "lost":
            return <Lost why={sight.why} />;
    }
}

function Lost({ why }: { why: string }) {
    if (SESSION_OVER.includes(why)) {
        return (
            <Empty icon="warning" title="The session is over">
                <p>Cockpit is no longer connected to this machine. What was shown here may not be true any more.</p>
                <Button variant="primary" onClick={() => window.top?.location.reload()}>
                    Log in again
                </Button>
            </Empty>
        );
    }
    return (
        <Empty icon="warning" title="The message bus of this machine does not answer">
            <p>hbd goes on without it; it cannot be asked{why ? `: ${why}` : ""}. The page tries again by itself.</p>
            <p>
                <Command command="systemctl start dbus" />
            </p>
        </Empty>
    );
}

function Empty({ icon, title, children }: { icon: IconName; title: string; children?: ReactNode }) {
    return (
        <EmptyState
            headingLevel="h1"
            titleText={title}
            icon={() => <Icon name={icon} className="hbd-absent-icon" />}
            role="status"
        >
            {children && <EmptyStateBody className="hbd-absent">{children}</EmptyStateBody>}
        </EmptyState>
    );
}
