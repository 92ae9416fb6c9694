#include "auth/ca.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <filesystem>
#include <system_error>

#include "auth/authority.h"
#include "auth/pem.h"
#include "auth/private_file.h"
#include "auth/signing_request.h"

namespace auth {

namespace {

std::string errno_text() { return std::generic_category().message(errno); }

outcome<void> make_ca(const std::string& directory, const ca_request& request) {
    auto made = new_authority(request);
    if (!made) return made.error();
    // The key first: a key without a certificate is trusted by nobody and may be replaced.
    if (auto done = write_private(ca_key_file(directory), to_pem(made->key.get())); !done) return done;
    return write_private(ca_certificate_file(directory), to_pem(made->certificate.get()));
}

bool covers(X509* certificate, const std::string& host) {
    unsigned char bytes[sizeof(in6_addr)];
    if (inet_pton(AF_INET, host.c_str(), bytes) == 1 || inet_pton(AF_INET6, host.c_str(), bytes) == 1)
        return X509_check_ip_asc(certificate, host.c_str(), 0) == 1;
    return X509_check_host(certificate, host.data(), host.size(),
                           X509_CHECK_FLAG_NO_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT, nullptr) == 1;
}

}  // namespace

outcome<void> ensure_ca(const std::string& directory, std::string_view name) {
    ca_request request;
    request.name = name;
    return ensure_ca(directory, request);
}

outcome<void> ensure_ca(const std::string& directory, const ca_request& request) {
    std::error_code ec;
    const std::filesystem::path path(directory);
    if (path.has_parent_path()) std::filesystem::create_directories(path.parent_path(), ec);
    if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST)
        return "cannot create " + directory + ": " + errno_text();
    const int lock = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (lock < 0) return "cannot open " + directory + ": " + errno_text();
    // Two gateways that start at once must end with one CA.
    while (::flock(lock, LOCK_EX) != 0 && errno == EINTR) {
    }
    outcome<void> done;
    if (::access(ca_certificate_file(directory).c_str(), F_OK) != 0) {
        done = make_ca(directory, request);
    } else if (auto there = load_authority(directory); !there) {
        done = there.error();
    }
    ::close(lock);
    return done;
}

outcome<void> issue(const std::string& ca_directory, const leaf_request& request,
                    const std::string& certificate_file, const std::string& key_file) {
    auto ca = load_authority(ca_directory);
    if (!ca) return ca.error();
    auto key = make_key();
    if (!key) return key.error();
    auto certificate = sign_leaf(*ca, request, key->get(), std::time(nullptr));
    if (!certificate) return certificate.error();
    // A crash between the two leaves a pair that does not fit; still_good() then says so.
    if (auto done = write_private(key_file, to_pem(key->get())); !done) return done;
    return write_private(certificate_file, to_pem(certificate->get()));
}

bool still_good(const std::string& ca_directory, const std::string& certificate_file, const std::string& key_file,
                const std::vector<std::string>& hosts, std::chrono::seconds remaining) {
    auto ca = load_certificate(ca_certificate_file(ca_directory));
    auto certificate = load_certificate(certificate_file);
    auto key = load_key(key_file);
    if (!ca || !certificate || !key) return false;
    X509* c = certificate->get();
    bool good = X509_check_private_key(c, key->get()) == 1;
    openssl_ptr<X509_STORE> store(X509_STORE_new());
    openssl_ptr<X509_STORE_CTX> check(X509_STORE_CTX_new());
    good = good && store && check && X509_STORE_add_cert(store.get(), ca->get()) == 1 &&
           X509_STORE_CTX_init(check.get(), store.get(), c, nullptr) == 1 &&
           X509_verify_cert(check.get()) == 1;
    good = good && seconds_of(X509_get0_notAfter(c)) >= std::time(nullptr) + remaining.count();
    good = good && std::all_of(hosts.begin(), hosts.end(), [&](const auto& host) { return covers(c, host); });
    ERR_clear_error();
    return good;
}

}  // namespace auth
