#ifndef SEC_LAB_WIRE_H
#define SEC_LAB_WIRE_H

#include "base/loop.h"

#include "pcap.h"

/*
 * A TCP relay that records: listens on address:port, dials
 * address:port + behind for each connection, and writes what passes into
 * the capture as if it had gone to address:port directly.
 */
struct wire;

/* 0 or SEC_ERR_SYS (errno set). */
int	wire_new(struct wire **out, struct loop *l, struct pcap *p,
	    const char *address, int port, int behind);
void	wire_free(struct wire *w);

#endif
