/* Seals and opens packets as the provider does: the context and its key kept, the nonce set with each packet. Only OpenSSL 3's library is needed
   to build it, not its headers. */
#include <stdint.h>
#include <string.h>

typedef struct evp_cipher_ctx_st context_t;
typedef struct evp_cipher_st cipher_t;
extern context_t *EVP_CIPHER_CTX_new(void);
extern void EVP_CIPHER_CTX_free(context_t *context);
extern int EVP_CIPHER_CTX_ctrl(context_t *context, int type, int argument, void *pointer);
extern cipher_t *EVP_CIPHER_fetch(void *library, const char *name, const char *properties);
extern void EVP_CIPHER_free(cipher_t *cipher);
extern int EVP_EncryptInit_ex2(context_t *c, const cipher_t *cipher, const uint8_t *key, const uint8_t *nonce, const void *parameters);
extern int EVP_EncryptUpdate(context_t *c, uint8_t *output, int *written, const uint8_t *input, int length);
extern int EVP_EncryptFinal_ex(context_t *c, uint8_t *output, int *written);
extern int EVP_DecryptInit_ex2(context_t *c, const cipher_t *cipher, const uint8_t *key, const uint8_t *nonce, const void *parameters);
extern int EVP_DecryptUpdate(context_t *c, uint8_t *output, int *written, const uint8_t *input, int length);
extern int EVP_DecryptFinal_ex(context_t *c, uint8_t *output, int *written);

enum { get_tag = 0x10, set_tag = 0x11, header_size = 4, tag_size = 16 };

static void nonce_of(uint8_t nonce[12], uint64_t counter)
{
    memset(nonce, 0, 4);
    memcpy(nonce + 4, &counter, 8);
}

/* Each packet has room for header, payload and tag. Returns how many packets were sealed. */
int seal_packets(const uint8_t *key, const uint8_t *payload, uint8_t *packets, int size, int count)
{
    int done = 0, written;
    uint8_t nonce[12];
    cipher_t *cipher = EVP_CIPHER_fetch(NULL, "ChaCha20-Poly1305", NULL);
    context_t *c = EVP_CIPHER_CTX_new();
    if (cipher && c && EVP_EncryptInit_ex2(c, cipher, key, NULL, NULL) == 1) {
        for (; done < count; done++) {
            uint8_t *packet = packets + (size_t)done * (size + header_size + tag_size);
            uint8_t *body = packet + header_size;
            nonce_of(nonce, (uint64_t)done);
            if (EVP_EncryptInit_ex2(c, NULL, NULL, nonce, NULL) != 1
                || EVP_EncryptUpdate(c, NULL, &written, packet, header_size) != 1
                || EVP_EncryptUpdate(c, body, &written, payload, size) != 1
                || EVP_EncryptFinal_ex(c, body + size, &written) != 1
                || EVP_CIPHER_CTX_ctrl(c, get_tag, tag_size, body + size) != 1) {
                break;
            }
        }
    }

    EVP_CIPHER_CTX_free(c);
    EVP_CIPHER_free(cipher);
    return done;
}

/* Returns how many packets were genuine. */
int open_packets(const uint8_t *key, uint8_t *packets, uint8_t *payload, int size, int count)
{
    int done = 0, written;
    uint8_t nonce[12];
    cipher_t *cipher = EVP_CIPHER_fetch(NULL, "ChaCha20-Poly1305", NULL);
    context_t *c = EVP_CIPHER_CTX_new();
    if (cipher && c && EVP_DecryptInit_ex2(c, cipher, key, NULL, NULL) == 1) {
        for (; done < count; done++) {
            uint8_t *packet = packets + (size_t)done * (size + header_size + tag_size);
            uint8_t *body = packet + header_size;
            nonce_of(nonce, (uint64_t)done);
            if (EVP_DecryptInit_ex2(c, NULL, NULL, nonce, NULL) != 1
                || EVP_CIPHER_CTX_ctrl(c, set_tag, tag_size, body + size) != 1
                || EVP_DecryptUpdate(c, NULL, &written, packet, header_size) != 1
                || EVP_DecryptUpdate(c, payload, &written, body, size) != 1
                || EVP_DecryptFinal_ex(c, body + size, &written) != 1) {
                break;
            }
        }
    }

    EVP_CIPHER_CTX_free(c);
    EVP_CIPHER_free(cipher);
    return done;
}
