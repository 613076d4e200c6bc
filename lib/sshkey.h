/* sshkey.h - a new key, as OpenSSH has it in files */
#ifndef BNG_SSHKEY_H
#define BNG_SSHKEY_H

enum { SSHKEY_SECRET = 640, SSHKEY_PUBLIC = 256, SSHKEY_COMMENT = 128 };

struct sshkey {
	char secret[SSHKEY_SECRET];	/* lines, without the last's end */
	char public[SSHKEY_PUBLIC];	/* one line, without its end */
};

/*
 * An Ed25519 key without a passphrase. The comment has at most SSHKEY_COMMENT
 * bytes. 0, or -errno when there are no random bytes. sshkey_forget leaves no
 * trace of it in memory.
 */
int sshkey_make(struct sshkey *k, const char *comment);
void sshkey_forget(struct sshkey *k);

#endif
