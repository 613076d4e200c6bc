#!/usr/bin/env python3
"""Servers of a host: some for itself, one for the world, and its names.

Says "ready" when they listen. Each TCP server sends one line, what it is, and
closes. Any name that is asked for is 198.51.100.1.
"""
import socket
import threading

WORLD = "198.51.100.1"


def tcp(address, port, word):
    s = socket.create_server((address, port), backlog=64)

    def serve():
        while True:
            c, _ = s.accept()
            c.sendall(word + b"\n")
            c.close()

    threading.Thread(target=serve, daemon=True).start()


def names(s):
    while True:
        query, peer = s.recvfrom(512)
        end = query.index(b"\0", 12) + 5
        found = query[end - 4:end - 2] == b"\0\1"  # an A
        head = query[:2] + b"\x81\x80\0\1\0" + bytes([found]) + b"\0\0\0\0"
        answer = b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4" + socket.inet_aton(WORLD)
        s.sendto(head + query[12:end] + (answer if found else b""), peer)


dns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
dns.bind(("127.0.0.77", 53))
tcp("127.0.0.1", 8080, b"secret")
tcp("127.0.0.77", 8080, b"secret")
tcp(WORLD, 8080, b"world")
print("ready", flush=True)
names(dns)
