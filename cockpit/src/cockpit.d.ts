// What the page uses of Cockpit's base1/cockpit.js, which is loaded before it. The manual is
// https://cockpit-project.org/guide/latest/api-base1; the same in Cockpit 287 and 337.

type DBusMatch = { path?: string; path_namespace?: string; interface?: string; member?: string; arg0?: string };
type DBusOptions = { bus: "system"; superuser?: "require" };
type DBusCallOptions = { type: string; timeout?: number };

interface CockpitEvents {
    addEventListener(name: string, listener: (event: unknown, ...told: never[]) => void): void;
}

interface DBusClient extends CockpitEvents {
    call(path: string, iface: string, method: string, args: unknown[], options: DBusCallOptions): Promise<unknown[]>;
    subscribe(match: DBusMatch, told: (path: string, iface: string, member: string, args: unknown[]) => void): unknown;
    close(problem?: string): void;
}

interface CockpitPermission extends CockpitEvents {
    allowed: boolean | null;
}

interface Cockpit extends CockpitEvents {
    /** Whether the shell shows another page now; `visibilitychange` tells. */
    hidden: boolean;
    dbus(name: string, options: DBusOptions): DBusClient;
    permission(options: { admin: boolean }): CockpitPermission;
    transport: { wait(ready: () => void): void } & CockpitEvents;
}

interface Window {
    cockpit: Cockpit;
}

declare module "*.css";
