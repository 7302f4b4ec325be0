// The page says what hbctl says. tests/unit/cli/test_page.py wrote down the pictures and the words.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { statusView } from "../src/model/view.ts";
import type { Objects } from "../src/model/view.ts";
import { kindOf } from "../src/words/kinds.ts";
import { loss } from "../src/words/links.ts";
import { evidence } from "../src/words/past.ts";
import { problems } from "../src/words/problems.ts";
import { ago, seconds, share, span } from "../src/words/spans.ts";

interface Told {
    now_usec: number;
    pictures: { name: string; objects: Objects; problems: unknown[]; loss: string[]; heard: string[] }[];
    spans: [number, string, string][];
    shares: [number | null, string][];
    evidence: [{ subject: string; name: string; word: string; silent_usec: number }, string][];
    kinds: [string, string][];
}

const told = JSON.parse(readFileSync(new URL("told.json", import.meta.url), "utf8")) as Told;

for (const picture of told.pictures) {
    test(`hbctl's words for a cluster: ${picture.name}`, () => {
        const view = statusView(picture.objects);
        assert.deepEqual(problems(view), picture.problems);
        assert.deepEqual(
            view.links.map((link) => share(loss(link))),
            picture.loss,
        );
        assert.deepEqual(
            view.links.map((link) => ago(link.lastHeardUsec, told.now_usec)),
            picture.heard,
        );
    });
}

test("hbctl's words for spans, shares, evidence and kinds", () => {
    for (const [usec, ...words] of told.spans) assert.deepEqual([span(usec), seconds(usec)], words);
    for (const [part, word] of told.shares) assert.equal(share(part), word);
    for (const [{ silent_usec: silentUsec, ...each }, words] of told.evidence) {
        assert.equal(evidence({ ...each, silentUsec }), words);
    }
    for (const [text, kind] of told.kinds) assert.equal(kindOf(text), kind);
});
