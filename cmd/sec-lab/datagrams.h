#ifndef SEC_LAB_DATAGRAMS_H
#define SEC_LAB_DATAGRAMS_H

#include "base/loop.h"

#include "pcap.h"

/*
 * The eavesdropper for UDP: receives on address:port, passes each sender's
 * datagrams on to address:port + behind from a port of the sender's own,
 * sends back what comes there, and writes all of it into the capture as if
 * nobody had stood between.
 */
struct datagrams;

/* 0 or SEC_ERR_SYS (errno set). */
int	datagrams_new(struct datagrams **out, struct loop *l, struct pcap *p,
	    const char *address, int port, int behind);
void	datagrams_free(struct datagrams *d);

#endif
