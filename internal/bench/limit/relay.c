// The limit of what passes on bytes: a relay that copies them between each client and a server on
// loopback. It parses nothing, keeps nothing and logs nothing.
//
//	relay PORT SERVER-PORT
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { buffer_size = 1 << 20 };

static struct sockaddr_in there;

static struct sockaddr_in loopback(const char *port) {
	return (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(port)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

// pass sends on what there is to be read. It returns 0 once either end has gone.
static int pass(int from, int to, char *buf) {
	ssize_t n = read(from, buf, buffer_size);
	for (ssize_t sent = 0, w; sent < n; sent += w)
		if ((w = write(to, buf + sent, (size_t)(n - sent))) < 0)
			return 0;
	return n > 0;
}

// serve is the thread of one client.
static void *serve(void *arg) {
	int one = 1, client = (int)(intptr_t)arg, server = socket(AF_INET, SOCK_STREAM, 0);
	char *buf = malloc(buffer_size);
	setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	setsockopt(server, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	int open = connect(server, (struct sockaddr *)&there, sizeof there) == 0;
	struct pollfd p[] = {{client, POLLIN, 0}, {server, POLLIN, 0}};
	while (open && poll(p, 2, -1) > 0)
		for (int i = 0; i < 2 && open; i++)
			if (p[i].revents)
				open = pass(p[i].fd, p[1 - i].fd, buf);
	close(client);
	close(server);
	free(buf);
	return 0;
}

int main(int argc, char **argv) {
	if (argc != 3)
		return 2;
	signal(SIGPIPE, SIG_IGN);
	int one = 1, l = socket(AF_INET, SOCK_STREAM, 0);
	setsockopt(l, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	struct sockaddr_in here = loopback(argv[1]);
	there = loopback(argv[2]);
	if (bind(l, (struct sockaddr *)&here, sizeof here) || listen(l, 1024))
		return perror("listen"), 1;
	for (;;) {
		pthread_t t;
		int client = accept(l, 0, 0);
		if (client >= 0 && pthread_create(&t, 0, serve, (void *)(intptr_t)client) == 0)
			pthread_detach(t);
		else
			close(client);
	}
}
