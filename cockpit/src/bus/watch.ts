// Keeps what the page shows true: reads everything when the daemon tells of a change, and follows
// the daemon as it goes and comes back.
//
// Nothing is asked for by the clock, but for what gives no signal, and only while somebody looks:
// counters and times of hearing every AGES ms, and the steps of a move that is under way.

import { RUNNING, merged } from "../model/past.ts";
import type { TransitionView } from "../model/past.ts";
import { BUS_NAME, MANAGER, OtherVersion } from "../model/view.ts";
import type { StatusView } from "../model/view.ts";
import { Daemon } from "./daemon.ts";

const AGES = 2000; // ms
const STEPS = 300; // ms, while a transition runs
const RETRY = 2000; // ms; dbus-daemon is back within a second of a restart
const FEW = 10; // transitions; nearly always enough, and one in twenty of the whole history
const MAX_ENDED = 50; // jobs whose end is remembered for who asks late

const DBUS = "org.freedesktop.DBus";

/** What there is to see, or why there is nothing. */
export type Sight =
    | { kind: "looking" }
    | { kind: "stopped" }
    | { kind: "lost"; why: string }
    | { kind: "other-version"; why: string }
    | { kind: "seen"; view: StatusView; past: readonly TransitionView[]; hasAllPast: boolean; readAt: number };

export interface JobEnd {
    result: string;
    why: string;
}

/** `gone`: the daemon went away while the job ran. */
export type JobNews = JobEnd | "gone";

export class Watch {
    #sight: Sight = { kind: "looking" };
    readonly #listeners = new Set<() => void>();
    #permission: CockpitPermission | null = null;
    #bus: DBusClient | null = null;
    #daemon: Daemon | null = null;
    #past: TransitionView[] = [];
    #hasAllPast = false;
    #isReading = false;
    #isStale = false;
    #timer: ReturnType<typeof setTimeout> | undefined;
    readonly #ended = new Map<string, JobEnd>();
    readonly #waiting = new Map<string, (news: JobNews) => void>();

    get sight(): Sight {
        return this.#sight;
    }

    get daemon(): Daemon | null {
        return this.#daemon;
    }

    /** For React: call me when `sight` is another one. */
    subscribe = (listener: () => void): (() => void) => {
        this.#listeners.add(listener);
        return () => this.#listeners.delete(listener);
    };

    /** Whether Cockpit's own is on; not known yet counts as not. */
    get hasAdministrativeAccess(): boolean {
        return this.#permission?.allowed === true;
    }

    start(): void {
        this.#permission = window.cockpit.permission({ admin: true });
        window.cockpit.addEventListener("visibilitychange", () => {
            if (!window.cockpit.hidden) void this.#read();
        });
        this.#connect();
    }

    /** Let go of everything. */
    stop(): void {
        const bus = this.#bus;
        this.#bus = null;
        bus?.close();
        this.#forget();
    }

