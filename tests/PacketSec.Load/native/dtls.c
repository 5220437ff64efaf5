/*
 * The datagrams over OpenSSL's DTLS 1.2, with the cipher that PacketSec uses: what an application gets that takes what is on the machine already.
 * One SSL_write or SSL_read for each datagram on connected sockets; the certificate is made at the start and signed by itself.
 */
#include "common.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#define USAGE "dtls send --port N | recv  [--payload 1200] [--seconds 3]"
#define CIPHERS "ECDHE-ECDSA-CHACHA20-POLY1305"
#define MTU 1400

static _Noreturn void fail_openssl(const char *what)
{
    fprintf(stderr, "%s\n", what);
    ERR_print_errors_fp(stderr);
    exit(1);
}

static SSL_CTX *new_context(int server)
{
    SSL_CTX *context = SSL_CTX_new(server ? DTLS_server_method() : DTLS_client_method());
    if (!context || !SSL_CTX_set_min_proto_version(context, DTLS1_2_VERSION) || !SSL_CTX_set_max_proto_version(context, DTLS1_2_VERSION)
        || !SSL_CTX_set_cipher_list(context, CIPHERS))
        fail_openssl("DTLS 1.2 with " CIPHERS " is not offered");
    /* Nobody else is on the loopback interface, and it is the datagrams that are measured. */
    SSL_CTX_set_verify(context, SSL_VERIFY_NONE, NULL);
    return context;
}

static void add_certificate(SSL_CTX *context)
{
    EVP_PKEY *pair = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    X509_NAME *name = certificate ? X509_get_subject_name(certificate) : NULL;
    if (!pair || !name || !X509_set_version(certificate, 2) || !ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1)
        || !X509_gmtime_adj(X509_getm_notBefore(certificate), -3600) || !X509_gmtime_adj(X509_getm_notAfter(certificate), 86400)
        || !X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"localhost", -1, -1, 0)
        || !X509_set_issuer_name(certificate, name) || !X509_set_pubkey(certificate, pair) || !X509_sign(certificate, pair, EVP_sha256())
        || SSL_CTX_use_certificate(context, certificate) != 1 || SSL_CTX_use_PrivateKey(context, pair) != 1)
        fail_openssl("no certificate");
}

static SSL *start(int server, int s, const struct sockaddr_in *peer)
{
    SSL_CTX *context = new_context(server);
    if (server)
        add_certificate(context);
    if (connect(s, (const struct sockaddr *)peer, sizeof *peer))
        fail("connect");
    SSL *ssl = SSL_new(context);
    BIO *bio = BIO_new_dgram(s, BIO_NOCLOSE);
    if (!ssl || !bio)
        fail_openssl("no connection");
    BIO_ctrl(bio, BIO_CTRL_DGRAM_SET_CONNECTED, 0, (void *)(uintptr_t)peer);
    SSL_set_bio(ssl, bio, bio);
    SSL_set_options(ssl, SSL_OP_NO_QUERY_MTU);
    SSL_set_mtu(ssl, MTU);
    if ((server ? SSL_accept(ssl) : SSL_connect(ssl)) != 1)
        fail_openssl("the handshake failed");
    return ssl;
}

static void send_all(SSL *ssl, size_t payload, struct meter *meter)
{
    uint8_t *plain = calloc(1, payload);
    fill_template(plain, payload);
    for (uint64_t index = 0; !meter_sender_is_done(meter);)
        for (int i = 0; i < LOOK_EVERY; i++, index++)
        {
            memcpy(plain, &index, 8);
            if (SSL_write(ssl, plain, (int)payload) != (int)payload)
                fail_openssl("SSL_write");
            meter_sent(meter, 1);
        }
}

static void receive_all(SSL *ssl, struct meter *meter)
{
    static uint8_t plain[65536];
    for (int timeouts = 0;;)
    {
        int length = SSL_read(ssl, plain, sizeof plain);
        if (length > 0)
        {
            timeouts = 0;
            meter_delivered(meter, plain, (size_t)length);
            continue;
        }
        if (SSL_get_error(ssl, length) != SSL_ERROR_WANT_READ)
            fail_openssl("SSL_read");
        if (meter_is_over(meter, &timeouts))
            return;
    }
}

int main(int argc, char **argv)
{
    const char *role = argc > 1 ? argv[1] : "";
    long port = number(argc, argv, "--port", 0), payload = number(argc, argv, "--payload", 1200), seconds = number(argc, argv, "--seconds", 3);
    int sends = !strcmp(role, "send");
    struct meter meter;
    if ((!sends && strcmp(role, "recv")) || payload % 8 || payload < 8 || payload > 1300 || seconds < 1 || (sends && (port < 1 || port > 65535)))
        usage(USAGE);
    meter_start(&meter, (size_t)payload, seconds);
    int s = udp_socket(htonl(INADDR_LOOPBACK), 0);
    struct sockaddr_in peer = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((uint16_t)port)};
    if (sends)
    {
        send_all(start(0, s, &peer), (size_t)payload, &meter);
        meter_expect_all(&meter);
    }
    else
    {
        socklen_t length = sizeof peer;
        uint8_t first;
        print_ready(s);
        if (recvfrom(s, &first, 1, MSG_PEEK, (struct sockaddr *)&peer, &length) < 0)
            fail("recvfrom");
        SSL *ssl = start(1, s, &peer);
        set_quiet_timeout(s);
        receive_all(ssl, &meter);
    }
    meter_print(role, &meter);
    return 0;
}
