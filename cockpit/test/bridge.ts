// A small honest Cockpit: a bus with or without the daemon, its signals, and a bridge that can break.

import { MANAGER, ROOT } from "../src/model/view.ts";

type Told = (path: string, iface: string, member: string, args: unknown[]) => void;
type Answer = (method: string, args: unknown[]) => unknown[] | Promise<unknown[]>;

class Client {
    readonly told: Told[] = [];
    readonly listeners: ((event: unknown, options: { problem: string }) => void)[] = [];
    isClosed = false;
    readonly bridge: Bridge;
    readonly name: string;
    readonly isAdministrator: boolean;

    constructor(bridge: Bridge, name: string, isAdministrator: boolean) {
        this.bridge = bridge;
        this.name = name;
        this.isAdministrator = isAdministrator;
    }

    addEventListener(name: string, listener: (event: unknown, options: { problem: string }) => void): void {
        if (name === "close") this.listeners.push(listener);
    }

    subscribe(_match: unknown, told: Told): void {
        this.told.push(told);
    }

    close(): void {
        this.isClosed = true;
        this.bridge.clients.delete(this);
    }

    async call(_path: string, _iface: string, method: string, args: unknown[]): Promise<unknown[]> {
        await Promise.resolve();
        if (this.isClosed || this.bridge.problem) throw { problem: this.bridge.problem || "closed", message: "closed" };
        if (method === "NameHasOwner") return [this.bridge.isRunning];
        if (method === "GetId") return ["x"];
        if (!this.bridge.isRunning) throw { name: "org.freedesktop.DBus.Error.ServiceUnknown", message: "gone" };
        this.bridge.calls.push(`${this.isAdministrator ? "root " : ""}${method}`);
        return this.bridge.answer(method, args, this.isAdministrator);
    }
}

export class Bridge {
    readonly clients = new Set<Client>();
    readonly calls: string[] = [];
    isRunning = true;
    problem = "";
    hasAdmin = false;
    phase = "active";
    history: unknown[] = [];
    ask: Answer = () => [];
    hidden = false;

    install(): this {
        Object.assign(globalThis, { window: { cockpit: this } });
        return this;
    }

    dbus(name: string, options: { superuser?: string }): Client {
        const client = new Client(this, name, options.superuser === "require");
        this.clients.add(client);
        return client;
    }

    addEventListener(): void {}

    permission(): { allowed: boolean } {
        return { allowed: this.hasAdmin };
    }

    async answer(method: string, args: unknown[], isAdministrator: boolean): Promise<unknown[]> {
        switch (method) {
            case "GetManagedObjects":
                return [{}];
            case "GetAll":
                return [manager(this.phase)];
            case "History":
                return [this.history];
            default:
                return this.ask(isAdministrator ? `root ${method}` : method, args);
        }
    }

    /** The daemon tells something. */
    signal(iface: string, member: string, args: unknown[]): void {
        for (const client of [...this.clients]) {
            if (client.name === "org.hbd.Heartbeat1") client.told.forEach((told) => told(ROOT, iface, member, args));
        }
    }

    jobRemoved(job: string, result: string, why = ""): void {
        this.signal(MANAGER, "JobRemoved", [job, result, why]);
    }

    /** The daemon comes or goes. */
    runs(isRunning: boolean): void {
        this.isRunning = isRunning;
        const args = ["org.hbd.Heartbeat1", isRunning ? "" : ":1.7", isRunning ? ":1.8" : ""];
        for (const client of [...this.clients]) {
            if (client.name === "org.freedesktop.DBus") {
                client.told.forEach((told) => told("/", "org.freedesktop.DBus", "NameOwnerChanged", args));
            }
        }
    }

    /** Every channel closes: the bus, or the session. */
    breaks(problem: string): void {
        this.problem = problem;
        for (const client of [...this.clients]) {
            this.clients.delete(client);
            client.listeners.forEach((listener) => listener({}, { problem }));
        }
    }
}

/** Variants as a bridge sends them. */
function manager(phase: string) {
    const text = (v: string) => ({ t: "s", v });
    const number = (v: number) => ({ t: "t", v });
    const none = { t: "ao", v: [] };
    return {
        Version: text("1.0.0"),
        NodeName: text("ttisrv1"),
        PeerName: text("ttisrv2"),
        Phase: text(phase),
        Maintenance: { t: "b", v: false },
        PeerStatus: text("active"),
        Protection: text("reservation"),
        FenceFailure: text(""),
        AutoFailback: text("off"),
        DeadtimeUSec: number(5_000_000),
        NowUSec: number(1_000_000),
        ConfigDrift: { t: "as", v: [] },
        Nodes: none,
        Links: none,
        Groups: none,
        Jobs: none,
    };
}
