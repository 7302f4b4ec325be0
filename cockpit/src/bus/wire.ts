// Values as Cockpit's bridges send them: a variant is {t, v}.

import type { Objects, Properties } from "../model/view.ts";

/** `{t: "s", v: "active"}` is "active"; deeper ones, too. */
export function plain(value: unknown): unknown {
    if (Array.isArray(value)) return value.map(plain);
    if (value !== null && typeof value === "object") {
        const { t, v } = value as { t?: unknown; v?: unknown };
        if (typeof t === "string" && v !== undefined) return plain(v);
        return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, plain(each)]));
    }
    return value;
}

export function plainProperties(told: unknown): Properties {
    return plain(told) as Properties;
}

export function plainObjects(told: unknown): Objects {
    return plain(told) as Objects;
}
