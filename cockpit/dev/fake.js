// Plays Cockpit's base1/cockpit.js and the daemon behind it: just enough to look at the page.
// Choose a scene with index.html?scene=NAME.

(() => {
    const parameters = new URLSearchParams(location.search);
    const it = scenes[parameters.get("scene") ?? "well"]();
    const clients = new Set();
    const variant = (value) => ({ t: typeof value === "number" ? "t" : typeof value === "string" ? "s" : "v", v: value });
    const wired = (told) => Object.fromEntries(Object.entries(told).map(([name, value]) => [name, variant(value)]));
    const IFACES = { nodes: "Node", links: "Link", groups: "Group", resources: "Resource", jobs: "Job" };
    const later = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
    const boot = () => it.manager.NowUSec + Math.round(performance.now() * 1000);

    function objects() {
        const found = {};
        for (const [family, iface] of Object.entries(IFACES)) {
            for (const [path, told] of Object.entries(it[family])) found[path] = { [`org.hbd.Heartbeat1.${iface}`]: wired(told) };
        }
        return found;
    }

    function signal(iface, member, args) {
        for (const client of clients) for (const told of client.told) told("/org/hbd/Heartbeat1", iface, member, args);
    }
    const changed = () => signal("org.freedesktop.DBus.Properties", "PropertiesChanged", ["", {}, []]);

    /** A takeover as it would happen, slowly enough to be seen. */
    async function move(to, verb) {
        const job = "/org/hbd/Heartbeat1/job/7";
        const group = it.groups["/g/1"];
        const local = it.manager.NodeName;
        const resources = group.Resources.map((path) => it.resources[path]);
        const slow = Number(parameters.get("slow") ?? 6);
        const old = group.Owner;
        const began = performance.now();
        const at = () => Math.round(performance.now() - began);
        const steps = [];
        const running = transition(verb, old, to, 0, [["peer", "", "", 0, 0, "running"]], { RequestedBy: "uid 1000" });
        Object.assign(running, { Result: "running", DurationUSec: 0, OutageUSec: 0, StartedUSec: Date.now() * 1000 });
        it.past.unshift(running);
        const step = async (phase, resource, kind, ms) => {
            const told = [phase, kind, resource ? group.Name : "", resource, at() * 1000, 0, "running", ""];
            steps.push(told);
            running.Steps = steps;
            changed();
            await later(ms * slow);
            told[5] = at() * 1000 - told[4];
            told[6] = "done";
        };
        const KINDS = ["address", "mount", "samba", "nfs", "nfs"];
        const peer = async (state, end) => {
            group.PeerState = state;
            await step("peer", "", "", 170);
            group.PeerState = end;
        };
        const here = async (states, order) => {
            group.State = states[0];
            for (const place of order) {
                resources[place].State = states[0];
                await step(states[0] === "starting" ? "start" : "stop", resources[place].Text, KINDS[place], 50);
                resources[place].State = states[1];
            }
            group.State = states[1];
        };
        group.LastTransition = running.Id;
        if (to === local) await peer("stopping", "stopped");
        else await here(["stopping", "stopped"], [4, 3, 2, 1, 0]);
        group.Owner = to;
        if (to === local) await here(["starting", "started"], [0, 1, 2, 3, 4]);
        else await peer("starting", "started");
        Object.assign(running, { Result: "moved", DurationUSec: at() * 1000, OutageUSec: at() * 1000 - 12000 });
        running.Moves = [[group.Name, old, to, "moved", 8, running.OutageUSec]];
        changed();
        signal("org.hbd.Heartbeat1.Manager", "JobRemoved", [job, "done", ""]);
    }

    async function answer(iface, method, args) {
        switch (method) {
            case "NameHasOwner":
                return [it.isRunning];
            case "GetId":
                return [""];
            case "GetManagedObjects":
                for (const each of Object.values(it.links)) if (each.Status === "up") each.LastHeardUSec = boot() - 300_000;
                for (const each of Object.values(it.nodes)) if (each.Status === "active" && !each.Local) each.LastHeardUSec = boot() - 200_000;
                return [objects()];
            case "GetAll":
                return [wired({ ...it.manager, NowUSec: boot() })];
            case "History":
                return [(args[0] ? it.past.slice(0, args[0]) : it.past).map(wired)];
            case "Journal":
                return [[[Date.now() * 1000, "192.168.0.100: takeover by uid 1000: ttisrv1 -> ttisrv2"], [Date.now() * 1000 + 412_000, "Group 192.168.0.100 is started"]]];
            case "Check":
                await later(it.checkDelay);
                return [it.check];
            default:
                if (it.denied) throw Object.assign(new Error(it.denied), { name: "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired" });
                if (method === "SetMaintenance") {
                    it.manager.Maintenance = it.nodes["/n/1"].Maintenance = args[0];
                    setTimeout(() => (changed(), signal("org.hbd.Heartbeat1.Manager", "JobRemoved", ["/org/hbd/Heartbeat1/job/7", "done", ""])), 50);
                    return ["/org/hbd/Heartbeat1/job/7"];
                }
                void move(method.startsWith("Takeover") ? it.manager.NodeName : it.manager.PeerName, method.startsWith("Takeover") ? "takeover" : "standby");
                return ["/org/hbd/Heartbeat1/job/7"];
        }
    }

    const events = () => {
        const listeners = {};
        return {
            addEventListener: (name, listener) => (listeners[name] ??= []).push(listener),
            emit: (name, ...told) => (listeners[name] ?? []).forEach((listener) => listener({}, ...told)),
        };
    };

    window.cockpit = {
        dbus() {
            const { addEventListener, emit } = events();
            const client = { told: [], addEventListener, close: () => clients.delete(client) };
            client.subscribe = (match, told) => client.told.push((path, iface, ...rest) => (match.path_namespace ? told(path, iface, ...rest) : undefined));
            client.call = async (_path, iface, method, args) => {
                await later(5);
                if (it.lost) {
                    emit("close", { problem: it.lost });
                    throw Object.assign(new Error(it.lost), { problem: it.lost });
                }
                return answer(iface, method, args);
            };
            clients.add(client);
            return client;
        },
        hidden: false,
        addEventListener() {},
        permission: () => ({ allowed: false, addEventListener() {} }),
        transport: { wait: (ready) => setTimeout(ready), addEventListener() {} },
    };
    if (it.lateNews) setTimeout(() => (it.past.unshift(it.lateNews), (it.groups["/g/1"].LastTransition = it.lateNews.Id), changed()), 300);
})();
