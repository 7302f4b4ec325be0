// The journal's lines behind a move, read when they are asked for.

import { useEffect, useState } from "react";
import type { JournalLine } from "../model/past.ts";
import { clock } from "../words/spans.ts";

/** Gives null where the daemon cannot tell them. */
export type ReadJournal = (id: string) => Promise<readonly JournalLine[] | null>;

export function Journal({ id, readJournal }: { id: string; readJournal: ReadJournal }) {
    const [lines, setLines] = useState<readonly JournalLine[] | null | undefined>(undefined);
    useEffect(() => {
        let isWanted = true;
        const show = (told: readonly JournalLine[] | null) => {
            if (isWanted) setLines(told);
        };
        readJournal(id).then(show, () => show(null));
        return () => {
            isWanted = false;
        };
    }, [id, readJournal]);
    if (!lines) return null;
    return (
        <div className="hbd-journal">
            <h3>In the journal</h3>
            {lines.length === 0 && <p className="hbd-subtle">The journal no longer has its lines.</p>}
            <ol>
                {lines.map((line) => (
                    <li key={`${line.atUsec} ${line.text}`}>
                        <time className="hbd-number hbd-subtle">{clock(line.atUsec)}</time> {line.text}
                    </li>
                ))}
            </ol>
        </div>
    );
}
