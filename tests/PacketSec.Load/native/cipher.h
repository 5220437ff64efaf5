/* ChaCha20-Poly1305 over OpenSSL's EVP: a fetched cipher, a kept context for each direction, the nonce set with each packet. */
#ifndef CIPHER_H
#define CIPHER_H

#include <openssl/evp.h>

#define TAG 16
#define HEADER 4

struct cipher
{
    EVP_CIPHER *algorithm;
    EVP_CIPHER_CTX *seal, *open;
};

static inline void cipher_start(struct cipher *c, const uint8_t *key)
{
    c->algorithm = EVP_CIPHER_fetch(NULL, "ChaCha20-Poly1305", NULL);
    c->seal = EVP_CIPHER_CTX_new();
    c->open = EVP_CIPHER_CTX_new();
    if (!c->algorithm || !EVP_EncryptInit_ex(c->seal, c->algorithm, NULL, key, NULL) || !EVP_DecryptInit_ex(c->open, c->algorithm, NULL, key, NULL))
    {
        fprintf(stderr, "OpenSSL has no ChaCha20-Poly1305\n");
        exit(1);
    }
}

/* 4 zero bytes, then the counter as 64-bit little-endian. */
static inline void set_nonce(uint8_t nonce[12], uint32_t counter)
{
    uint64_t wide = counter;
    memset(nonce, 0, 4);
    memcpy(nonce + 4, &wide, 8);
}

/* Writes header, ciphertext and tag; the key is null while it is the last one. */
static inline void seal(struct cipher *c, const uint8_t *key, uint32_t counter, const uint8_t *payload, int length, uint8_t *datagram)
{
    uint8_t nonce[12];
    uint32_t header = htonl(counter);
    int written;
    memcpy(datagram, &header, HEADER);
    set_nonce(nonce, counter);
    if (!EVP_EncryptInit_ex(c->seal, NULL, NULL, key, nonce) || !EVP_EncryptUpdate(c->seal, NULL, &written, datagram, HEADER)
        || !EVP_EncryptUpdate(c->seal, datagram + HEADER, &written, payload, length)
        || !EVP_EncryptFinal_ex(c->seal, datagram + HEADER + length, &written)
        || !EVP_CIPHER_CTX_ctrl(c->seal, EVP_CTRL_AEAD_GET_TAG, TAG, datagram + HEADER + length))
    {
        fprintf(stderr, "sealing failed\n");
        exit(1);
    }
}

static inline int open_datagram(struct cipher *c, const uint8_t *key, uint32_t counter, const uint8_t *datagram, int length, uint8_t *payload)
{
    uint8_t nonce[12], nowhere[TAG];
    int written, size = length - HEADER - TAG;
    set_nonce(nonce, counter);
    return EVP_DecryptInit_ex(c->open, NULL, NULL, key, nonce)
        && EVP_CIPHER_CTX_ctrl(c->open, EVP_CTRL_AEAD_SET_TAG, TAG, (void *)(datagram + length - TAG))
        && EVP_DecryptUpdate(c->open, NULL, &written, datagram, HEADER)
        && EVP_DecryptUpdate(c->open, payload, &written, datagram + HEADER, size)
        && EVP_DecryptFinal_ex(c->open, nowhere, &written) > 0;
}

#endif
