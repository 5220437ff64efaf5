/*
 * The datagram path without anything around it: what a program in C makes of the same sockets, the same cipher and the same replay window. One key
 * that both sides are given, no handshake, no timer, no other peer; or 10,000 peers, each with a key, a counter and a window of its own.
 */
#include "common.h"
#include "cipher.h"

#define USAGE "datapath send --port N --key HEX --mode gso|single | recv --key HEX --mode gro|single  [--payload 1200] [--seconds 3] [--peers N [--burst 1|16]] | version"
#define MAX_SEND 65507
#define MAX_SEGMENTS 64
#define BATCH 64
#define RECEIVE_BUFFERS 8
#define RECEIVE_SIZE 65536
#define WINDOW_WORDS 128
#define WINDOW ((WINDOW_WORDS - 1) * 64)
#define FIRST_COUNTER 16
#define LAST_COUNTER 0x7FFFFFFFu

struct peer
{
    uint64_t address;
    uint8_t key[32];
    uint32_t next, highest;
    uint64_t seen[WINDOW_WORDS];
};

static uint8_t key[32];
static size_t payload, datagram_size;
static long peer_count, burst, seconds;
static struct meter meter;
static struct cipher cipher;

/* Peers 0 to 15 are 127.1.0.1 to 127.1.0.16, the next 16 are in 127.2.0, and so on. */
static uint32_t source_of(uint32_t peer)
{
    uint32_t net = peer / 16;
    return 127u << 24 | (1 + net % 250) << 16 | (net / 250) << 8 | (1 + peer % 16);
}

static uint32_t peer_of(uint32_t source)
{
    return (((source >> 16 & 255) - 1) + 250 * (source >> 8 & 255)) * 16 + (source & 255) - 1;
}

static void peer_start(struct peer *p, uint32_t index)
{
    uint64_t mixed = (index + 1) * 0x9E3779B97F4A7C15ull;
    memset(p, 0, sizeof *p);
    memcpy(p->key, key, sizeof key);
    for (int i = 0; i < 8; i++)
        p->key[i] ^= (uint8_t)(mixed >> 8 * i);
    p->next = FIRST_COUNTER;
}

/* --- sending --- */

static void send_one_peer(int s, const struct sockaddr_in *to, int gso)
{
    uint8_t *plain = calloc(1, payload), *buffer = calloc(1, MAX_SEND);
    int most = MAX_SEND / (int)datagram_size, segments = gso ? (most < MAX_SEGMENTS ? most : MAX_SEGMENTS) : 1;
    uint32_t counter = FIRST_COUNTER;
    uint64_t index = 0;
    int size = (int)datagram_size;
    if (gso && setsockopt(s, SOL_UDP, UDP_SEGMENT, &size, sizeof size))
        fail("UDP_SEGMENT");
    fill_template(plain, payload);
    while (!meter_sender_is_done(&meter))
    {
        /* The clock is read once for as many datagrams as in the batches. */
        for (int rounds = gso ? 1 : LOOK_EVERY; rounds > 0; rounds--)
        {
            for (int i = 0; i < segments; i++, index++)
            {
                memcpy(plain, &index, 8);
                seal(&cipher, NULL, counter++, plain, (int)payload, buffer + (size_t)i * datagram_size);
            }
            if (sendto(s, buffer, (size_t)segments * datagram_size, 0, (const struct sockaddr *)to, sizeof *to) < 0)
                fail("sendto");
            meter_sent(&meter, (uint64_t)segments);
        }
    }
}

struct control
{
    char bytes[CMSG_SPACE(sizeof(struct in_pktinfo)) + CMSG_SPACE(sizeof(uint16_t))];
} __attribute__((aligned(8)));

static void write_control(struct msghdr *m, struct control *control, uint32_t source)
{
    m->msg_control = control;
    m->msg_controllen = CMSG_SPACE(sizeof(struct in_pktinfo)) + (burst > 1 ? CMSG_SPACE(sizeof(uint16_t)) : 0);
    struct cmsghdr *c = CMSG_FIRSTHDR(m);
    struct in_pktinfo info = {.ipi_spec_dst.s_addr = htonl(source)};
    c->cmsg_level = IPPROTO_IP;
    c->cmsg_type = IP_PKTINFO;
    c->cmsg_len = CMSG_LEN(sizeof info);
    memcpy(CMSG_DATA(c), &info, sizeof info);
    if (burst > 1)
    {
        uint16_t size = (uint16_t)datagram_size;
        c = CMSG_NXTHDR(m, c);
        c->cmsg_level = SOL_UDP;
        c->cmsg_type = UDP_SEGMENT;
        c->cmsg_len = CMSG_LEN(sizeof size);
        memcpy(CMSG_DATA(c), &size, sizeof size);
    }
}

