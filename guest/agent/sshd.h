/* sshd.h - the image's sshd, if it has one */
#ifndef AGENT_SSHD_H
#define AGENT_SSHD_H

/* Its host key is another: one that runs reads it before this returns. */
void sshd_reload(void);

#endif
