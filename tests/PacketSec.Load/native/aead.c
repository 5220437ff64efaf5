/* What sealing and opening a datagram cost in memory: one line of JSON in nanoseconds of CPU time, which what else runs does not add to. */
#include "common.h"
#include "cipher.h"

#define ROUND 256

int main(int argc, char **argv)
{
    int payload = (int)number(argc, argv, "--payload", 1200);
    long milliseconds = number(argc, argv, "--milliseconds", 300);
    if (payload < 1 || payload > 65000 || milliseconds < 1)
        usage("aead [--payload 1200] [--milliseconds 300]");
    uint8_t key[32] = {1}, *plain = calloc(1, (size_t)payload), *datagram = calloc(1, (size_t)payload + HEADER + TAG);
    struct cipher c;
    cipher_start(&c, key);
    double ns[2];
    for (int opening = 0; opening < 2; opening++)
    {
        /* A tenth to warm up, which is not counted. */
        for (int counted = 0; counted < 2; counted++)
        {
            uint64_t begin = now_ns(), end = begin + (uint64_t)milliseconds * (counted ? 1000000 : 100000), now, done = 0;
            double system, begin_cpu = cpu_seconds(&system);
            seal(&c, NULL, 16, plain, payload, datagram);
            do
            {
                for (int i = 0; i < ROUND; i++)
                {
                    if (!opening)
                        seal(&c, NULL, 16 + (uint32_t)i, plain, payload, datagram);
                    else if (!open_datagram(&c, NULL, 16, datagram, payload + HEADER + TAG, plain))
                        return fprintf(stderr, "opening failed\n"), 1;
                }
                done += ROUND;
                now = now_ns();
            } while (now < end);
            ns[opening] = (cpu_seconds(&system) - begin_cpu) * 1e9 / (double)done;
        }
    }
    printf("{\"sealNs\":%.2f,\"openNs\":%.2f}\n", ns[0], ns[1]);
    return 0;
}
