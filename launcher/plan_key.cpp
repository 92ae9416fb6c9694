#include "launcher/plan_key.h"

#include <fcntl.h>
#include <sys/random.h>
#include <unistd.h>

#include "launcher/fd.h"
#include "launcher/state_lock.h"
#include "storage/sha256.h"
#include "storage/trusted_file.h"

namespace launcher {

namespace {

constexpr std::size_t key_size = 32;
constexpr const char* name = "plan.key";
constexpr const char* fresh = ".plan.key.new";

}  // namespace

plan_key plan_key::open(const std::string& directory) {
    plan_key out;
    const auto kept = storage::read_root_file(directory + "/" + name, key_size);
    if (kept && kept->size() == key_size) {
        out.bytes_ = *kept;
        return out;
    }
    out.bytes_.resize(key_size);
    if (::getrandom(out.bytes_.data(), key_size, 0) != static_cast<ssize_t>(key_size)) {
        out.bytes_.clear();  // seal() says so
        return out;
    }
    const auto place = make_root_directory(directory, 0700);
    if (!place) return out;
    ::unlinkat(place->get(), fresh, 0);
    const unique_fd file(::openat(place->get(), fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (file && ::write(file.get(), out.bytes_.data(), key_size) == static_cast<ssize_t>(key_size) && ::fsync(file.get()) == 0)
        ::renameat(place->get(), fresh, place->get(), name);
    else
        ::unlinkat(place->get(), fresh, 0);
    return out;
}

outcome<std::string> plan_key::seal(const std::string& hash) const {
    auto sealed = bytes_.empty() ? std::string() : storage::hmac_sha256_hex(bytes_, "delvegate plan\n" + hash);
    if (sealed.empty()) return error_text("the plan's hash could not be made: no randomness or no memory");
    return text(std::move(sealed));
}

}  // namespace launcher
