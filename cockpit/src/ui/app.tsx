// The page as a whole.

import { useCallback, useEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";
import { request } from "../bus/request.ts";
import type { Sight, Watch } from "../bus/watch.ts";
import type { Action } from "../words/actions.ts";
import { problems } from "../words/problems.ts";
import { inSum } from "../words/verdict.ts";
import { Absent } from "./absent.tsx";
import { CheckButton, Checks } from "./checks.tsx";
import type { Checked } from "./checks.tsx";
import { Cluster } from "./cluster.tsx";
import { Confirm } from "./confirm.tsx";
import { Groups } from "./groups.tsx";
import { Head } from "./head.tsx";
import { History } from "./history.tsx";
import type { ReadJournal } from "./journal.tsx";
import { Moving } from "./moving.tsx";
import { Notices } from "./notices.tsx";
import type { Notice } from "./notices.tsx";
import { Problems } from "./problems.tsx";
import { Section } from "./section.tsx";

const MAX_NOTICES = 4;
const GOOD_NEWS = 8000; // ms until what went well needs no notice any more

export function App({ watch }: { watch: Watch }) {
    const sight = useSyncExternalStore(watch.subscribe, () => watch.sight);
    const { notices, carryOut, close } = useRequests(watch);
    const [asked, ask] = useState<Action | null>(null);
    return (
        <main className="hbd-page">
            <Notices notices={notices} close={close} />
            {sight.kind === "seen" ? <Seen sight={sight} watch={watch} ask={ask} /> : <Absent sight={sight} />}
            {asked !== null && (
                <Confirm
                    action={asked}
                    onNo={() => ask(null)}
                    onYes={() => {
                        ask(null);
                        carryOut(asked);
                    }}
                />
            )}
        </main>
    );
}

type SeenProps = {
    sight: Extract<Sight, { kind: "seen" }>;
    watch: Watch;
    ask: (action: Action) => void;
};

function Seen({ sight, watch, ask }: SeenProps) {
    const { view, past } = sight;
    const found = useMemo(() => problems(view), [view]);
    const { checked, check } = useChecks(watch);
    const readAll = useCallback(() => void watch.readAllPast().catch(() => undefined), [watch]);
    const readJournal = useCallback<ReadJournal>(async (id) => (await watch.daemon?.journal(id)) ?? null, [watch]);
    const verdict = checked.kind === "done" ? inSum(checked.findings) : null;
    return (
        <>
            <Head view={view} past={past} found={found} checked={verdict} ask={ask} />
            <Problems view={view} past={past} found={found} ask={ask} />
            <Section title="Cluster" id="hbd-cluster">
                <Cluster view={view} nowUsec={view.nowUsec} />
                <Moving view={view} past={past} />
            </Section>
            <Section title="Groups" id="hbd-groups">
                <Groups view={view} past={past} ask={ask} />
            </Section>
            <div className="hbd-columns">
                <Section title="History" id="hbd-history">
                    <History past={past} hasAll={sight.hasAllPast} readAll={readAll} readJournal={readJournal} />
                </Section>
                <Section title="Checks" id="hbd-checks" aside={<CheckButton checked={checked} again={check} />}>
                    <Checks checked={checked} />
                </Section>
            </div>
            <footer className="hbd-subtle">
                auto_failback {view.autoFailback} · hbd {view.version}
            </footer>
        </>
    );
}

/** Checked once when the page is opened; then whenever one asks. */
function useChecks(watch: Watch): { checked: Checked; check: () => void } {
    const [checked, setChecked] = useState<Checked>({ kind: "running", before: null });
    const check = useCallback(() => {
        setChecked((now) => ({ kind: "running", before: now.kind === "done" ? now.findings : null }));
        watch.daemon?.check().then(
            (findings) => setChecked({ kind: "done", findings }),
            (error: { message?: string }) => setChecked({ kind: "failed", why: error.message ?? "no answer" }),
        );
    }, [watch]);
    useEffect(check, [check]);
    return { checked, check };
}

function useRequests(watch: Watch) {
    const [notices, setNotices] = useState<readonly Notice[]>([]);
    const next = useRef(0);
    const close = (key: number) => setNotices((all) => all.filter((each) => each.key !== key));
    const carryOut = (action: Action) => {
        const key = ++next.current;
        const put = (notice: Notice) =>
            setNotices((all) => [notice, ...all.filter((each) => each.key !== key)].slice(0, MAX_NOTICES));
        put({ key, verb: action.verb, outcome: null });
        void request(watch, action).then((outcome) => {
            put({ key, verb: action.verb, outcome });
            if (outcome.health === "good") setTimeout(() => close(key), GOOD_NEWS);
        });
    };
    return { notices, carryOut, close };
}
