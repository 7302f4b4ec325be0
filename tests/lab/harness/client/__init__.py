"""The client of the shared address: programs that keep writing and reading a file over SMB and NFS.

`record` is what they write, `acks` what they note down, `smb` and `nfs` one session each, `worker`
the program, `control` how the lab starts and asks it. Nothing here knows of nodes or of hbd.
"""
