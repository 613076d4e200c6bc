#!/usr/bin/python3
"""tokend.py - a token server for docker-registry, for tests

usage: tokend.py KEY CERT USER PASSWORD

Listens on a port of 127.0.0.1 that it prints to stderr; a line "METHOD PATH
WHO STATUS" to stdout for each request. It gives tokens for "the tests" alone,
in scopes "repository:NAME:pull[,push]", signed with KEY (RS256, the
certificate along with it): to anybody for names that begin with "open", else
to those who show USER and PASSWORD (basic), or the identity token that is
the reverse of PASSWORD (POST, OAuth2). Who may not gets a token without
access, as the specification has it; a wrong password is 401. The path says how
the token is called: /token, /access (access_token alone), /both.
"""
import base64
import ctypes
import http.server
import json
import signal
import subprocess
import sys
import time
import urllib.parse

KEY, CERT, USER, PASSWORD = sys.argv[1:5]


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def sign(access):
    with open(CERT) as f:
        pem = f.read().split("-----")[2]
    head = {"typ": "JWT", "alg": "RS256", "x5c": ["".join(pem.split())]}
    now = int(time.time())
    body = {"iss": "tokend", "aud": "the tests", "sub": "", "iat": now,
            "nbf": now - 10, "exp": now + 300, "jti": str(time.time_ns()),
            "access": access}
    text = b".".join(b64(json.dumps(x).encode()) for x in (head, body))
    signed = subprocess.run(["openssl", "dgst", "-sha256", "-sign", KEY],
                            input=text, stdout=subprocess.PIPE, check=True)
    return (text + b"." + b64(signed.stdout)).decode()


def granted(scopes, known):
    for scope in scopes:
        kind, name, actions = scope.split(":")
        if known or name.startswith("open"):
            allowed = actions.split(",") if known else ["pull"]
            yield {"type": kind, "name": name, "actions": allowed}


class Tokens(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status, what):
        text = json.dumps(what).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def note(self, who, status):
        print(self.command, self.path, who, status, flush=True)

    def give(self, fields, known, who):
        if fields.get("service") != ["the tests"]:
            self.note(who, 400)
            return self.answer(400, {"details": "another service"})
        try:
            scopes = " ".join(fields.get("scope", [])).split()
            access = list(granted(scopes, known))
        except ValueError:
            self.note(who, 400)
            return self.answer(400, {"details": "no such scope"})
        self.note(who, 200)
        names = {"/access": ["access_token"], "/token": ["token"],
                 "/both": ["token", "access_token"]}
        path = urllib.parse.urlsplit(self.path).path
        token = sign(access)
        return self.answer(200, {name: token for name in names[path]})

    def do_GET(self):
        shown = self.headers.get("Authorization", "")
        right = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        who = "basic" if shown else "nobody"
        if shown and shown != "Basic " + right:
            self.note(who, 401)
            return self.answer(401, {"details": "wrong"})
        query = urllib.parse.urlsplit(self.path).query
        return self.give(urllib.parse.parse_qs(query), bool(shown), who)

    def do_POST(self):
        size = min(int(self.headers.get("Content-Length", 0)), 65536)
        fields = urllib.parse.parse_qs(self.rfile.read(size).decode())
        right = [PASSWORD[::-1]]
        if (fields.get("grant_type") != ["refresh_token"]
                or fields.get("refresh_token") != right
                or not fields.get("client_id")):
            self.note("identity", 401)
            return self.answer(401, {"details": "wrong"})
        return self.give(fields, True, "identity")

    def log_message(self, *_):
        pass


ctypes.CDLL(None).prctl(1, signal.SIGKILL)
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Tokens)
print(f"listening on 127.0.0.1:{server.server_port}", file=sys.stderr,
      flush=True)
server.serve_forever()
