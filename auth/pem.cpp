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
constexpr std::size_t max_crl_file = 32 << 20;
constexpr std::size_t max_bundle = 64;  // certificates; each root costs a look at every handshake

std::string errno_text() { return std::generic_category().message(errno); }

struct descriptor {
    int fd;
    ~descriptor() {
        if (fd >= 0) ::close(fd);
    }
};

// The file's bytes; with `secret`, checked on the open descriptor, so that nobody can swap the file
// between the check and the reading.
std::string slurp(const std::string& file, bool secret, std::string& bytes, std::size_t limit = max_file) {
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
        if (bytes.size() > limit)
            return file + " is larger than " + std::to_string(limit >> 20) + " MiB; is it the right file?";
    }
    if (secret) ::OPENSSL_cleanse(chunk, sizeof chunk);
    return {};
}

openssl_ptr<BIO> memory(std::string_view bytes) {
    return openssl_ptr<BIO>(BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size())));
}

// Without a callback OpenSSL asks on the terminal, and a service would hang there.
int no_password(char*, int, int, void* asked) {
    *static_cast<bool*>(asked) = true;
    return -1;
}

// Whether PEM reading ended because there is nothing more, and not in the middle of something: a file that
// is being written may break off anywhere, even in the first dashes of its next part.
bool ended_cleanly(std::string_view bytes) {
    const unsigned long code = ERR_peek_last_error();
    ERR_clear_error();
    if (ERR_GET_LIB(code) != ERR_LIB_PEM || ERR_GET_REASON(code) != PEM_R_NO_START_LINE) return false;
    const auto end = bytes.rfind("-----END ");
    const auto begin = bytes.rfind("-----BEGIN ");
    if (end == bytes.npos || (begin != bytes.npos && begin > end)) return false;
    const auto rest = bytes.find('\n', end);
    const auto last = bytes.find_last_not_of(" \t\r\n");
    return rest == bytes.npos || last < rest || (bytes.find("-----", rest) == bytes.npos && bytes[last] != '-');
}

}  // namespace

outcome<std::vector<certificate_ptr>> read_certificates(std::string_view pem, const std::string& name) {
    using result = outcome<std::vector<certificate_ptr>>;
    std::vector<certificate_ptr> all;
    const auto in = memory(pem);
    bool encrypted = false;
    ERR_clear_error();
    while (certificate_ptr one{PEM_read_bio_X509(in.get(), nullptr, no_password, &encrypted)}) {
        all.push_back(std::move(one));
        if (all.size() > max_bundle)
            return result(boost::system::in_place_error, name + " has more than 64 certificates; keep the CAs' only");
    }
    const bool clean = ended_cleanly(pem);
    if (all.empty()) return result(boost::system::in_place_error, name + " has no certificate in PEM form");
    if (!clean) return result(boost::system::in_place_error, name + " breaks off inside a certificate, or is damaged");
    return result(boost::system::in_place_value, std::move(all));
}

outcome<std::vector<certificate_ptr>> load_certificates(const std::string& file) {
    std::string bytes;
    if (auto problem = slurp(file, false, bytes); !problem.empty()) return problem;
    return read_certificates(bytes, file);
}

outcome<std::vector<crl_ptr>> load_crls(const std::string& file) {
    using result = outcome<std::vector<crl_ptr>>;
    std::string bytes;
    if (auto problem = slurp(file, false, bytes, max_crl_file); !problem.empty()) return problem;
    std::vector<crl_ptr> all;
    if (bytes.find("-----BEGIN ") == bytes.npos) {
        const auto* at = reinterpret_cast<const unsigned char*>(bytes.data());
        const auto* end = at + bytes.size();
        crl_ptr one(d2i_X509_CRL(nullptr, &at, static_cast<long>(bytes.size())));
        ERR_clear_error();
        if (!one || at != end)
            return result(boost::system::in_place_error, file + " is no revocation list, neither PEM nor DER");
        all.push_back(std::move(one));
        return result(boost::system::in_place_value, std::move(all));
    }
    const auto in = memory(bytes);
    ERR_clear_error();
    while (crl_ptr one{PEM_read_bio_X509_CRL(in.get(), nullptr, nullptr, nullptr)}) all.push_back(std::move(one));
    const bool clean = ended_cleanly(bytes);
    if (all.empty()) return result(boost::system::in_place_error, file + " has no revocation list in PEM form");
    if (!clean) return result(boost::system::in_place_error, file + " breaks off inside a revocation list, or is damaged");
    return result(boost::system::in_place_value, std::move(all));
}

outcome<std::string> load_text(const std::string& file) {
    using result = outcome<std::string>;
    std::string bytes;
    if (auto problem = slurp(file, false, bytes); !problem.empty())
        return result(boost::system::in_place_error, std::move(problem));
    return result(boost::system::in_place_value, std::move(bytes));
}

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
    auto key = read_key(bytes, file);
    ::OPENSSL_cleanse(bytes.data(), bytes.size());
    return key;
}

outcome<key_ptr> read_key(std::string_view pem, const std::string& name) {
    bool encrypted = false;
    key_ptr key(PEM_read_bio_PrivateKey(memory(pem).get(), nullptr, no_password, &encrypted));
    ERR_clear_error();
    if (encrypted)
        return "the private key " + name +
               " is encrypted; decrypt it (openssl pkey) and keep it readable for its owner only";
    if (!key) return name + " has no private key in PEM form";
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
