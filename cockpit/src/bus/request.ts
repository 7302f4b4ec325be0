// One request from the question to its end, as an outcome in words.

import type { Action, Call } from "../words/actions.ts";
import { isDenied, ofError, ofResult } from "../words/outcome.ts";
import type { BusError, Outcome } from "../words/outcome.ts";
import { submitAsAdministrator } from "./daemon.ts";
import type { Watch } from "./watch.ts";

/** Ask, wait, and say how it ended. */
export async function request(watch: Watch, action: Action): Promise<Outcome> {
    const begun = performance.now();
    const took = () => (performance.now() - begun) * 1000;
    try {
        let last: Outcome = ofResult(action.verb, "done", "", 0);
        for (const each of action.calls) {
            const end = await watch.endOf(await submit(watch, each));
            if (end === "gone") return ofError(action.verb, { problem: "gone" }, false);
            last = ofResult(action.verb, end.result, end.why, took());
            if (end.result !== "done") break;
        }
        return last;
    } catch (error) {
        return ofError(action.verb, error as BusError, watch.hasAdministrativeAccess);
    }
}

/**
 * polkit decides about the person who has logged in. Who has given an administrator's password to
 * Cockpit is not asked for it again: then root asks.
 */
async function submit(watch: Watch, call: Call): Promise<string> {
    if (watch.daemon === null) throw { name: "org.freedesktop.DBus.Error.NameHasNoOwner" };
    try {
        return await watch.daemon.submit(call);
    } catch (error) {
        if (!isDenied(error as BusError) || !watch.hasAdministrativeAccess) throw error;
        return submitAsAdministrator(call);
    }
}
