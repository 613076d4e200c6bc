/* fcagent.h - the agent behind Firecracker's vsock
 *
 * It connects to the host to say that it is there; what clients of the machine
 * say to it goes the other way. A machine that is saved loses all connections,
 * and Firecracker does not know it: its end of one is open until the guest is
 * sent something on it, of which it has not heard.
 */
#ifndef BNG_FCAGENT_H
#define BNG_FCAGENT_H

#include <stdint.h>

#include "fcvmm.h"

void fcagent_init(struct fc *f);

/* Listen for it below f->sockets. 0 or -errno. */
int fcagent_listen(struct fc *f);

/*
 * Its machine is to stand still: who comes waits. It stood still, was perhaps
 * saved, and will go on now. It does not stand still.
 */
void fcagent_hold(struct fc *f);
void fcagent_held(struct fc *f);
void fcagent_moves(struct fc *f);

/* Its machine has ended. */
void fcagent_end(struct fc *f);

/* Of struct vmm: a client for a port of the agent, and how many there are. */
void fcagent_carry(void *sup, int client, uint32_t port);
unsigned fcagent_carried(void *sup);

#endif
