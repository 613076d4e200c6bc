#!/usr/bin/python3
"""smalltar.py DIRS FILES - a tar of so many directories, each with so many
small files, on stdout."""
import sys


def header(name, kind, size):
    h = bytearray(512)
    h[:len(name)] = name.encode()
    h[100:107] = h[108:115] = h[116:123] = b'0000000'
    h[100:107] = b'0000755' if kind == b'5' else b'0000644'
    h[124:135] = b'%011o' % size
    h[136:147] = b'14000000000'
    h[148:156] = b' ' * 8
    h[156:157] = kind
    h[257:265] = b'ustar\00000'
    h[148:155] = b'%06o\0' % sum(h)
    return bytes(h)


out = sys.stdout.buffer
dirs, files = map(int, sys.argv[1:])
for d in range(dirs):
    out.write(header('t/dir-%05d/' % d, b'5', 0))
    for f in range(files):
        text = b'line %d of %d\n' % (d, f) * (1 + (7 * d + 13 * f) % 150)
        out.write(header('t/dir-%05d/file-%d' % (d, f), b'0', len(text)))
        out.write(text + bytes(-len(text) % 512))
out.write(bytes(10240))