static void send_many_peers(int s, struct sockaddr_in *to)
{
    static struct mmsghdr messages[BATCH];
    static struct iovec vectors[BATCH];
    static struct control controls[BATCH];
    int count = BATCH / (int)burst;
    size_t slot = (size_t)burst * datagram_size;
    uint8_t *plain = calloc(1, payload), *buffer = calloc((size_t)count, slot);
    struct peer *peers = calloc((size_t)peer_count, sizeof *peers);
    uint64_t index = 0;
    uint32_t turn = 0;
    fill_template(plain, payload);
    for (uint32_t i = 0; i < peer_count; i++)
        peer_start(&peers[i], i);
    for (int i = 0; i < count; i++)
    {
        vectors[i] = (struct iovec){buffer + (size_t)i * slot, slot};
        messages[i].msg_hdr = (struct msghdr){.msg_name = to, .msg_namelen = sizeof *to, .msg_iov = &vectors[i], .msg_iovlen = 1};
    }
    while (!meter_sender_is_done(&meter))
    {
        for (int i = 0; i < count; i++)
        {
            struct peer *p = &peers[turn];
            write_control(&messages[i].msg_hdr, &controls[i], source_of(turn));
            turn = (turn + 1) % (uint32_t)peer_count;
            for (int j = 0; j < burst; j++, index++)
            {
                memcpy(plain, &index, 8);
                seal(&cipher, j ? NULL : p->key, p->next++, plain, (int)payload, buffer + (size_t)i * slot + (size_t)j * datagram_size);
            }
        }
        for (int sent = 0; sent < count;)
        {
            int more = sendmmsg(s, messages + sent, (unsigned)(count - sent), 0);
            if (more < 0)
                fail("sendmmsg");
            sent += more;
        }
        meter_sent(&meter, (uint64_t)count * (uint64_t)burst);
    }
}

/* --- receiving --- */

static struct peer only;
static struct peer *table;
static uint32_t table_mask;

static struct peer *find(const struct sockaddr_in *from)
{
    uint64_t address = (uint64_t)ntohl(from->sin_addr.s_addr) << 16 | ntohs(from->sin_port);
    uint32_t at = (uint32_t)(address * 0x9E3779B97F4A7C15ull >> 32) & table_mask;
    while (table[at].address && table[at].address != address)
        at = (at + 1) & table_mask;
    if (!table[at].address)
    {
        /* What a handshake would have done. */
        peer_start(&table[at], peer_of((uint32_t)(address >> 16)));
        table[at].address = address;
    }
    return &table[at];
}

/* The window of RFC 6479. */
static int would_accept(const struct peer *p, uint32_t counter)
{
    if (counter < FIRST_COUNTER || counter >= LAST_COUNTER)
        return 0;
    if (counter > p->highest)
        return 1;
    return p->highest - counter <= WINDOW && !(p->seen[counter / 64 % WINDOW_WORDS] & 1ull << counter % 64);
}

static void commit(struct peer *p, uint32_t counter)
{
    if (counter > p->highest)
    {
        uint32_t first = p->highest / 64, steps = counter / 64 - first;
        for (uint32_t i = 1; i <= steps && i <= WINDOW_WORDS; i++)
            p->seen[(first + i) % WINDOW_WORDS] = 0;
        p->highest = counter;
    }
    p->seen[counter / 64 % WINDOW_WORDS] |= 1ull << counter % 64;
}

static void handle(struct peer *p, const uint8_t *datagram, int length)
{
    static uint8_t plain[RECEIVE_SIZE];
    static struct peer *last;
    uint32_t header;
    if (length < HEADER + TAG)
        return;
    memcpy(&header, datagram, HEADER);
    uint32_t counter = ntohl(header);
    if (counter >> 31 || !would_accept(p, counter))
        return;
    const uint8_t *new_key = p == last ? NULL : p->key;
    last = p;
    if (!open_datagram(&cipher, new_key, counter, datagram, length, plain))
        return;
    commit(p, counter);
    meter_delivered(&meter, plain, (size_t)(length - HEADER - TAG));
}

static void receive_single(int s)
{
    static uint8_t buffer[RECEIVE_SIZE];
    for (int timeouts = 0;;)
    {
        struct sockaddr_in from;
        socklen_t from_length = sizeof from;
        ssize_t length = recvfrom(s, buffer, sizeof buffer, 0, (struct sockaddr *)&from, &from_length);
        if (length < 0)
        {
            if (errno != EAGAIN)
                fail("recvfrom");
            if (meter_is_over(&meter, &timeouts))
                return;
            continue;
        }
        timeouts = 0;
        handle(peer_count ? find(&from) : &only, buffer, (int)length);
    }
}

