/* The floor: a frame read, a price found, an order written, with two sockets and nothing else.
 *
 * argv: ws-port http-port orders file-with-handshake file-with-order-request
 * The order request holds the word CLIENTORDERID00000000, which is numbered anew for each order.
 * Prints one number a line: nanoseconds from read() returned to write() returned.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static int dial(int port) {
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int line = socket(AF_INET, SOCK_STREAM, 0), one = 1;
  if (connect(line, (struct sockaddr *)&to, sizeof to)) exit(1);
  setsockopt(line, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  struct timeval patience = {.tv_sec = 5};
  setsockopt(line, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  return line;
}

static char *whole(const char *path, size_t *size) {
  FILE *file = fopen(path, "rb");
  if (!file) exit(1);
  char *text = calloc(1, 1 << 16);
  *size = fread(text, 1, (1 << 16) - 1, file);
  fclose(file);
  return text;
}

static int64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

int main(int argc, char **argv) {
  if (argc != 6) return 2;
  static char frame[1 << 17], answer[1 << 16];
  size_t hello_size, order_size;
  char *hello = whole(argv[4], &hello_size), *order = whole(argv[5], &order_size);
  char *number = strstr(order, "CLIENTORDERID00000000") + 13;
  int stream = dial(atoi(argv[1])), orders = dial(atoi(argv[2])), wanted = atoi(argv[3]);
  size_t head = strstr(hello, "\r\n\r\n") + 4 - hello;
  if (write(stream, hello, head) < 0) return 1;
  if (read(stream, answer, sizeof answer) <= 0) return 1;
  if (write(stream, hello + head, hello_size - head) < 0) return 1;
  for (int done = 0; done < wanted;) {
    ssize_t got = read(stream, frame, sizeof frame - 1);
    int64_t start = now();
    if (got <= 0) return 1;
    frame[got] = 0;
    char *delta = strstr(frame, "\"orderbook_delta\"");
    char *price = delta ? strstr(delta, "\"price_dollars\":\"") : NULL;
    if (!price || atof(price + 17) < 0.0001) continue;
    char digits[9];
    snprintf(digits, sizeof digits, "%08d", done);
    memcpy(number, digits, 8);
    if (write(orders, order, order_size) < 0) return 1;
    printf("%lld\n", (long long)(now() - start));
    done++;
    if (read(orders, answer, sizeof answer) <= 0) return 1;
  }
  return 0;
}
