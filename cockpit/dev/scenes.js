// What a small cluster tells, as Cockpit's bridge would send it: written down by hand, to look at the
// page without one. `scenes[name](world)` changes the quiet cluster into the one to be looked at.

const NOW = 5_000_000_000_000;
const WALL = Date.now() * 1000;
const SHARE = "192.168.0.100";
const DISK = "Filesystem::/dev/sda1::/ttidisk::ext4";

function node(Name, Local, Holds) {
    const heard = Local ? 0 : NOW - 300_000;
    return { Name, Local, Status: "active", Maintenance: false, FenceProven: false, Implementation: "hbd", ConfigDigest: "0123", Generation: 5, LastHeardUSec: heard, Holds };
}

function link(Name, Kind, LeadsToPeer = true, age = 400_000, missed = 0) {
    const Counters = LeadsToPeer ? { heard: 8000, missed } : { messages_sent: 8000, messages_received: 7999 - missed };
    return { Name, Kind, LeadsToPeer, Status: "up", PeerHears: LeadsToPeer, Fault: "", LastHeardUSec: NOW - age, Counters };
}

function group(Name, Owner, local, resources) {
    const isHere = Owner === local;
    return {
        Name, Preferred: "ttisrv1", Owner, State: isHere ? "started" : "stopped", Protection: "reservation",
        PeerState: isHere ? "stopped" : "started", Epoch: 3, Failure: "", LastTransition: "", Unit: `hbd-group@${Name}.target`,
        Resources: resources,
    };
}

const UNITS = { [SHARE]: "", [DISK]: "ttidisk.mount", smb: "smbd.service", nfslock: "rpc-statd.service", nfs: "nfs-server.service" };

function world(local = "ttisrv1", owner = "ttisrv1") {
    const peer = local === "ttisrv1" ? "ttisrv2" : "ttisrv1";
    const resources = Object.keys(UNITS);
    const isHere = owner === local;
    return {
        isRunning: true,
        denied: "",
        checkDelay: 300,
        manager: {
            Version: "1.0.0", NodeName: local, PeerName: peer, Phase: "active", Maintenance: false, PeerStatus: "active",
            Protection: "reservation", FenceFailure: "", AutoFailback: "off", KeepaliveUSec: 500_000, WarntimeUSec: 2_500_000,
            DeadtimeUSec: 5_000_000, InitdeadUSec: 30_000_000, LastStallUSec: 0, ConfigDrift: [], DeniedCount: 0, NowUSec: NOW,
            Nodes: ["/n/1", "/n/2"], Links: ["/l/1", "/l/2", "/l/3", "/l/4"], Groups: ["/g/1"], Jobs: [],
        },
        nodes: { "/n/1": node(local, true, isHere ? [SHARE] : []), "/n/2": node(peer, false, isHere ? [] : [SHARE]) },
        links: {
            "/l/1": link("/dev/ttyS0", "serial"),
            "/l/2": link("eth1", "bcast"),
            "/l/3": link("/dev/sda1", "disk", false, 900_000),
            "/l/4": link("192.168.0.254", "ping", false, 700_000),
        },
        groups: { "/g/1": group(SHARE, owner, local, resources.map((_each, place) => `/r/${place}`)) },
        resources: Object.fromEntries(
            resources.map((Text, place) => [`/r/${place}`, { Group: "/g/1", Text, Unit: UNITS[Text], State: isHere ? "started" : "stopped", Why: "" }]),
        ),
        jobs: {},
        past: history(),
        check: CHECK,
    };
}

let number = 0;
const id = (at) => `${new Date(at / 1000).toISOString().slice(0, 19).replace(/\D/g, "")}-${String(++number).padStart(4, "0")}`;

