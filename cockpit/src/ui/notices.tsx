// How the requests of this page ended.

import { Alert, AlertActionCloseButton } from "@patternfly/react-core/dist/esm/components/Alert";
import type { Outcome } from "../words/outcome.ts";

export interface Notice {
    key: number;
    /** null: not known yet. */
    outcome: Outcome | null;
    verb: string;
}

const VARIANTS = { good: "success", warning: "warning", bad: "danger" } as const;

export function Notices({ notices, close }: { notices: readonly Notice[]; close: (key: number) => void }) {
    return (
        <div className="hbd-notices" role="log" aria-live="polite" aria-label="Results">
            {notices.map(({ key, outcome, verb }) =>
                outcome === null ? (
                    <Alert key={key} isInline variant="info" title={`${verb} is asked for`} component="p" />
                ) : (
                    <Alert
                        key={key}
                        isInline
                        component="p"
                        variant={VARIANTS[outcome.health]}
                        title={outcome.title}
                        actionClose={<AlertActionCloseButton onClose={() => close(key)} />}
                    >
                        {outcome.text && <p>{outcome.text}</p>}
                    </Alert>
                ),
            )}
        </div>
    );
}
