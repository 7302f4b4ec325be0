// Figures as people read them, as hbctl has them (hbd/cli/spans.py).

import assert from "node:assert/strict";
import { test } from "node:test";
import { ago, clock, day, seconds, share, span } from "../src/words/spans.ts";

test("a span has a tenth of a second, and long ones a greater unit", () => {
    const told = [0, 1_000_000, 1_240_000, 119_000_000, 120_000_000, 7200_000_000, 2 * 86400_000_000].map(span);
    assert.deepEqual(told, ["0 s", "1 s", "1.2 s", "119 s", "2 min", "2 h", "2 d"]);
});

test("never is no age, and a clock that stepped back makes none below 0", () => {
    assert.equal(ago(0, 5_000_000), "never");
    assert.equal(ago(4_500_000, 5_000_000), "0.5 s ago");
    assert.equal(ago(6_000_000, 5_000_000), "0 s ago");
});

test("below a tenth of a second there are milliseconds", () => {
    assert.deepEqual([99_999, 100_000, 5_310_000].map(seconds), ["0.100 s", "0.10 s", "5.31 s"]);
});

test("a loss is never rounded to none", () => {
    assert.deepEqual([null, 0, 0.0001, 0.0512, 0.5].map(share), ["-", "0%", "<0.1%", "5.1%", "50%"]);
});

test("a moment is told on the clock of whoever looks", () => {
    const usec = new Date(2026, 10, 22, 9, 5, 7, 42).getTime() * 1000;
    assert.equal(day(usec), "2026-11-22 09:05:07");
    assert.equal(clock(usec), "09:05:07.042");
    assert.equal(day(0), "-");
});
