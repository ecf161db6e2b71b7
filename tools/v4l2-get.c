// SPDX-License-Identifier: Apache-2.0
//
// get ADDRESS PORT PATH [HEADER...]: prints the body of what a server answers to HTTP/1.0, for the
// machine of tools/v4l2-test, whose static busybox cannot look names up. Fails where the status is
// not 200.
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int count, char **words) {
    static char bytes[65536];
    if (count < 4)
        return 64;
    struct sockaddr_in place = {.sin_family = AF_INET,
                                .sin_port = htons((unsigned short)atoi(words[2]))};
    const int server = socket(AF_INET, SOCK_STREAM, 0);
    if (inet_pton(AF_INET, words[1], &place.sin_addr) != 1 ||
        connect(server, (struct sockaddr *)&place, sizeof place) != 0)
        return 1;
    int length = snprintf(bytes, sizeof bytes, "GET %s HTTP/1.0\r\n", words[3]);
    if (count == 4)
        length += snprintf(bytes + length, sizeof bytes - (size_t)length, "Host: localhost\r\n");
    for (int i = 4; i < count; i++)
        length += snprintf(bytes + length, sizeof bytes - (size_t)length, "%s\r\n", words[i]);
    length += snprintf(bytes + length, sizeof bytes - (size_t)length, "\r\n");
    if (write(server, bytes, (size_t)length) != length)
        return 1;
    // The head, which comes in one piece or several.
    size_t held = 0;
    char *body = NULL;
    while (!body && held < sizeof bytes - 1) {
        const ssize_t got = read(server, bytes + held, sizeof bytes - 1 - held);
        if (got <= 0)
            return 1;
        held += (size_t)got;
        bytes[held] = 0;
        body = strstr(bytes, "\r\n\r\n");
    }
    if (!body || strncmp(bytes + 8, " 200 ", 5) != 0)
        return 1;
    body += 4;
    fwrite(body, 1, held - (size_t)(body - bytes), stdout);
    ssize_t got;
    while ((got = read(server, bytes, sizeof bytes)) > 0)
        if (fwrite(bytes, 1, (size_t)got, stdout) != (size_t)got || fflush(stdout) != 0)
            break;
    return 0;
}
