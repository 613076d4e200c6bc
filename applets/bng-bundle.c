/* bng-bundle - images and kernels as signed files on any web server
 *
 * SPDX-License-Identifier: MIT
 *
 * usage: bng-bundle make [-l LEVEL] SOURCE DIR
 *        bng-bundle add [-d TEXT] -k KEYFILE BUNDLE
 *        bng-bundle accept -k KEYS DIR URL CATALOG
 *        bng-bundle find -k KEYS CATALOG KIND NAME
 *        bng-bundle list [-jq] [-k KEYS] [-r NAME=TEXT] KIND [URL CATALOG ...]
 *        bng-bundle open -k KEYS CATALOG KIND NAME DIR
 *        bng-bundle key FILE
 *        bng-bundle public FILE
 *        bng-bundle sign -k KEYFILE FILE
 *        bng-bundle verify -k KEYS FILE
 *
 * make packs an image's or a kernel's directory as NAME-ARCH-DIGEST.tar.zst
 * in DIR, add puts a bundle into the catalog.json beside it and signs that.
 * accept keeps a fetched catalog in DIR if it is signed and not older than the
 * one from that URL before, and prints where; find prints what it says of one
 * bundle, list what there is. open unpacks a bundle from stdin: into DIR it
 * comes when it is whole and just what the signed catalog says.
 *
 *   -d  a description         -r  something else that can be had, for list
 *   -j  JSON                  -k  the key to sign with; or trusted ones:
 *   -l  of zstd, 1 to 19          words ed25519:BASE64, or files
 *   -q  names only
 *
 * KIND is image or kernel. The signature of a FILE is in FILE.sig.
 *
 * Linked apart, for libzstd and libcrypto. An applet of its own: bng-pull talks
 * to a network and knows no keys, this one talks to nobody.
 *
 * exit: 0 done; 1 it is refused, or not there; 100 wrong usage; 111 failed
 */
#include "bundle/bundle.h"

static int
bundle_main(int argc, char *argv[])
{
	static const struct verb verbs[] = {
		{ "accept", accept_main }, { "add", add_main },
		{ "find", find_main }, { "key", key_main },
		{ "list", list_main }, { "make", make_main },
		{ "open", open_main }, { "public", public_main },
		{ "sign", sign_main }, { "verify", verify_main },
		{ NULL, NULL },
	};

	return verbs_run(verbs, argc, argv);
}

APPLET(bundle, PLAIN);
