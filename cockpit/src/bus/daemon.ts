// Typed calls to the daemon through cockpit.dbus. It asks for no start: looking at a stopped
// cluster must not start it, so nothing is called before the name has an owner.

import type { JournalLine } from "../model/past.ts";
import { findings } from "../model/findings.ts";
import type { Finding } from "../model/findings.ts";
import { transitionView } from "../model/past.ts";
import type { TransitionView } from "../model/past.ts";
import { BUS_NAME, MANAGER, ROOT, statusView } from "../model/view.ts";
import type { StatusView } from "../model/view.ts";
import type { Call } from "../words/actions.ts";
import { plain, plainObjects, plainProperties } from "./wire.ts";

// ms. The daemon answers in milliseconds, and is allowed to be busy with a failover. Both nodes
// look at their disks for a check. hbd gives up asking polkit after two minutes.
const ANSWER_TIMEOUT = 10_000;
const CHECK_TIMEOUT = 20_000;
const PERMISSION_TIMEOUT = 150_000;

export type SignalHandler = (path: string, iface: string, member: string, args: unknown[]) => void;

export class Daemon {
    readonly #client: DBusClient;

    constructor(told: SignalHandler) {
        this.#client = window.cockpit.dbus(BUS_NAME, { bus: "system" });
        this.#client.subscribe({ path_namespace: ROOT }, told);
    }

    close(): void {
        this.#client.close();
    }

    /** All there is, as of now. */
    async status(): Promise<StatusView> {
        const [below, manager] = await Promise.all([
            this.#ask("org.freedesktop.DBus.ObjectManager", "GetManagedObjects"),
            this.#ask("org.freedesktop.DBus.Properties", "GetAll", "s", [MANAGER]),
        ]);
        const objects = plainObjects(below[0]);
        return statusView({ ...objects, [ROOT]: { [MANAGER]: plainProperties(manager[0]) } });
    }

    /** The last transitions, newest first; 0: all that are kept. */
    async history(limit: number): Promise<TransitionView[]> {
        const reply = await this.#ask(MANAGER, "History", "u", [limit]);
        return (reply[0] as unknown[]).map((each) => transitionView(plainProperties(each)));
    }

    async check(): Promise<Finding[]> {
        const reply = await this.#ask(MANAGER, "Check", "", [], CHECK_TIMEOUT);
        return findings(plain(reply[0]) as string[][]);
    }

    /** The journal's lines of a transition, oldest first. */
    async journal(id: string): Promise<JournalLine[]> {
        const reply = await this.#ask(MANAGER, "Journal", "s", [id]);
        return (reply[0] as [number, string][]).map(([atUsec, text]) => ({ atUsec, text }));
    }

    /**
     * Gives the job's path. polkit may not ask a person: Cockpit's session has nobody to ask (287's
     * bridge would leave the question open until it times out), but an administrative access.
     */
    async submit(call: Call): Promise<string> {
        return submitOn(this.#client, call);
    }

    async #ask(iface: string, method: string, type = "", args: unknown[] = [], timeout = ANSWER_TIMEOUT) {
        return this.#client.call(ROOT, iface, method, args, { type, timeout });
    }
}

/** The same as root: for whom Cockpit has already asked for an administrator's password. */
export async function submitAsAdministrator(call: Call): Promise<string> {
    const client = window.cockpit.dbus(BUS_NAME, { bus: "system", superuser: "require" });
    try {
        return await submitOn(client, call);
    } finally {
        client.close();
    }
}

async function submitOn(client: DBusClient, { method, type, args }: Call): Promise<string> {
    const reply = await client.call(ROOT, MANAGER, method, args, { type, timeout: PERMISSION_TIMEOUT });
    return String(reply[0]);
}
