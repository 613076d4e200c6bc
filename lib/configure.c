/* configure.c - what a machine's agent is configured with; see configure.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <limits.h>
#include <sys/random.h>
#include <time.h>

#include "ask.h"
#include "bng.h"
#include "configure.h"
#include "dirs.h"
#include "ident.h"
#include "manifest.h"
#include "ociconfig.h"
#include "store.h"
#include "vm.h"

/* A value file becomes a string of the message; absent, it does not. */
static void
add_value(cJSON *o, const char *key, int dir, const char *name)
{
	char line[256];

	if (file_line(dir, name, line, sizeof(line)) > 0)
		cJSON_AddStringToObject(o, key, line);
}

static bool
add_file(cJSON *o, const char *key, int dir, const char *name,
    char why[CONFIGURE_WHY])
{
	enum { KEY_FILE_MAX = 15000 };
	autofree char *text = NULL;
	int r = file_slurp(dir, name, KEY_FILE_MAX, &text, NULL);

	if (!r)
		cJSON_AddStringToObject(o, key, text);
	else if (r != -ENOENT)
		snprintf(why, CONFIGURE_WHY, "cannot read '%s': %s", name,
		    r == -EINVAL ? "it is no file" : strerror(-r));
	return !r || r == -ENOENT;
}

static bool
add_entropy(cJSON *o, char why[CONFIGURE_WHY])
{
	enum { BYTES = 64 };
	unsigned char random[BYTES];
	char hex[2 * BYTES + 1];
	ssize_t n;

	/* So few come at once, or not at all. */
	do
		n = getrandom(random, sizeof(random), 0);
	while (n < 0 && errno == EINTR);
	if (n != sizeof(random)) {
		snprintf(why, CONFIGURE_WHY, "cannot get random bytes: %s",
		    strerror(errno));
		return false;
	}
	for (int i = 0; i < BYTES; i++)
		snprintf(hex + 2 * i, 3, "%02x", random[i]);
	cJSON_AddStringToObject(o, "entropy", hex);
	return true;
}

/* As text: a double, which is what cJSON has, would lose nanoseconds. */
void
configure_time(cJSON *o)
{
	char text[32];
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	snprintf(text, sizeof(text), "%lld%09ld", (long long)ts.tv_sec,
	    ts.tv_nsec);
	cJSON_AddRawToObject(o, "time_ns", text);
}

/* A fork's memory holds its parent's, which is none of the fork's. */
static void
add_network(cJSON *o, int dir)
{
	char id[IDENT_ID], mac[IDENT_MAC];

	if (!vm_has_network(dir))
		return;
	add_value(o, "ip", dir, "ip");
	add_value(o, "gateway", dir, "gateway");
	add_value(o, "dns", dir, "dns");
	if (file_line(dir, "id", id, sizeof(id)) < 0 || !ident_ok(id))
		return;
	ident_mac(id, mac);
	cJSON_AddStringToObject(o, "mac", mac);
}

/*
 * How its image says that commands are run; {} when it says nothing, so that
 * what another machine's said does not outlive a fork.
 */
static bool
add_image(cJSON *o, int dir, char why[CONFIGURE_WHY])
{
	char path[PATH_MAX], wrong[OCICONFIG_WHY] = "", yes[8] = "";
	autoclose int image = -1;
	struct manifest *m = NULL;
	cJSON *config = NULL;
	int r = -ENOENT;

	if (store_of_vm(&store_images, dir, path, sizeof(path)) > 0)
		image = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (image >= 0)
		r = manifest_load(image, "manifest.json", &m);
	/* What was not made here may have none. */
	if (r && r != -ENOENT)
		snprintf(why, CONFIGURE_WHY, "cannot read the manifest of its "
		    "image: %s", r == -EBADMSG ? "it is malformed" :
		    strerror(-r));
	else if (!r && ociconfig_take(manifest_config(m), &config, wrong))
		snprintf(why, CONFIGURE_WHY, "the configuration of its image "
		    "is malformed: %s", wrong);
	/* Of the others, whoever made them decided what is in them. */
	if (config && file_line(dir, "bootstrap", yes, sizeof(yes)) > 0 &&
	    !strcmp(yes, "yes") && vm_has_network(dir))
		cJSON_AddTrueToObject(o, "install_sshd");
	cJSON_AddItemToObject(o, "image",
	    config ? config : cJSON_CreateObject());
	if (m)
		manifest_free(m);
	return (!r || r == -ENOENT) && !wrong[0];
}

cJSON *
configure_request(int dir, const char *name, char ret_why[CONFIGURE_WHY])
{
	const char *named = getenv("BANGER_SSH_KEY");
	autofree char *key = named && *named ? xasprintf("%s.pub", named) :
	    xasprintf("%s/ssh/id_ed25519.pub", dir_state());
	cJSON *o = ask_request("configure");

	cJSON_AddStringToObject(o, "hostname", name);
	add_value(o, "machine_id", dir, "id");
	add_network(o, dir);
	cJSON_AddBoolToObject(o, "work",
	    !faccessat(dir, "work.ext4", F_OK, 0));
	cJSON_AddBoolToObject(o, "restored",
	    !faccessat(dir, "restored", F_OK, 0));
	configure_time(o);
	if (add_entropy(o, ret_why) && add_image(o, dir, ret_why) &&
	    add_file(o, "authorized_keys", AT_FDCWD, key, ret_why) &&
	    add_file(o, "ssh_host_key", dir, "ssh_host_key", ret_why) &&
	    add_file(o, "ssh_host_key_pub", dir, "ssh_host_key.pub", ret_why))
		return o;
	cJSON_Delete(o);
	return NULL;
}
