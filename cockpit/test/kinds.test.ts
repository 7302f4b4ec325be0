// What a word of haresources is, and what a person calls it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { kindOf, shortName } from "../src/words/kinds.ts";

test("every word of haresources has a kind and a short name", () => {
    const told = [
        "192.168.0.100",
        "192.168.0.100/24/eth0",
        "IPaddr2::10.0.0.1/24/eth0:1",
        "fe80::1",
        "Filesystem::/dev/sda1::/ttidisk::ext4",
        "smb",
        "nfslock",
        "postgresql",
        "apache2.service",
    ].map((text) => [kindOf(text), shortName(text)]);
    assert.deepEqual(told, [
        ["address", "192.168.0.100"],
        ["address", "192.168.0.100"],
        ["address", "10.0.0.1"],
        ["address", "fe80::1"],
        ["mount", "/ttidisk"],
        ["samba", "smb"],
        ["nfs", "nfslock"],
        ["service", "postgresql"],
        ["service", "apache2.service"],
    ]);
});
