#!/bin/sh
# The link to the agent, against a guest that is played: no machine here.
. "$(dirname "$0")/lib.sh"

ok 'a HELLO is found in noise, in pieces' 'linktest noise'
ok 'an answer to an earlier question is let pass' 'linktest stale'
ok 'a new agent resets every stream, what is under way is let pass' '
	linktest again
'
ok 'data beyond the window breaks the link' 'linktest overrun'
ok 'an agent that asks may send more at once, but not without end' '
	linktest wide
'
ok 'a client that reads slowly gets every byte, in its order' 'linktest slow'
ok 'all streams together keep no more than that for those that ask' '
	linktest bound
'
ok 'credit beyond the window breaks the link' 'linktest credit'
ok 'data on a stream that there is not breaks the link' 'linktest unknown'
ok 'so does a stream number out of range' 'linktest far'
ok 'so does a guest that opens a stream' 'linktest opens'
ok 'so does a frame that is too long' 'linktest long'
ok 'an agent may send a longer one than the host' 'linktest longest'
ok 'a stream is free when both have closed it, not before' 'linktest closing'
ok 'a client is read no further than the guest has given credit' '
	linktest window
'
ok 'random frames do no harm' 'linktest fuzz'
done_testing
