/* entry.h - what runs of what the image itself runs
 *
 * A process that becomes the image's own command leaves a note in
 * /run/banger/entry, so that the machine's end can ask it to end in the way
 * that the image says: by its stop_signal. A note of a process that is gone
 * is told by when it started.
 */
#ifndef AGENT_ENTRY_H
#define AGENT_ENTRY_H

/* This process is about to become the image's command. */
void entry_note(void);

/*
 * Where the image names a signal: send it, and wait until they have ended, for
 * so many milliseconds at most.
 */
void entry_stop(int ms);

#endif
