/* bng-pull - what comes from a network
 *
 * SPDX-License-Identifier: MIT
 *
 * An applet of its own because of libcurl and libcrypto, without which
 * resuming, redirects, proxies, TLS and digests would be ours to get wrong.
 *
 * usage: bng-pull fetch [-p] [-c CAFILE] [-k KEPT] [-m MAXBYTES] [-o FILE]
 *            [-s SHA256] [-t SECONDS] URL
 *        bng-pull unpack [-m MAXBYTES] ARCHIVE MEMBER FILE [MEMBER FILE ...]
 *        bng-pull oci [-ipq] [-M HOST=URL] [-a AUTHFILE] [-c CAFILE]
 *            [-j CONNECTIONS] [-m MAXBYTES] [-t SECONDS] IMAGE
 *        bng-pull ref IMAGE
 *        bng-pull prune [-n] [-k DIGEST]
 *
 * fetch downloads an http, https or file URL to FILE, which appears when it is
 * whole and has the digest, or to stdout. What a broken download left in
 * FILE.part is continued if it still is part of the same file.
 *
 *   -c  certificates to trust instead of the system's
 *   -k  to stdout, and keep what has come in KEPT.part until it is whole, so
 *       that the next run begins with that (it wants -s)
 *   -m  refuse what is larger (a size such as 512M)
 *   -p  show progress on stderr
 *   -s  the SHA-256 that it must have
 *   -t  give up after so long with next to no bytes (default 60)
 *
 * unpack takes members, which must be regular files, out of a tar.gz: MEMBER
 * becomes FILE, a new one, executable.
 *
 *   -m  refuse an archive that unpacks to more (default 256M)
 *
 * oci writes an image of a registry to stdout, as an archive whose layers come
 * topmost first; its blobs stay in the cache. ref says what an image's name
 * means; prune empties the cache of what nobody is using.
 *
 *   -M  a mirror to ask before a registry
 *   -a  where logins are, instead of docker's and podman's files
 *   -i  plain http also with other hosts than this one
 *   -j  at most so many connections (default 8)
 *   -k  a blob to keep
 *   -n  only say what would go
 *   -q  do not even say what it waits for
 *
 * exit: 0 done; 1 the digest differs, or there is no such member; 100 wrong
 * usage; 111 failed
 */
#include "bng.h"
#include "pull/pull.h"

static int
pull_main(int argc, char *argv[])
{
	static const struct verb verbs[] = {
		{ "fetch", fetch_main },
		{ "unpack", unpack_main },
		{ "oci", oci_main },
		{ "ref", ref_main },
		{ "prune", prune_main },
		{ NULL, NULL },
	};

	opterr = 0;
	return verbs_run(verbs, argc, argv);
}

APPLET(pull, PLAIN);
