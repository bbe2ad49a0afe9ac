// The limit of this machine: a loop that answers each request on loopback with the same bytes. It
// parses nothing, logs nothing and keeps no time.
//
//	limit PORT SIZE
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

struct conn {
	int fd;
	long due;   // answers to be sent, the current one included
	size_t sent; // bytes of the current one
	int match;  // how many bytes of an empty line have come
};

static char head[256];
static size_t head_size, body_size;
static char *body;

// send_due sends what is due. It returns 0 if the client has to take some first, -1 if it has gone.
static int send_due(struct conn *c) {
	while (c->due > 0) {
		struct iovec v[2] = {{head, head_size}, {body, body_size}};
		struct iovec *first = v;
		size_t skip = c->sent;
		if (skip >= head_size) {
			first++;
			skip -= head_size;
		}
		first->iov_base = (char *)first->iov_base + skip;
		first->iov_len -= skip;
		ssize_t n = writev(c->fd, first, (int)(v + 2 - first));
		if (n < 0)
			return errno == EAGAIN ? 0 : -1;
		c->sent += (size_t)n;
		if (c->sent == head_size + body_size) {
			c->sent = 0;
			c->due--;
		}
	}
	return 1;
}

// take reads requests and counts them by their empty lines. It returns -1 if the client has gone.
static int take(struct conn *c) {
	static const char end[] = "\r\n\r\n";
	char buf[4096];
	ssize_t n = read(c->fd, buf, sizeof buf);
	if (n <= 0)
		return n < 0 && errno == EAGAIN ? 0 : -1;
	for (ssize_t i = 0; i < n; i++) {
		c->match = buf[i] == end[c->match] ? c->match + 1 : buf[i] == '\r';
		if (c->match == 4) {
			c->match = 0;
			c->due++;
		}
	}
	return 0;
}

int main(int argc, char **argv) {
	if (argc != 3)
		return 2;
	signal(SIGPIPE, SIG_IGN);
	body_size = (size_t)atol(argv[2]);
	body = calloc(1, body_size + 1);
	memset(body, 'a', body_size);
	head_size = (size_t)snprintf(head, sizeof head,
		"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nEtag: \"1\"\r\n"
		"Cache-Control: max-age=86400\r\nContent-Length: %zu\r\n\r\n", body_size);
	int one = 1, l = socket(AF_INET, SOCK_STREAM, 0), e = epoll_create1(0);
	setsockopt(l, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(argv[1])),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	if (bind(l, (struct sockaddr *)&a, sizeof a) || listen(l, 1024))
		return perror("listen"), 1;
	struct conn accepting = {.fd = l};
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = &accepting}, list[64];
	epoll_ctl(e, EPOLL_CTL_ADD, l, &ev);
	for (;;) {
		int n = epoll_wait(e, list, 64, -1);
		for (int i = 0; i < n; i++) {
			struct conn *c = list[i].data.ptr;
			if (c->fd == l) {
				c = calloc(1, sizeof *c);
				c->fd = accept4(l, 0, 0, SOCK_NONBLOCK);
				setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
				ev = (struct epoll_event){.events = EPOLLIN, .data.ptr = c};
				epoll_ctl(e, EPOLL_CTL_ADD, c->fd, &ev);
				continue;
			}
			int waiting = c->due > 0;
			int gone = ((list[i].events & ~EPOLLOUT) && take(c) < 0) || send_due(c) < 0;
			if (gone) {
				close(c->fd);
				free(c);
			} else if (waiting != (c->due > 0)) {
				ev = (struct epoll_event){.events = EPOLLIN | (c->due > 0 ? EPOLLOUT : 0), .data.ptr = c};
				epoll_ctl(e, EPOLL_CTL_MOD, c->fd, &ev);
			}
		}
	}
}
