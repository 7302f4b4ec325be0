// A region of the page under its heading.

import type { ReactNode } from "react";

type Props = { title: string; id: string; aside?: ReactNode; children: ReactNode };

export function Section({ title, id, aside, children }: Props) {
    return (
        <section className="hbd-section" id={id} aria-labelledby={`${id}-title`} tabIndex={-1}>
            <div className="hbd-section-head">
                <h2 id={`${id}-title`}>{title}</h2>
                {aside}
            </div>
            {children}
        </section>
    );
}
