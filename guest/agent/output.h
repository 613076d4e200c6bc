/* output.h - what a job writes, on its way to its client
 *
 * While pages can be moved to the wire they are, in one frame that may be
 * FRAME_WIDE; what is little, or not in a pipe, is read into frames of
 * MUX_FRAME.
 */
#ifndef AGENT_OUTPUT_H
#define AGENT_OUTPUT_H

#include "conn.h"

/*
 * Move what the job of c wrote to this end of it, as much as may be sent.
 * Whether anything was done.
 */
bool output_pump(struct conn *c, struct end *e, enum frame_channel channel);

#endif