/** Times of the steps are in ms. */
function transition(Cause, from, to, minutesAgo, steps, more = {}) {
    const at = WALL - minutesAgo * 60e6;
    const Steps = steps.map(([phase, kind, resource, offset, took, result = "done", why = ""]) => [phase, kind, resource ? SHARE : "", resource, offset * 1000, took * 1000, result, why]);
    const DurationUSec = Math.max(...Steps.map((step) => step[4] + step[5]));
    const OutageUSec = more.OutageUSec ?? DurationUSec;
    const Result = more.Result ?? (from === to ? "started" : "moved");
    return {
        Id: id(at), Node: "ttisrv1", Cause, Rule: "give", Rules: ["ask-owner", "give"], RequestedBy: "", Groups: [SHARE],
        From: from, To: to, Result, Why: "", Fencing: "none", StartedUSec: at, DurationUSec, OutageUSec,
        Moves: [[SHARE, from, to, Result, 7, OutageUSec]], Evidence: [], Steps, ...more,
    };
}

const START = (at) => [
    ["start", "address", SHARE, at, 31], ["start", "mount", DISK, at + 31, 62], ["start", "samba", "smb", at + 93, 118],
    ["start", "nfs", "nfslock", at + 211, 24], ["start", "nfs", "nfs", at + 235, 55],
];
const STOP = [
    ["stop", "nfs", "nfs", 0, 41], ["stop", "nfs", "nfslock", 41, 12], ["stop", "samba", "smb", 53, 66],
    ["stop", "mount", DISK, 119, 38], ["stop", "address", SHARE, 157, 9],
];

function history() {
    return [
        transition("failback", "ttisrv2", "ttisrv1", 12, [["peer", "", "", 0, 168], ...START(168)], { OutageUSec: 409_000 }),
        transition("peer-lost", "ttisrv1", "ttisrv2", 95, [["detect", "", "", 0, 5010], ["fence", "", "", 5010, 45], ...START(5055)], {
            Rules: ["fence-first", "acquire-proven"], Fencing: "proven",
            Evidence: [["link", "eth1", "dead", 5_010_000], ["link", "/dev/ttyS0", "dead", 5_020_000], ["ping", "192.168.0.254", "up", 0], ["peer", "ttisrv1", "lost", 5_010_000]],
        }),
        transition("takeover", "ttisrv2", "ttisrv1", 60 * 26, [["peer", "", "", 0, 171], ...START(171)], { RequestedBy: "uid 1000", OutageUSec: 402_000 }),
        transition("standby", "ttisrv1", "ttisrv2", 60 * 30, [...STOP, ["peer", "", "", 166, 260]], { RequestedBy: "uid 1000", OutageUSec: 388_000 }),
        transition("resource-lost", "ttisrv1", "ttisrv1", 60 * 50, [["start", "samba", "smb", 0, 130]], { Rules: ["revive-once"], OutageUSec: 0 }),
        transition("start", "", "ttisrv1", 60 * 24 * 9, START(0), { Rules: ["start-own"], OutageUSec: 0, Result: "started" }),
    ];
}

const CHECK = [
    ...["ttisrv1", "ttisrv2"].flatMap((name) => [
        [name, "config-loaded", "ok", "ha.cf, haresources and authkeys are those that the daemon has read", ""],
        [name, "clock-synchronised", "ok", "the clock is synchronised", ""],
        [name, "disk-present", "ok", "/dev/sda1 is there, ext4, UUID 8d0b", ""],
        [name, "reservation", "ok", "/dev/sda1 can be reserved", ""],
        [name, "units-stopped-at-boot", "ok", "no unit of a group starts at boot", ""],
        [name, "samba-config", "ok", "testparm is content", ""],
        [name, "links-up", "ok", "4 of 4 links are up", ""],
    ]),
];

