// What the tests of the audit share: a directory, a disk that fails on command, keys, a writer.
#pragma once

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <future>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "auth/audit_reader.h"
#include "auth/audit_writer.h"

namespace auth::audit_test {

class scratch {
public:
    scratch() {
        char pattern[] = "/tmp/delvegate-audit-XXXXXX";
        if (::mkdtemp(pattern)) path_ = pattern;
    }
    ~scratch() {
        std::error_code ec;
        std::filesystem::remove_all(path_, ec);
    }
    std::string operator/(const std::string& name) const { return path_ + "/" + name; }
    const std::string& path() const { return path_; }

private:
    std::string path_;
};

inline std::string read_file(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    std::ostringstream out;
    out << in.rdbuf();
    return out.str();
}
inline void write_file(const std::string& path, const std::string& text) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
    std::filesystem::permissions(path, std::filesystem::perms(0600));
}
inline std::vector<std::string> lines_of(const std::string& path) {
    std::vector<std::string> out;
    std::istringstream in(read_file(path));
    for (std::string line; std::getline(in, line);) out.push_back(line);
    return out;
}
inline void write_lines(const std::string& path, const std::vector<std::string>& lines) {
    std::string text;
    for (const auto& line : lines) text += line + "\n";
    write_file(path, text);
}
// The line with a hash that fits, as somebody who holds the file can make one.
inline std::string hashed_anew(const std::string& line) {
    auto entry = parse_audit_line(line);
    EXPECT_TRUE(entry) << line;
    const std::string text = to_audit_line(*entry);
    sha256_hasher hash;
    entry->hash = hash.hex(std::string_view(text).substr(0, text.rfind(",\"hash\"")));
    return to_audit_line(*entry);
}

// A disk whose writes, syncs and the rest fail while `error` is set; with room for `room` bytes before.
class bad_disk : public audit_calls {
public:
    std::atomic<int> write_error = 0, sync_error = 0, truncate_error = 0, rename_error = 0, reserve_error = 0;
    std::atomic<long> room = -1;  // bytes until write_error strikes; -1: at once

    ssize_t write(int fd, const void* bytes, std::size_t size) override {
        if (!write_error) return audit_calls::write(fd, bytes, size);
        if (room > 0) {  // a short write, as a disk that fills up makes
            const auto some = std::min<std::size_t>(size, static_cast<std::size_t>(room.load()));
            room -= static_cast<long>(some);
            return audit_calls::write(fd, bytes, some);
        }
        errno = write_error;
        return -1;
    }
    ssize_t pwrite(int fd, const void* bytes, std::size_t size, off_t at) override {
        if (reserve_error) return errno = reserve_error, -1;
        return audit_calls::pwrite(fd, bytes, size, at);
    }
    int fdatasync(int fd) override { return sync_error ? (errno = sync_error, -1) : audit_calls::fdatasync(fd); }
    int ftruncate(int fd, off_t size) override {
        return truncate_error ? (errno = truncate_error, -1) : audit_calls::ftruncate(fd, size);
    }
    int rename(const char* from, const char* to) override {
        return rename_error ? (errno = rename_error, -1) : audit_calls::rename(from, to);
    }
};

struct signing_key {
    key_ptr key{EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")};

    static signing_key p256() { return {key_ptr(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"))}; }

    outcome<std::string> sign(std::string_view bytes) const {
        EVP_MD_CTX* context = EVP_MD_CTX_new();
        std::size_t size = 0;
        const auto* data = reinterpret_cast<const unsigned char*>(bytes.data());
        const EVP_MD* digest = EVP_PKEY_is_a(key.get(), "ED25519") ? nullptr : EVP_sha256();
        EVP_DigestSignInit(context, nullptr, digest, nullptr, key.get());
        EVP_DigestSign(context, nullptr, &size, data, bytes.size());
        std::string out(size, '\0');
        EVP_DigestSign(context, reinterpret_cast<unsigned char*>(out.data()), &size, data, bytes.size());
        EVP_MD_CTX_free(context);
        out.resize(size);
        return {boost::system::in_place_value, std::move(out)};
    }
    void save_public(const std::string& path) const {
        FILE* file = std::fopen(path.c_str(), "w");
        PEM_write_PUBKEY(file, key.get());
        std::fclose(file);
    }
};

inline audit_options options_for(const std::string& file, audit_calls& calls = real_audit_calls()) {
    audit_options out;
    out.files.file = file;
    out.files.reserve = 64 * 1024;
    out.files.calls = &calls;
    out.retry = std::chrono::milliseconds(5);
    out.lazy_sync = std::chrono::milliseconds(5);
    return out;
}

inline std::unique_ptr<audit_writer> open_writer(audit_options options) {
    auto made = audit_writer::open(std::move(options));
    if (!made) throw std::runtime_error(made.error());
    return std::move(*made);
}

// Submits and waits for the answer.
inline std::string submit_before(audit_writer& writer, const audit_record& record) {
    std::promise<std::string> answer;
    writer.submit(record, durability::before, [&](std::string error) { answer.set_value(std::move(error)); });
    return answer.get_future().get();
}

inline audit_record operation(std::string_view name, bool releases = false) {
    audit_record out;
    out.kind = audit_kind::intent;
    out.user = "alice";
    out.component = "scheduler";
    out.operation = name;
    out.classes = {protocol::op_class::control};
    out.releases = releases;
    return out;
}

// A whole audit of `count` waited-for records in `file`.
inline void write_records(const std::string& file, int count) {
    auto writer = open_writer(options_for(file));
    for (int i = 1; i <= count; ++i) ASSERT_EQ(submit_before(*writer, operation("operation " + std::to_string(i))), "");
}

inline audit_summary verify(const std::string& path, std::vector<audit_anchor> anchors = {}, EVP_PKEY* key = nullptr) {
    auto out = verify_audit(path, {std::move(anchors), key, false});
    if (!out) throw std::runtime_error(out.error());
    return std::move(*out);
}
inline std::string faults(const audit_summary& sum) {
    std::string out;
    for (const auto& fault : sum.faults) out += to_string(fault) + "\n";
    return out;
}

// Until it holds; the test's own time limit is that of the runner.
template <class Condition>
void wait_until(Condition condition) {
    while (!condition()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

}  // namespace auth::audit_test
