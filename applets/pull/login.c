/* login.c - who a person is to a registry, as docker and podman keep it
 *
 * SPDX-License-Identifier: MIT
 *
 * A config.json or auth.json holds "auths", in which a host has "auth" (user
 * and password in base64) or a token, and names the programs that keep
 * passwords better: "credHelpers" for some hosts, "credsStore" for the others.
 * podman's keys may go on with a part of the repository's name; the longest
 * that fits counts.
 * https://github.com/containers/image/blob/main/docs/containers-auth.json.5.md
 */
#include <cjson/cJSON.h>
#include <openssl/evp.h>

#include "bng.h"
#include "pull.h"

enum { FILE_MAX = 1 << 20, AUTH_MAX = 16 << 10 };

static const char docker_key[] = "https://index.docker.io/v1/";

static bool
is_host(const char *text, size_t n, const char *host)
{
	static const char *const docker[] = { "index.docker.io",
		"registry-1.docker.io" };

	if (strlen(host) == n && !strncmp(text, host, n))
		return true;
	for (size_t i = 0; i < 2 && !strcmp(host, "docker.io"); i++)
		if (strlen(docker[i]) == n && !strncmp(text, docker[i], n))
			return true;
	return false;
}

/*
 * How closely a key of such a file means this repository: 0 not at all, 1 its
 * host, else how much of its name. Scheme and /v1/ are history.
 */
static size_t
means(const char *key, const char *host, const char *repo)
{
	const char *from = strstr(key, "://");
	size_t n;

	from = from ? from + 3 : key;
	n = strcspn(from, "/");
	if (!is_host(from, n, host))
		return 0;
	from += n;
	if (!strcmp(from, "") || !strcmp(from, "/") ||
	    ((!strncmp(from, "/v1", 3) || !strncmp(from, "/v2", 3)) &&
	    strchr("/", from[3])))
		return 1;
	n = strlen(++from);
	return !strncmp(from, repo, n) && (!repo[n] || repo[n] == '/') ?
	    1 + n : 0;
}

static const cJSON *
entry(const cJSON *j, const char *section, const char *host,
    const char *repo)
{
	const cJSON *e, *best = NULL;
	size_t most = 0;

	cJSON_ArrayForEach(e,
	    cJSON_GetObjectItemCaseSensitive(j, section)) {
		size_t n = e->string ? means(e->string, host, repo) : 0;

		if (n > most) {
			best = e;
			most = n;
		}
	}
	return best;
}

/* "user:password" in base64. */
static bool
unpack(struct login *l, const char *text)
{
	unsigned char out[AUTH_MAX];
	size_t n = strlen(text);
	char *colon;
	int r;

	if (!n || n % 4 || n >= sizeof(out))
		return false;
	r = EVP_DecodeBlock(out, (const unsigned char *)text, (int)n);
	if (r < 0)
		return false;
	r -= (text[n - 1] == '=') + (text[n - 2] == '=');
	out[r] = '\0';
	colon = strchr((char *)out, ':');
	if (!colon)
		return false;
	*colon = '\0';
	l->user = xstrdup((char *)out);
	l->password = xstrdup(colon + 1);
	return true;
}

static char *
text_of(const cJSON *e, const char *key)
{
	const char *text = json_text(e, key);

	return text && *text && strlen(text) < AUTH_MAX ? xstrdup(text) : NULL;
}

static void
auths(struct login *l, const cJSON *e)
{
	autofree char *auth = text_of(e, "auth");

	l->identity = text_of(e, "identitytoken");
	l->token = text_of(e, "registrytoken");
	if (auth)
		l->malformed = !unpack(l, auth);
	if (!l->user && (l->user = text_of(e, "username")))
		l->password = text_of(e, "password");
	if (l->user && !l->password)
		l->password = xstrdup("");
}

bool
login_read(struct login *ret, char **ret_helper, const char *text, size_t n,
    const char *host, const char *repo)
{
	cJSON *j = json_read(text, n);
	const char *helper;
	const cJSON *e;

	if (!j)
		return false;
	helper = cJSON_GetStringValue(entry(j, "credHelpers", host, repo));
	if (!helper)
		helper = json_text(j, "credsStore");
	*ret_helper = helper && *helper ? xstrdup(helper) : NULL;
	e = entry(j, "auths", host, repo);
	if (e)
		auths(ret, e);
	cJSON_Delete(j);
	return true;
}

static bool
known(const struct login *l)
{
	return l->user || l->identity || l->token;
}

/* Take over from a file what it has. */
static void
from_file(struct login *l, const char *path, bool must, const char *host,
    const char *repo)
{
	autofree char *text = NULL, *helper = NULL;
	struct login kept = { 0 }, asked = { 0 };
	size_t n = 0;
	int r = file_slurp(AT_FDCWD, path, FILE_MAX, &text, &n);

	if (r == -ENOENT && !must)
		return;
	if (!r && !login_read(&kept, &helper, text, n, host,
	    repo))
		r = -EBADMSG;
	if (r && must)
		die("cannot read logins from '%s': %s", path,
		    r == -EBADMSG ? "it is not JSON" : strerror(-r));
	if (r)
		warn("cannot read logins from '%s': %s", path,
		    r == -EBADMSG ? "it is not JSON" : strerror(-r));
	if (helper) {
		r = helper_ask(&asked, helper,
		    strcmp(host, "docker.io") ? host : docker_key);
		if (r)
			warn("cannot ask 'docker-credential-%s' for the login "
			    "of '%s': %s", helper, host, strerror(-r));
		if (known(&asked))
			kept = asked;
	}
	if (kept.malformed && !known(&kept))
		warn("cannot use the login of '%s' in '%s': its \"auth\" is "
		    "not USER:PASSWORD in base64", host, path);
	if (known(&kept)) {
		*l = kept;
		l->from = xstrdup(path);
	}
}

/* Below a directory that a variable names, if it does. */
static void
below(struct login *l, const char *variable, const char *path,
    const char *host, const char *repo)
{
	const char *dir = getenv(variable);
	autofree char *file = NULL;

	if (known(l) || !dir || !*dir)
		return;
	file = xasprintf("%s%s", dir, path);
	from_file(l, file, false, host, repo);
}

void
login_find(struct login *ret, const char *file, const char *host,
    const char *repo)
{
	const char *own = getenv("REGISTRY_AUTH_FILE");

	if (!file && own && *own)
		file = own;
	if (file) {
		from_file(ret, file, true, host, repo);
		return;
	}
	if (getenv("DOCKER_CONFIG"))
		below(ret, "DOCKER_CONFIG", "/config.json", host, repo);
	else
		below(ret, "HOME", "/.docker/config.json", host, repo);
	below(ret, "XDG_RUNTIME_DIR", "/containers/auth.json", host, repo);
	below(ret, "HOME", "/.config/containers/auth.json", host, repo);
}
