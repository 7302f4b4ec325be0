// The command that does the same, to learn or to copy.

import { useState } from "react";
import { Button } from "@patternfly/react-core/dist/esm/components/Button";

export function Command({ command, node = "" }: { command: string; node?: string }) {
    const [isCopied, setCopied] = useState(false);
    const copy = () => {
        void navigator.clipboard?.writeText(command).then(() => {
            setCopied(true);
            setTimeout(() => setCopied(false), 2000);
        });
    };
    return (
        <span className="hbd-command">
            {node && <span className="hbd-subtle">on {node}: </span>}
            <code>{command}</code>
            {navigator.clipboard && (
                <Button variant="link" isInline size="sm" onClick={copy} aria-label={`Copy ${command}`}>
                    {isCopied ? "copied" : "copy"}
                </Button>
            )}
        </span>
    );
}