    /** Ask for the whole history from now on. */
    async readAllPast(): Promise<void> {
        const daemon = this.#daemon;
        if (daemon === null) return;
        this.#past = merged(this.#past, await daemon.history(0));
        this.#hasAllPast = true;
        if (this.#sight.kind === "seen") this.#show({ ...this.#sight, past: this.#past, hasAllPast: true });
    }

    /** Wait for the end of a job; one that has ended already is remembered. */
    async endOf(job: string): Promise<JobNews> {
        const known = this.#ended.get(job);
        if (known !== undefined) return known;
        if (this.#daemon === null) return "gone";
        return new Promise((resolve) => this.#waiting.set(job, resolve));
    }

    /** The bus itself tells who owns the name: the bridges' own way is not the same in each. */
    #connect(): void {
        const bus = window.cockpit.dbus(DBUS, { bus: "system" });
        this.#bus = bus;
        bus.addEventListener("close", (_event, options: { problem?: string }) => {
            if (this.#bus === bus) this.#lose(options?.problem ?? "");
        });
        bus.subscribe({ interface: DBUS, member: "NameOwnerChanged", arg0: BUS_NAME }, (_path, _iface, _member, args) =>
            this.#owned(args[2] !== ""),
        );
        bus.call("/org/freedesktop/DBus", DBUS, "NameHasOwner", [BUS_NAME], { type: "s" }).then(
            (reply) => {
                if (this.#bus === bus) this.#owned(reply[0] === true);
            },
            (error: { message?: string; problem?: string }) => {
                if (this.#bus === bus) this.#lose(error.problem ?? error.message ?? "");
            },
        );
    }

    #owned(isThere: boolean): void {
        this.#forget();
        if (!isThere) {
            this.#show({ kind: "stopped" });
            return;
        }
        this.#daemon = new Daemon(this.#heard);
        void this.#read();
    }

    #forget(): void {
        clearTimeout(this.#timer);
        this.#daemon?.close();
        this.#daemon = null;
        this.#past = [];
        this.#hasAllPast = false;
        for (const tell of this.#waiting.values()) tell("gone");
        this.#waiting.clear();
        this.#ended.clear();
    }

    #lose(why: string): void {
        const bus = this.#bus;
        this.#bus = null;
        bus?.close();
        this.#forget();
        this.#show({ kind: "lost", why });
        this.#timer = setTimeout(() => this.#connect(), RETRY);
    }

    #heard = (_path: string, iface: string, member: string, args: unknown[]): void => {
        if (iface === MANAGER && member === "JobRemoved") {
            const [job, result, why] = args as [string, string, string];
            const end = { result, why };
            this.#ended.set(job, end);
            if (this.#ended.size > MAX_ENDED) this.#ended.delete([...this.#ended.keys()][0]!);
            this.#waiting.get(job)?.(end);
            this.#waiting.delete(job);
        }
        void this.#read();
    };

    /** One read at a time; what changes meanwhile is read again. */
    async #read(): Promise<void> {
        this.#isStale = true;
        if (this.#isReading) return;
        this.#isReading = true;
        try {
            while (this.#isStale && this.#daemon !== null) {
                this.#isStale = false;
                await this.#readOnce(this.#daemon);
            }
        } finally {
            this.#isReading = false;
        }
        this.#later();
    }

    async #readOnce(daemon: Daemon): Promise<void> {
        try {
            const first = this.#sight.kind === "seen" ? null : daemon.history(FEW);
            first?.catch(() => undefined);
            const view = await daemon.status();
            let past = this.#past;
            if (first !== null) past = merged(past, await first);
            else if (wantsPast(view, past)) past = merged(past, await daemon.history(FEW));
            if (this.#daemon !== daemon) return;
            this.#past = past;
            this.#show({ kind: "seen", view, past, hasAllPast: this.#hasAllPast, readAt: performance.now() });
        } catch (error) {
            if (this.#daemon !== daemon) return; // it ended meanwhile, and that has been told
            if (error instanceof OtherVersion) this.#show({ kind: "other-version", why: error.message });
            else await this.#failed(error as { message?: string; problem?: string | null });
        }
    }

    /** A call failed: the daemon is gone, which the bus tells too, or the bus is. */
    async #failed(error: { message?: string; problem?: string | null }): Promise<void> {
        try {
            const path = "/org/freedesktop/DBus";
            await this.#bus?.call(path, DBUS, "GetId", [], { type: "", timeout: RETRY });
        } catch {
            this.#lose(error.problem ?? error.message ?? "");
        }
    }

    /** What no signal tells. */
    #later(): void {
        if (this.#daemon === null) return;
        clearTimeout(this.#timer);
        if (window.cockpit.hidden) return;
        const isRunning = this.#past.some((each) => each.result === RUNNING);
        this.#timer = setTimeout(() => void this.#read(), isRunning ? STEPS : AGES);
    }

    #show(sight: Sight): void {
        this.#sight = sight;
        for (const listener of this.#listeners) listener();
    }
}

/** Whether the daemon tells of a transition that is not known here, or not to its end. */
function wantsPast(view: StatusView, past: readonly TransitionView[]): boolean {
    const over = new Set(past.filter((each) => each.result !== RUNNING).map((each) => each.id));
    return (
        past.some((each) => each.result === RUNNING) ||
        view.groups.some((group) => group.lastTransition !== "" && !over.has(group.lastTransition))
    );
}
