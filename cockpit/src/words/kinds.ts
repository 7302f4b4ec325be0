// What kind of thing a word of haresources is, for an icon; as hbd/story/kinds.py has it.

export type Kind = "address" | "mount" | "samba" | "nfs" | "service";

const ADDRESS = ["IPaddr", "IPaddr2", "IPv6addr", "IPsrcaddr"];
const SAMBA = ["smb", "smbd", "nmb", "nmbd", "samba", "samba-ad-dc", "winbind"];
const NFS = ["nfs", "nfslock", "nfs-server", "nfs-kernel-server", "nfs-common", "rpc-statd", "portmap"];

export function kindOf(text: string): Kind {
    const word = text.split("::")[0]!.replace(/\.service$/, "");
    if (ADDRESS.includes(word) || isAddress(text)) return "address";
    if (word === "Filesystem") return "mount";
    if (SAMBA.includes(word)) return "samba";
    return NFS.includes(word) ? "nfs" : "service";
}

/** `192.168.0.100/24/eth0` is an address, `fe80::1`, too. */
function isAddress(text: string): boolean {
    const word = text.split("/")[0]!;
    return /^\d+\.\d+\.\d+\.\d+$/.test(word) || (word.includes(":") && /^[0-9a-fA-F:.]+$/.test(word));
}

/** What a person calls it: the address, the folder of a mount, else the word itself. */
export function shortName(text: string): string {
    const parts = text.split("::");
    switch (kindOf(text)) {
        case "address":
            return (isAddress(text) ? text : (parts[1] ?? text)).split("/")[0]!;
        case "mount":
            return parts[2] ?? text;
        default:
            return parts[0]!;
    }
}

/** The device of a mount; empty for all else. */
export function deviceOf(text: string): string {
    return kindOf(text) === "mount" ? (text.split("::")[1] ?? "") : "";
}
