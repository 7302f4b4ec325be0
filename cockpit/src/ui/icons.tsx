// Line drawings of what hbd knows, 24 units wide, in the colour of the text around them. They are
// ornaments: what they say stands beside them in words.

import type { ReactNode } from "react";

export type IconName =
    | "machine"
    | "serial"
    | "ethernet"
    | "disk"
    | "ping"
    | "address"
    | "mount"
    | "samba"
    | "nfs"
    | "service"
    | "ok"
    | "warning"
    | "error"
    | "idle"
    | "work"
    | "notice"
    | "shield"
    | "arrow"
    | "clock"
    | "down";

const DRAWINGS: Record<IconName, ReactNode> = {
    machine: (
        <>
            <rect x="3" y="4" width="18" height="7" rx="1.5" />
            <rect x="3" y="13" width="18" height="7" rx="1.5" />
            <path d="M6.5 7.5h.01M6.5 16.5h.01M10 7.5h7M10 16.5h7" />
        </>
    ),
    serial: (
        <>
            <path d="M3.6 7.2h16.8l-2 9.6H5.6z" strokeLinejoin="round" />
            <path d="M7.5 10.4h.01M10.5 10.4h.01M13.5 10.4h.01M16.5 10.4h.01M9 13.6h.01M12 13.6h.01M15 13.6h.01" />
        </>
    ),
    ethernet: (
        <>
            <path d="M4 5h16v14h-4v-3H8v3H4z" strokeLinejoin="round" />
            <path d="M8 5v4M10.7 5v4M13.3 5v4M16 5v4" />
        </>
    ),
    disk: (
        <>
            <ellipse cx="12" cy="6" rx="7.5" ry="2.8" />
            <path d="M4.5 6v12c0 1.5 3.4 2.8 7.5 2.8s7.5-1.3 7.5-2.8V6" />
            <path d="M4.5 12c0 1.5 3.4 2.8 7.5 2.8s7.5-1.3 7.5-2.8" />
        </>
    ),
    ping: (
        <>
            <circle cx="12" cy="12" r="2.2" />
            <path d="M8.2 8.2a5.4 5.4 0 0 0 0 7.6M15.8 8.2a5.4 5.4 0 0 1 0 7.6M5.2 5.2a9.6 9.6 0 0 0 0 13.6M18.8 5.2a9.6 9.6 0 0 1 0 13.6" />
        </>
    ),
    address: (
        <>
            <circle cx="12" cy="12" r="8.5" />
            <path d="M3.5 12h17M12 3.5c2.6 2.3 3.9 5.2 3.9 8.5s-1.3 6.2-3.9 8.5c-2.6-2.3-3.9-5.2-3.9-8.5s1.3-6.2 3.9-8.5z" />
        </>
    ),
    mount: (
        <>
            <ellipse cx="12" cy="6" rx="7.5" ry="2.8" />
            <path d="M4.5 6v12c0 1.5 3.4 2.8 7.5 2.8s7.5-1.3 7.5-2.8V6" />
        </>
    ),
    samba: (
        <>
            <path d="M3 7.5a1.5 1.5 0 0 1 1.5-1.5H10l2 2.5h7.5A1.5 1.5 0 0 1 21 10v7.5a1.5 1.5 0 0 1-1.5 1.5h-15A1.5 1.5 0 0 1 3 17.5z" />
        </>
    ),
    nfs: (
        <>
            <path d="M3 7.5a1.5 1.5 0 0 1 1.5-1.5H10l2 2.5h7.5A1.5 1.5 0 0 1 21 10v7.5a1.5 1.5 0 0 1-1.5 1.5h-15A1.5 1.5 0 0 1 3 17.5z" />
            <path d="M8 13.7h8M13.5 11.2l2.5 2.5-2.5 2.5" />
        </>
    ),
    service: (
        <>
            <circle cx="12" cy="12" r="3.2" />
            <path d="M12 3.5v3M12 17.5v3M3.5 12h3M17.5 12h3M6 6l2.1 2.1M15.9 15.9L18 18M6 18l2.1-2.1M15.9 8.1L18 6" />
        </>
    ),
    ok: (
        <>
            <circle cx="12" cy="12" r="9" />
            <path d="M8 12.3l2.8 2.8L16.2 9.5" />
        </>
    ),
    warning: (
        <>
            <path d="M12 3.8 21.5 20h-19z" strokeLinejoin="round" />
            <path d="M12 10v4.5M12 17.2h.01" />
        </>
    ),
    error: (
        <>
            <circle cx="12" cy="12" r="9" />
            <path d="M9 9l6 6M15 9l-6 6" />
        </>
    ),
    idle: <circle cx="12" cy="12" r="8.5" strokeDasharray="3 3.2" />,
    work: <path d="M12 3.5a8.5 8.5 0 1 1-8.5 8.5" />,
    notice: (
        <>
            <circle cx="12" cy="12" r="9" />
            <path d="M12 11v5M12 7.8h.01" />
        </>
    ),
    shield: <path d="M12 3l7.5 2.8v5.4c0 4.6-3 8.1-7.5 9.8-4.5-1.7-7.5-5.2-7.5-9.8V5.8z" strokeLinejoin="round" />,
    arrow: <path d="M4 12h15M13.5 6.5 19 12l-5.5 5.5" />,
    clock: (
        <>
            <circle cx="12" cy="12" r="9" />
            <path d="M12 7v5.3l3.4 2" />
        </>
    ),
    down: <path d="M6 9.5l6 6 6-6" />,
};

export function Icon({ name, className = "" }: { name: IconName; className?: string }) {
    return (
        <svg
            className={`hbd-icon ${name === "work" ? "hbd-turns" : ""} ${className}`}
            viewBox="0 0 24 24"
            fill="none"
            stroke="currentColor"
            strokeWidth="1.6"
            strokeLinecap="round"
            aria-hidden="true"
            focusable="false"
        >
            {DRAWINGS[name]}
        </svg>
    );
}

export const HEALTH_ICONS = {
    good: "ok",
    warning: "warning",
    bad: "error",
    idle: "idle",
    work: "work",
} as const satisfies Record<string, IconName>;

export function HealthIcon({ health }: { health: keyof typeof HEALTH_ICONS }) {
    return <Icon name={HEALTH_ICONS[health]} className={`hbd-is-${health}`} />;
}
