#include "auth/audit_anchor.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <pthread.h>

#include "auth/audit_text.h"
#include "protocol/json.h"

namespace auth {
namespace {

constexpr std::size_t max_signature = 256;

struct context_free {
    void operator()(EVP_MD_CTX* c) const { EVP_MD_CTX_free(c); }
};

template <class T>
outcome<T> failed(std::string why) {
    return outcome<T>(boost::system::in_place_error, std::move(why));
}

}  // namespace

std::string bytes_to_sign(const audit_anchor& anchor) {
    // The label keeps this key's signatures apart from all others (auth/signer_message.h).
    std::string out = std::string("delvegate-audit-anchor-v1\0", 26) + std::to_string(anchor.sequence) + "\n" + anchor.hash + "\n";
    append_time(out, anchor.time);
    out += '\n';
    return out;
}

std::string to_anchor_line(const audit_anchor& anchor) {
    std::string out = "{\"sequence\":" + std::to_string(anchor.sequence) + ",\"hash\":\"" + anchor.hash + "\",\"time\":\"";
    append_time(out, anchor.time);
    out += "\",\"signature\":\"" + to_base64(anchor.signature) + "\"}";
    return out;
}

outcome<audit_anchor> parse_anchor_line(std::string_view line) {
    if (line.size() > 1024) return failed<audit_anchor>("longer than any anchor");
    const auto parsed = protocol::parse_json(line, {.max_depth = 1, .fold_keys = false});
    if (!parsed || !parsed->is_object()) return failed<audit_anchor>("not a JSON object");
    audit_anchor out;
    if (const auto* sequence = parsed->find("sequence")) out.sequence = sequence->as_uint().value_or(0);
    out.hash = parsed->get_string("hash");
    const auto time = parse_time(parsed->get_string("time"));
    const auto signature = from_base64(parsed->get_string("signature"));
    if (!out.sequence || !time || !signature) return failed<audit_anchor>("not an anchor");
    if (out.hash.size() != hash_length || out.hash.find_first_not_of("0123456789abcdef") != std::string::npos)
        return failed<audit_anchor>("no hash");
    out.time = *time;
    out.signature = *signature;
    if (to_anchor_line(out) != line) return failed<audit_anchor>("not in the form that anchors are written in");
    return out;
}

outcome<key_ptr> load_anchor_key(const std::string& file) {
    const openssl_ptr<BIO> bio(BIO_new_file(file.c_str(), "r"));
    if (!bio) {
        openssl_error();
        return failed<key_ptr>("the public key " + file + " cannot be read");
    }
    key_ptr key(PEM_read_bio_PUBKEY(bio.get(), nullptr, nullptr, nullptr));
    openssl_error();
    if (!key) return failed<key_ptr>(file + " holds no public key (PEM, \"BEGIN PUBLIC KEY\")");
    char group[64] = "";
    EVP_PKEY_get_group_name(key.get(), group, sizeof group, nullptr);
    const bool p256 = EVP_PKEY_is_a(key.get(), "EC") && std::string_view(group) == "prime256v1";
    if (!p256 && !EVP_PKEY_is_a(key.get(), "ED25519"))
        return failed<key_ptr>(file + " is neither an Ed25519 nor an ECDSA P-256 key");
    return key;
}

bool signed_by(const audit_anchor& anchor, EVP_PKEY* key) {
    if (anchor.signature.empty()) return false;
    const std::unique_ptr<EVP_MD_CTX, context_free> context(EVP_MD_CTX_new());
    const std::string bytes = bytes_to_sign(anchor);
    const EVP_MD* digest = EVP_PKEY_is_a(key, "ED25519") ? nullptr : EVP_sha256();
    const bool good = context && EVP_DigestVerifyInit(context.get(), nullptr, digest, nullptr, key) == 1 &&
                      EVP_DigestVerify(context.get(), reinterpret_cast<const unsigned char*>(anchor.signature.data()),
                                       anchor.signature.size(), reinterpret_cast<const unsigned char*>(bytes.data()),
                                       bytes.size()) == 1;
    openssl_error();
    return good;
}

audit_anchorer::audit_anchorer(work how) : how_(std::move(how)) {
    thread_ = std::thread([this] { run(); });
    ::pthread_setname_np(thread_.native_handle(), "audit-anchor");
}

void audit_anchorer::request(audit_anchor head) {
    const std::lock_guard lock(mutex_);
    next_ = std::move(head);
    wake_.notify_one();
}

void audit_anchorer::stop() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
        next_.reset();
        wake_.notify_one();
    }
    if (thread_.joinable()) thread_.join();
}

void audit_anchorer::make(audit_anchor head) const {
    std::string error;
    if (how_.sign) {
        auto signature = how_.sign(bytes_to_sign(head));
        if (signature && signature->size() <= max_signature)
            head.signature = std::move(*signature);
        else
            error = signature ? "the signer's answer is no signature" : signature.error();
    }
    // One that could not be signed is worth something where only root can write.
    if (how_.publish)
        if (auto done = how_.publish(head); !done) error += (error.empty() ? "" : "; ") + done.error();
    how_.done(head, std::move(error));
}

void audit_anchorer::run() {
    std::unique_lock lock(mutex_);
    for (;;) {
        wake_.wait(lock, [this] { return stopping_ || next_; });
        if (stopping_) return;
        audit_anchor head = std::move(*next_);
        next_.reset();
        lock.unlock();
        make(std::move(head));
        lock.lock();
    }
}

}  // namespace auth
