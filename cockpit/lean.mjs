// Leaves out of a style sheet what this page cannot show: PatternFly's looks that Cockpit does not
// have, its icon font, and those of its thousands of variables that nobody uses.

const DECLARED = /(--[\w-]+)\s*:\s*([^;{}]*)(;?)/g;
const USED = /--[\w-]+/g;
const RULE = /([^{}]+)\{([^{}]*)\}/g;
const ELSEWHERE = /theme-(felt|glass|high-contrast|redhat)|pficon|c-alert-group/;

/** The same style sheet for a page with this script. */
export function lean(css, script) {
    const here = css.replace(RULE, ruleOfThisPage);
    const used = usedVariables(here, script);
    return here.replace(DECLARED, (all, name) => (used.has(name) ? all : "")).replace(/[^{}]+\{;*\}/g, "");
}

function ruleOfThisPage(_all, selectors, body) {
    const kept = selectors.split(/,(?![^(]*\))/).filter((selector) => !ELSEWHERE.test(selector));
    return kept.length > 0 ? `${kept.join(",")}{${body}}` : "";
}

/** The variables that are read by a property or by the script, and those that these are made of. */
function usedVariables(css, script) {
    const values = new Map(); // a variable -> all that it is declared as
    const rest = css.replace(DECLARED, (_all, name, value) => {
        values.set(name, `${values.get(name) ?? ""} ${value}`);
        return "";
    });
    const used = new Set();
    const queue = [...(rest.match(USED) ?? []), ...(script.match(USED) ?? [])];
    while (queue.length > 0) {
        const name = queue.pop();
        if (used.has(name)) continue;
        used.add(name);
        queue.push(...(values.get(name)?.match(USED) ?? []));
    }
    return used;
}
