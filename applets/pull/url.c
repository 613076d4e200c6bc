/* url.c - the URL that bng-pull fetches, with and without what is secret
 *
 * SPDX-License-Identifier: MIT
 */
#include <curl/curl.h>

#include "bng.h"
#include "pull.h"

/* libcurl takes a directory for an empty file. */
static void
refuse_directory(CURLU *u, const char *shown)
{
	struct stat st;
	char *path;

	if (!curl_url_get(u, CURLUPART_PATH, &path, CURLU_URLDECODE) &&
	    !stat(path, &st) && S_ISDIR(st.st_mode))
		die("cannot fetch '%s': %s", shown, strerror(EISDIR));
}

void
xurl(const char *text, char **ret_url, char **ret_shown)
{
	CURLU *u = curl_url();
	char *scheme = NULL;

	if (!u || curl_url_set(u, CURLUPART_URL, text, 0) ||
	    curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) ||
	    (strcmp(scheme, "http") && strcmp(scheme, "https") &&
	    strcmp(scheme, "file")))
		die_usage("that is not an http, https or file URL");
	if (curl_url_get(u, CURLUPART_URL, ret_url, 0) ||
	    curl_url_set(u, CURLUPART_USER, NULL, 0) ||
	    curl_url_set(u, CURLUPART_PASSWORD, NULL, 0) ||
	    curl_url_get(u, CURLUPART_URL, ret_shown, 0))
		die("out of memory");
	if (!strcmp(scheme, "file"))
		refuse_directory(u, *ret_shown);
}
