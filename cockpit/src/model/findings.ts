// What Manager.Check told.

export interface Finding {
    node: string;
    check: string;
    level: string;
    text: string;
    remedy: string;
}

export function findings(told: readonly string[][]): Finding[] {
    return told.map(([node = "", check = "", level = "", text = "", remedy = ""]) => ({
        node,
        check,
        level,
        text,
        remedy,
    }));
}
