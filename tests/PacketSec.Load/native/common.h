/* What the programs that the datagram path is compared with share: options, clocks, the datagrams' content, the measured window. */
#ifndef COMMON_H
#define COMMON_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

#define SECOND 1000000000ull
#define SOCKET_BUFFER (4 << 20)
#define QUIET_MILLISECONDS 250
#define QUIET_TIMEOUTS 8
#define FIRST_TIMEOUTS 240
#define LOOK_EVERY 64

static inline _Noreturn void fail(const char *what)
{
    perror(what);
    exit(1);
}

static inline _Noreturn void usage(const char *text)
{
    fprintf(stderr, "usage: %s\n", text);
    exit(2);
}

static inline const char *option(int argc, char **argv, const char *name, const char *otherwise)
{
    for (int i = 1; i + 1 < argc; i++)
        if (!strcmp(argv[i], name))
            return argv[i + 1];
    return otherwise;
}

static inline long number(int argc, char **argv, const char *name, long otherwise)
{
    const char *text = option(argc, argv, name, NULL);
    return text ? strtol(text, NULL, 10) : otherwise;
}

static inline uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * SECOND + (uint64_t)t.tv_nsec;
}

/* All of it, and the part that is the system's. */
static inline double cpu_seconds(double *system)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    *system = (double)u.ru_stime.tv_sec + (double)u.ru_stime.tv_usec / 1e6;
    return *system + (double)u.ru_utime.tv_sec + (double)u.ru_utime.tv_usec / 1e6;
}

/*
 * The content of a datagram: its index in the first 64-bit little-endian word, 0 for the first that the sender makes, and words that are the same in
 * all datagrams after it. So a receiver can tell for each datagram by itself whether it is whole, and what was lost leaves no gap in the proof.
 */
static inline void fill_template(uint8_t *payload, size_t length)
{
    for (size_t i = 0; i < length / 8; i++)
    {
        uint64_t word = i * 0x9E3779B97F4A7C15ull;
        memcpy(payload + 8 * i, &word, 8);
    }
}

static inline uint64_t word_at(const uint8_t *p) { uint64_t w; memcpy(&w, p, 8); return w; }

/* The sum of the words, in four chains, as the .NET side has it. */
static inline uint64_t sum_words(const uint8_t *p, size_t length)
{
    uint64_t a = 0, b = 0, c = 0, d = 0;
    size_t i = 0;
    for (; i + 32 <= length; i += 32)
    {
        a += word_at(p + i);
        b += word_at(p + i + 8);
        c += word_at(p + i + 16);
        d += word_at(p + i + 24);
    }
    for (; i + 8 <= length; i += 8)
        a += word_at(p + i);
    return a + b + c + d;
}

/* Everything that was sent or delivered, and the window of it that is measured: --seconds long, one second after the first datagram. */
struct meter
{
    uint64_t total, checksum, index_sum, wrong;
    uint64_t template_sum, length_ns, next_look;
    uint64_t first_ns, begin_ns, begin_total, packets;
    double begin_cpu, begin_system, cpu, system, seconds;
    size_t payload;
};

static inline void meter_start(struct meter *m, size_t payload, long seconds)
{
    uint8_t *t = calloc(1, payload);
    memset(m, 0, sizeof *m);
    fill_template(t, payload);
    m->template_sum = sum_words(t, payload);
    m->length_ns = (uint64_t)seconds * SECOND;
    m->payload = payload;
    free(t);
}

static inline void meter_look(struct meter *m)
{
    uint64_t now = now_ns();
    m->next_look = m->total + LOOK_EVERY;
    if (!m->first_ns)
        m->first_ns = now;
    else if (!m->begin_ns && now - m->first_ns >= SECOND)
    {
        m->begin_ns = now;
        m->begin_total = m->total;
        m->begin_cpu = cpu_seconds(&m->begin_system);
    }
    else if (m->begin_ns && m->seconds == 0 && now - m->begin_ns >= m->length_ns)
    {
        m->cpu = cpu_seconds(&m->system) - m->begin_cpu;
        m->system -= m->begin_system;
        m->packets = m->total - m->begin_total;
        m->seconds = (double)(now - m->begin_ns) / 1e9;
    }
}

static inline void meter_delivered(struct meter *m, const uint8_t *payload, size_t length)
{
    if (length != m->payload)
    {
        m->wrong++;
        return;
    }
    uint64_t sum = sum_words(payload, length), index = word_at(payload);
    m->wrong += sum - index != m->template_sum;
    m->checksum += sum;
    m->index_sum += index;
    if (m->total++ >= m->next_look)
        meter_look(m);
}

static inline void meter_sent(struct meter *m, uint64_t count)
{
    m->total += count;
    if (m->total >= m->next_look)
        meter_look(m);
}

/* Senders go on a little, so that the receiver's window, which began later, is filled. */
static inline int meter_sender_is_done(const struct meter *m)
{
    return m->seconds > 0 && now_ns() - m->begin_ns >= m->length_ns + SECOND / 4;
}

static inline void meter_expect_all(struct meter *m)
{
    m->index_sum = m->total * (m->total - 1) / 2;
    m->checksum = m->total * m->template_sum + m->index_sum;
}

static inline void meter_print(const char *role, const struct meter *m)
{
    printf("{\"role\":\"%s\",\"packets\":%" PRIu64 ",\"seconds\":%.6f,\"cpuSeconds\":%.6f,\"checksum\":%" PRIu64 ",\"indexSum\":%" PRIu64
           ",\"total\":%" PRIu64 ",\"wrong\":%" PRIu64 ",\"systemSeconds\":%.6f}\n",
        role, m->packets, m->seconds, m->cpu, m->checksum, m->index_sum, m->total, m->wrong, m->system);
    fflush(stdout);
}

static inline int udp_socket(in_addr_t address, uint16_t port)
{
    int s = socket(AF_INET, SOCK_DGRAM, 0), size = SOCKET_BUFFER, discover = IP_PMTUDISC_PROBE;
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = address, .sin_port = htons(port)};
    if (s < 0 || setsockopt(s, SOL_SOCKET, SO_RCVBUF, &size, sizeof size) || setsockopt(s, SOL_SOCKET, SO_SNDBUF, &size, sizeof size))
        fail("socket");
    /* As an endpoint's socket has it. Without it each send waits for a counter of the system, to number fragments that never are. */
    if (setsockopt(s, IPPROTO_IP, IP_MTU_DISCOVER, &discover, sizeof discover))
        fail("IP_MTU_DISCOVER");
    if (bind(s, (struct sockaddr *)&a, sizeof a))
        fail("bind");
    return s;
}

static inline void set_quiet_timeout(int s)
{
    struct timeval t = {.tv_usec = QUIET_MILLISECONDS * 1000};
    if (setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t))
        fail("SO_RCVTIMEO");
}

/* Called when a receive timed out: whether the sender is through. */
static inline int meter_is_over(const struct meter *m, int *timeouts)
{
    ++*timeouts;
    if (!m->total && *timeouts >= FIRST_TIMEOUTS)
    {
        fprintf(stderr, "no datagram came within a minute\n");
        exit(1);
    }
    return m->seconds > 0 || (m->total && *timeouts >= QUIET_TIMEOUTS);
}

static inline void print_ready(int s)
{
    struct sockaddr_in a;
    socklen_t length = sizeof a;
    if (getsockname(s, (struct sockaddr *)&a, &length))
        fail("getsockname");
    printf("{\"ready\":true,\"port\":%d}\n", ntohs(a.sin_port));
    fflush(stdout);
}

#endif
