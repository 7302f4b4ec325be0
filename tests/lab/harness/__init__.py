"""Two booted Debian nodes, one disk, one client: a real cluster on one machine.

The lab builds what the article describes out of the kernel's own parts: network namespaces and veth
pairs for cables, a pty pair for the null-modem, two loop devices over one file for the shared disk,
systemd-nspawn for the machines. `cluster.Lab` puts them together; each part is a module that knows
nothing of the others. Whatever a part makes on this machine it first writes into the `ledger`, and
taking down is nothing but reading the ledger backwards, so a crash leaves nothing for ever.
"""