const scenes = {
    well: () => world(),
    there: () => world("ttisrv2", "ttisrv1"),
    moving() {
        const it = world("ttisrv2", "ttisrv1");
        Object.assign(it.groups["/g/1"], { State: "starting", PeerState: "stopped", Owner: "ttisrv2" });
        ["started", "started", "starting"].forEach((state, place) => (it.resources[`/r/${place}`].State = state));
        const running = transition("takeover", "ttisrv1", "ttisrv2", 0, [["peer", "", "", 0, 171], ["start", "address", SHARE, 171, 31], ["start", "mount", DISK, 202, 62], ["start", "samba", "smb", 264, 0, "running"]]);
        Object.assign(running, { Result: "running", DurationUSec: 0, OutageUSec: 0, RequestedBy: "uid 1000" });
        it.past.unshift(running);
        it.manager.Jobs = ["/j/1"];
        it.jobs["/j/1"] = { Id: 1, Verb: "takeover", Scope: "all", Groups: [SHARE], RequestedBy: "uid 1000", RequestedUSec: NOW - 300_000 };
        return it;
    },
    moved() {
        const it = world();
        it.lateNews = it.past.shift();
        return it;
    },
    "peer-dead"() {
        const it = world();
        Object.assign(it.manager, { PeerStatus: "lost", FenceFailure: "fence_ipmilan: no answer from 10.0.0.12 within 20 s" });
        Object.assign(it.nodes["/n/2"], { Status: "lost", LastHeardUSec: NOW - 74_000_000 });
        it.groups["/g/1"].PeerState = "unknown";
        for (const path of ["/l/1", "/l/2", "/l/3"]) Object.assign(it.links[path], { Status: "dead", PeerHears: false, LastHeardUSec: NOW - 74_000_000 });
        it.check = CHECK.map((line) => (line[0] === "ttisrv2" ? null : line)).filter(Boolean).concat([["ttisrv2", "peer-answers", "error", "ttisrv2 does not answer: what it would find is not known", "start hbd on ttisrv2"]]);
        return it;
    },
    troubled() {
        const it = world("ttisrv1", "ttisrv2");
        it.manager.Protection = "none";
        it.manager.ConfigDrift = ["haresources"];
        Object.assign(it.groups["/g/1"], { Protection: "none", State: "start-failed", Failure: "smb: smbd.service failed with result exit-code" });
        Object.assign(it.resources["/r/2"], { State: "failed", Why: "smbd.service failed with result exit-code" });
        Object.assign(it.links["/l/1"], { Status: "dead", Fault: "/dev/ttyS0: No such device", PeerHears: false, LastHeardUSec: 0, Counters: {} });
        it.links["/l/2"].Counters = { heard: 950, missed: 50 };
        it.nodes["/n/2"].Maintenance = true;
        it.check = CHECK.concat([["ttisrv1", "samba-config", "error", "testparm: unknown parameter 'vaild users' in /etc/samba/smb.conf", "mend /etc/samba/smb.conf, then testparm"], ["ttisrv2", "clock-synchronised", "warning", "the clock is 4 s ahead of ttisrv1's", "systemctl restart systemd-timesyncd"]]);
        return it;
    },
    many() {
        const it = world();
        const more = Array.from({ length: 194 }, (_each, place) => transition(place % 2 ? "standby" : "takeover", place % 2 ? "ttisrv1" : "ttisrv2", place % 2 ? "ttisrv2" : "ttisrv1", 60 * 24 * (10 + place), [...STOP, ["peer", "", "", 166, 260]], { RequestedBy: "uid 1000" }));
        it.past.push(...more);
        it.manager.Groups = ["/g/1", "/g/2", "/g/3"];
        it.groups["/g/2"] = { ...group("projects", "ttisrv2", "ttisrv1", ["/r/10", "/r/11"]), Preferred: "ttisrv2" };
        it.groups["/g/3"] = { ...group("IPaddr::10.20.30.40/24/eth0", "ttisrv1", "ttisrv1", ["/r/12", "/r/13"]) };
        const thing = (Text, Unit, State) => ({ Group: "", Text, Unit, State, Why: "" });
        it.resources["/r/10"] = thing("IPaddr2::192.168.0.101/24/eth0:1", "", "stopped");
        it.resources["/r/11"] = thing("Filesystem::UUID=3d2c8a4e-6a08-4b43-9d9b-3cc2f4f4c001::/srv/projects::xfs::noatime", "srv-projects.mount", "stopped");
        it.resources["/r/12"] = thing("IPaddr::10.20.30.40/24/eth0", "", "started");
        it.resources["/r/13"] = thing("postgresql", "postgresql.service", "started");
        return it;
    },
    stopped: () => ({ ...world(), isRunning: false }),
    lost: () => ({ ...world(), lost: "internal-error" }),
    expired: () => ({ ...world(), lost: "disconnected" }),
    denied: () => ({ ...world("ttisrv2", "ttisrv1"), denied: "org.hbd.Heartbeat1.takeover needs an administrator" }),
};
