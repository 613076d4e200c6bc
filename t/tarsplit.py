#!/usr/bin/python3
"""tarsplit.py - an uncompressed tar in several, as an image has layers

usage: tarsplit.py TAR PREFIX SHARE ...

PREFIX0, PREFIX1 ... get as much of TAR's bytes, entry by entry, as the SHAREs
(percent) say, and the last of them the rest.
"""
import sys
import tarfile

source, prefix, shares = sys.argv[1], sys.argv[2], sys.argv[3:]


def write(n, begin, end):
    with open(source, "rb") as f, open(prefix + str(n), "wb") as out:
        f.seek(begin)
        while begin < end:
            data = f.read(min(1 << 20, end - begin))
            out.write(data)
            begin += len(data)
        out.write(bytes(1024))


with tarfile.open(source) as tar:
    starts = [member.offset for member in tar]
    end = tar.offset
begin, due = 0, 0
for n, share in enumerate(shares[:-1]):
    due += end * int(share) // 100
    stop = next((at for at in starts if at >= due), end)
    write(n, begin, stop)
    begin = stop
write(len(shares) - 1, begin, end)
