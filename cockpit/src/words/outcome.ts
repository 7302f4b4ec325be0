// How a request ended, in words; what hbctl says with its exit status.

export interface Outcome {
    health: "good" | "warning" | "bad";
    title: string;
    text: string;
}

const NOT_THERE = [
    "org.freedesktop.DBus.Error.ServiceUnknown",
    "org.freedesktop.DBus.Error.NameHasNoOwner",
    "org.freedesktop.DBus.Error.Spawn.",
    "org.freedesktop.systemd1.",
];
const WENT_AWAY = ["org.freedesktop.DBus.Error.NoReply", "org.freedesktop.DBus.Error.Disconnected"];
const DENIED = "org.freedesktop.DBus.Error.AccessDenied";
const PASSWORD_WANTED = "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired";

/** What polkit/org.hbd.Heartbeat1.rules gives to the group haclient. */
const FOR_OPERATORS = ["takeover", "standby", "failback", "maintenance-on", "maintenance-off"];

export const NOT_RUNNING = "hbd does not run on this machine; `systemctl start hbd` starts it";
export const ENDED = "hbd ended or was restarted meanwhile; the picture tells what is true now";

/** A D-Bus error as Cockpit gives it. */
export interface BusError {
    name?: string | null;
    message?: string;
    problem?: string | null;
}

export function isDenied(error: BusError): boolean {
    return error.name === DENIED || error.name === PASSWORD_WANTED;
}

/** Instead of hbd's own words about passwords: in Cockpit there is one place for them. */
function whoMay(verb: string): string {
    const who = FOR_OPERATORS.includes(verb) ? "members of the group haclient and administrators" : "administrators";
    return `Only ${who} may ask for it. An administrator switches on administrative access at the top of the page first.`;
}

/** A job's end: done, failed, refused or timeout. */
export function ofResult(verb: string, result: string, why: string, tookUsec: number): Outcome {
    const took = `after ${(tookUsec / 1e6).toFixed(2)} s`;
    switch (result) {
        case "done":
            return { health: "good", title: `${verb} done ${took}`, text: why };
        case "refused":
            return { health: "warning", title: `${verb} refused`, text: why };
        case "timeout":
            return { health: "warning", title: `${verb} is not over ${took}`, text: why };
        default:
            return { health: "bad", title: `${verb} ${result} ${took}`, text: why };
    }
}

/** A call that did not become a job. `hasAdmin`: Cockpit's administrative access is on. */
export function ofError(verb: string, error: BusError, hasAdmin: boolean): Outcome {
    const name = error.name ?? "";
    const text = error.message ?? (error.problem || name);
    if (isDenied(error)) {
        const why = name === PASSWORD_WANTED ? [] : [`${text}.`];
        const told = hasAdmin ? text : [...why, whoMay(verb)].join(" ");
        return { health: "bad", title: `${verb} is not permitted`, text: told };
    }
    if (NOT_THERE.some((start) => name.startsWith(start))) {
        return { health: "bad", title: `${verb} was not asked for`, text: NOT_RUNNING };
    }
    if (WENT_AWAY.includes(name) || error.problem) {
        return { health: "warning", title: `${verb}: the answer did not come`, text: ENDED };
    }
    return { health: "bad", title: `${verb} failed`, text };
}
