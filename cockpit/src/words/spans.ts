// Ages, moments and shares as people read them; the same words as hbctl's.

const SECOND = 1_000_000; // µs

/** To a tenth of a second; long ones in minutes, hours or days. */
export function span(usec: number): string {
    const seconds = usec / SECOND;
    for (const [unit, size] of [
        ["d", 86400],
        ["h", 3600],
        ["min", 60],
    ] as const) {
        if (seconds >= 2 * size) return `${(seconds / size).toFixed(0)} ${unit}`;
    }
    return usec % SECOND ? `${seconds.toFixed(1)} s` : `${seconds.toFixed(0)} s`;
}

/** How long ago an instant was; 0 is never. */
export function ago(instantUsec: number, nowUsec: number): string {
    return instantUsec ? `${span(Math.max(0, nowUsec - instantUsec))} ago` : "never";
}

/** With milliseconds below a tenth. */
export function seconds(usec: number): string {
    return usec >= 100_000 ? `${(usec / SECOND).toFixed(2)} s` : `${(usec / SECOND).toFixed(3)} s`;
}

/** Day and time on the clock of whoever looks; µs since 1970, 0: not known. */
export function day(usec: number): string {
    if (!usec) return "-";
    const at = new Date(usec / 1000);
    const two = (part: number) => String(part).padStart(2, "0");
    return (
        `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ` +
        `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`
    );
}

/** The time alone, to the millisecond. */
export function clock(usec: number): string {
    return `${day(usec).slice(11)}.${String(Math.floor((usec % SECOND) / 1000)).padStart(3, "0")}`;
}

/** A part of 1 in percent, never rounded to none at all; `-` when it is not known. */
export function share(part: number | null): string {
    if (part === null) return "-";
    const percent = part * 100;
    if (percent === 0) return "0%";
    return percent < 0.1 ? "<0.1%" : percent < 10 ? `${percent.toFixed(1)}%` : `${percent.toFixed(0)}%`;
}

export function count(number: number, word: string): string {
    return `${number} ${word}${number === 1 ? "" : "s"}`;
}
