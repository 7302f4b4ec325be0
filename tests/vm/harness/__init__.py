"""Two virtual machines, a storage array and their wires: what no container can show.

Here the kernel is a machine's own: its NFS server, its UART with modem lines, its watchdog, its
iSCSI disk with persistent reservations, its panic, its stopped processor. `cluster.Lab` puts it
together out of QEMU (pure emulation: no KVM is needed), a network namespace of the lab's own and
the parts of `tests.lab.harness` that fit: ledger, wires and client. Booting costs a minute or two,
so it is done once: every story begins from a saved state of all machines (`snapshot`).
"""