static int segment_size(struct msghdr *m, int otherwise)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c))
        if (c->cmsg_level == SOL_UDP && c->cmsg_type == UDP_GRO)
        {
            int size;
            memcpy(&size, CMSG_DATA(c), sizeof size);
            return size;
        }
    return otherwise;
}

static void receive_gro(int s)
{
    static uint8_t buffers[RECEIVE_BUFFERS][RECEIVE_SIZE];
    static struct mmsghdr messages[RECEIVE_BUFFERS];
    static struct iovec vectors[RECEIVE_BUFFERS];
    static struct sockaddr_in from[RECEIVE_BUFFERS];
    static struct control controls[RECEIVE_BUFFERS];
    int on = 1;
    if (setsockopt(s, SOL_UDP, UDP_GRO, &on, sizeof on))
        fail("UDP_GRO");
    for (int timeouts = 0;;)
    {
        for (int i = 0; i < RECEIVE_BUFFERS; i++)
        {
            vectors[i] = (struct iovec){buffers[i], RECEIVE_SIZE};
            messages[i].msg_hdr = (struct msghdr){.msg_name = &from[i], .msg_namelen = sizeof from[i], .msg_iov = &vectors[i], .msg_iovlen = 1,
                .msg_control = &controls[i], .msg_controllen = sizeof controls[i]};
        }
        int count = recvmmsg(s, messages, RECEIVE_BUFFERS, MSG_WAITFORONE, NULL);
        if (count < 0)
        {
            if (errno != EAGAIN)
                fail("recvmmsg");
            if (meter_is_over(&meter, &timeouts))
                return;
            continue;
        }
        timeouts = 0;
        for (int i = 0; i < count; i++)
        {
            int length = (int)messages[i].msg_len, size = segment_size(&messages[i].msg_hdr, length);
            struct peer *p = peer_count ? find(&from[i]) : &only;
            for (int offset = 0; offset < length; offset += size)
                handle(p, buffers[i] + offset, length - offset < size ? length - offset : size);
        }
    }
}

static int parse_key(const char *text)
{
    if (!text || strlen(text) != 64)
        return 0;
    for (int i = 0; i < 32; i++)
        if (sscanf(text + 2 * i, "%2hhx", &key[i]) != 1)
            return 0;
    return 1;
}

int main(int argc, char **argv)
{
    if (argc == 2 && !strcmp(argv[1], "version"))
        return printf("%s, compiler %s\n", OpenSSL_version(OPENSSL_VERSION), __VERSION__) < 0;
    const char *role = argc > 1 ? argv[1] : "", *mode = option(argc, argv, "--mode", "");
    long port = number(argc, argv, "--port", 0);
    payload = (size_t)number(argc, argv, "--payload", 1200);
    datagram_size = payload + HEADER + TAG;
    seconds = number(argc, argv, "--seconds", 3);
    peer_count = number(argc, argv, "--peers", 0);
    burst = number(argc, argv, "--burst", 1);
    int sends = !strcmp(role, "send"), batches = !strcmp(mode, sends ? "gso" : "gro");
    if ((!sends && strcmp(role, "recv")) || (!batches && strcmp(mode, "single")) || !parse_key(option(argc, argv, "--key", NULL)) || payload < 8
        || payload > MAX_SEND - HEADER - TAG || seconds < 1 || peer_count < 0 || peer_count > 250 * 256 * 16 || (burst != 1 && burst != 16)
        || (sends && (port < 1 || port > 65535)))
        usage(USAGE);
    meter_start(&meter, payload, seconds);
    cipher_start(&cipher, key);
    if (sends)
    {
        struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((uint16_t)port)};
        int s = udp_socket(htonl(INADDR_ANY), 0);
        if (peer_count)
            send_many_peers(s, &to);
        else
            send_one_peer(s, &to, batches);
        meter_expect_all(&meter);
        meter_print("send", &meter);
        return 0;
    }
    int s = udp_socket(htonl(INADDR_LOOPBACK), 0);
    for (table_mask = 1; table_mask < 2 * (uint32_t)peer_count; table_mask *= 2)
        ;
    table = calloc(table_mask--, sizeof *table);
    peer_start(&only, 0);
    memcpy(only.key, key, sizeof key);
    set_quiet_timeout(s);
    print_ready(s);
    if (batches)
        receive_gro(s);
    else
        receive_single(s);
    meter_print("recv", &meter);
    return 0;
}
