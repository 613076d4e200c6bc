/* bootssh.h - an image without sshd gets one at its first boot, beside all else
 *
 * While it is so, and after it has failed, SSHD_STATE says in one line what
 * there is to know; what the package manager said is in SSHD_LOG.
 */
#ifndef AGENT_BOOTSSH_H
#define AGENT_BOOTSSH_H

#define SSHD_STATE "/run/banger/sshd"
#define SSHD_LOG "/var/log/banger-sshd.log"

/* In a process of its own, that nobody waits for. */
void bootssh_begin(void);

#endif
