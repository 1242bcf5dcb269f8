#ifndef SEC_LAB_PCAP_H
#define SEC_LAB_PCAP_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A capture file in which relayed bytes look as if tcpdump had seen them:
 * IPv4 (LINKTYPE_RAW), TCP with sequence numbers and checksums, UDP.
 */
struct pcap;

/* Takes over fd, an empty file. NULL when it cannot be written. */
struct pcap *pcap_new(int fd);
void	pcap_free(struct pcap *p);

/* One recorded connection; side 0 opened it. */
struct pcap_flow {
	struct sockaddr_in	end[2];
	uint32_t		seq[2];
	int			closed[2];
	int			begun;
};
/* SYN, SYN-ACK, ACK. */
void	pcap_begin(struct pcap *p, struct pcap_flow *f,
	    const struct sockaddr_in *from, const struct sockaddr_in *to);
/* n bytes that `side` sent. */
void	pcap_data(struct pcap *p, struct pcap_flow *f, int side,
	    const void *bytes, size_t n);
/* FIN of a side, or RST for both. */
void	pcap_end(struct pcap *p, struct pcap_flow *f, int side, int reset);

/* A datagram of n bytes. */
void	pcap_datagram(struct pcap *p, const struct sockaddr_in *from,
	    const struct sockaddr_in *to, const void *bytes, size_t n);

#endif
