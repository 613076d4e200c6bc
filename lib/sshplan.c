/* sshplan.c - how an image without sshd gets one; see sshplan.h
 *
 * SPDX-License-Identifier: MIT
 *
 * A distribution that is derived from one of these names it in ID_LIKE.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "clean.h"
#include "sshplan.h"

static const struct sshplan plans[] = {
	{ "debian", "debian ubuntu", "apt-get",
	    "DEBIAN_FRONTEND=noninteractive\n"
	    "export DEBIAN_FRONTEND\n"
	    "apt-get -q update\n"
	    "apt-get -q -y --no-install-recommends "
	    "-o Dpkg::Options::=--force-confold install openssh-server\n" },
	{ "alpine", "alpine", "apk",
	    "apk add --no-cache openssh-server openssh-sftp-server\n" },
	{ "fedora", "fedora rhel centos amzn", "dnf, microdnf or yum",
	    "for manager in dnf microdnf yum; do\n"
	    "	if command -v $manager >/dev/null; then break; fi\n"
	    "done\n"
	    "$manager -y install openssh-server\n" },
	{ "arch", "arch archlinux", "pacman",
	    "pacman -Sy --noconfirm --needed openssh\n" },
	{ "suse", "suse opensuse sles opensuse-leap opensuse-tumbleweed",
	    "zypper",
	    "zypper --non-interactive install --no-recommends openssh\n" },
};

/*
 * Reached by a key alone. One host key, made outside and pinned there: others
 * would only take time, and a package makes none where it finds some.
 */
const char sshplan_before[] =
    "set -e\n"
    "mkdir -p /etc/ssh/sshd_config.d\n"
    "cat >/etc/ssh/sshd_config.d/10-banger.conf <<'END'\n"
    "HostKey /etc/ssh/ssh_host_ed25519_key\n"
    "PermitRootLogin prohibit-password\n"
    "PasswordAuthentication no\n"
    "KbdInteractiveAuthentication no\n"
    "END\n"
    "for key in rsa ecdsa; do\n"
    "	: >>/etc/ssh/ssh_host_${key}_key\n"
    "done\n";

/* A locked account could not log in by its key; sshd itself comes last. */
const char sshplan_after[] =
    "for key in rsa ecdsa; do\n"
    "	[ -s /etc/ssh/ssh_host_${key}_key ] ||\n"
    "		rm -f /etc/ssh/ssh_host_${key}_key\n"
    "done\n"
    "if [ -f /etc/shadow ]; then\n"
    "	sed -i 's/^root:![^:]*:/root:*:/' /etc/shadow\n"
    "fi\n"
    "mkdir -p /run/sshd\n"
    "if [ -d /run/systemd/system ]; then\n"
    "	systemctl enable --now ssh 2>/dev/null || "
    "systemctl enable --now sshd\n"
    "elif [ -d /run/openrc ] && [ -x /etc/init.d/sshd ]; then\n"
    "	rc-update add sshd default\n"
    "	rc-service sshd start\n"
    "elif [ ! -e /run/sshd.pid ]; then\n"
    "	\"$(command -v sshd)\"\n"
    "fi\n";

/* The value of KEY=, without its quotes, or "". */
static void
value_of(const char *text, const char *key, char *out, size_t size)
{
	size_t len = strlen(key), n;

	*out = '\0';
	for (; text; text = strchr(text, '\n')) {
		text += *text == '\n';
		if (strncmp(text, key, len) || text[len] != '=')
			continue;
		text += len + 1;
		text += strspn(text, "\"'");
		n = strcspn(text, "\"'\n");
		snprintf(out, size, "%.*s", (int)n, text);
		return;
	}
}

static bool
has_word(const char *words, const char *word, size_t len)
{
	for (; *words; words += strspn(words, " ")) {
		size_t n = strcspn(words, " ");

		if (n == len && !strncmp(words, word, n))
			return true;
		words += n;
	}
	return false;
}

const struct sshplan *
sshplan_find(const char *os_release, char id[SSHPLAN_ID])
{
	char words[2 * SSHPLAN_ID + 256], like[256];

	value_of(os_release, "ID", id, SSHPLAN_ID);
	value_of(os_release, "ID_LIKE", like, sizeof(like));
	snprintf(words, sizeof(words), "%s %s", id, like);
	for (const char *w = words; *w; w += strspn(w, " ")) {
		size_t n = strcspn(w, " ");

		for (size_t i = 0; n && i < ARRAY_SIZE(plans); i++)
			if (has_word(plans[i].ids, w, n))
				return &plans[i];
		w += n;
	}
	return NULL;
}
