#include "auth/pem.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>
#include <system_error>

namespace auth {

namespace {

constexpr std::size_t max_file = 1 << 20;

std::string errno_text() { return std::generic_category().message(errno); }

struct descriptor {
    int fd;
    ~descriptor() {
        if (fd >= 0) ::close(fd);
    }
};

// The file's bytes; with `secret`, checked on the open descriptor, so that nobody can swap the file
// between the check and the reading.
std::string slurp(const std::string& file, bool secret, std::string& bytes) {
    descriptor d{::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
    if (d.fd < 0) return "cannot read " + file + ": " + errno_text();
    struct stat st {};
    if (::fstat(d.fd, &st) != 0) return "cannot read " + file + ": " + errno_text();
    if (!S_ISREG(st.st_mode)) return file + " is not a regular file";
    if (secret) {
        const mode_t forbidden = st.st_uid == 0 ? 0037 : 0077;
        if (st.st_mode & forbidden)
            return "the private key " + file +
                   " can be read or changed by others than its owner; run: chmod 600 " + file;
    }
    bytes.clear();
    char chunk[16 * 1024];
    for (;;) {
        const ssize_t n = ::read(d.fd, chunk, sizeof chunk);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return "cannot read " + file + ": " + errno_text();
        if (n == 0) break;
        bytes.append(chunk, static_cast<std::size_t>(n));
        if (bytes.size() > max_file) return file + " is larger than 1 MiB, not a PEM file";
    }
    if (secret) ::OPENSSL_cleanse(chunk, sizeof chunk);
    return {};
}

openssl_ptr<BIO> memory(const std::string& bytes) {
    return openssl_ptr<BIO>(BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size())));
}

// Without a callback OpenSSL asks on the terminal, and a service would hang there.
int no_password(char*, int, int, void* asked) {
    *static_cast<bool*>(asked) = true;
    return -1;
}

}  // namespace

outcome<certificate_ptr> load_certificate(const std::string& file) {
    std::string bytes;
    if (auto problem = slurp(file, false, bytes); !problem.empty()) return problem;
    certificate_ptr certificate(PEM_read_bio_X509(memory(bytes).get(), nullptr, nullptr, nullptr));
    ERR_clear_error();
    if (!certificate) return file + " has no certificate in PEM form";
    return certificate;
}

outcome<key_ptr> load_key(const std::string& file) {
    std::string bytes;
    if (auto problem = slurp(file, true, bytes); !problem.empty()) return problem;
    bool encrypted = false;
    key_ptr key(PEM_read_bio_PrivateKey(memory(bytes).get(), nullptr, no_password, &encrypted));
    ERR_clear_error();
    ::OPENSSL_cleanse(bytes.data(), bytes.size());
    if (encrypted)
        return "the private key " + file +
               " is encrypted; decrypt it (openssl pkey) and keep it readable for its owner only";
    if (!key) return file + " has no private key in PEM form";
    return key;
}

std::string weakness(const EVP_PKEY* key) {
    if (!key) return "has a key of an unknown kind";
    const int bits = EVP_PKEY_get_bits(key);
    const auto of = [&](const char* kind, const char* wanted) {
        return std::string("has ") + kind + " key of " + std::to_string(bits) + " bits, too weak: " + wanted;
    };
    switch (EVP_PKEY_get_base_id(key)) {
        case EVP_PKEY_RSA:
        case EVP_PKEY_RSA_PSS:
            return bits < 2048 ? of("an RSA", "2048 at least") : std::string();
        case EVP_PKEY_EC:
            return bits < 256 ? of("an EC", "256 at least") : std::string();
        case EVP_PKEY_ED25519:
        case EVP_PKEY_ED448:
            return {};
        default:
            return "has a key that is neither RSA, EC nor Ed25519";
    }
}

std::string to_string(const ASN1_TIME* time) {
    std::tm tm{};
    char text[32];
    if (!time || ASN1_TIME_to_tm(time, &tm) != 1 ||
        std::strftime(text, sizeof text, "%Y-%m-%d %H:%M UTC", &tm) == 0)
        return "an unreadable date";
    return text;
}

std::string openssl_error() {
    const unsigned long code = ERR_get_error();
    ERR_clear_error();
    if (code == 0) return "unknown error";
    if (ERR_SYSTEM_ERROR(code)) return std::generic_category().message(ERR_GET_REASON(code));
    const char* reason = ERR_reason_error_string(code);
    return reason ? reason : "OpenSSL error " + std::to_string(code);
}

}  // namespace auth
