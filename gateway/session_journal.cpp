#include "gateway/session_journal.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "gateway/component_log.h"
#include "gateway/state_directory.h"

namespace gateway {

using protocol::json;

namespace {

constexpr std::size_t try_again_after = 64u << 10;  // bytes that were not written
constexpr int max_depth = 512;                      // of values, as dlv's are read

std::string line_of(std::string_view key, const std::string* value) {
    std::string line = "{\"k\":\"";
    line += key;
    line += '"';
    if (value) {
        line += ",\"v\":";
        line += *value;
    }
    line += "}\n";
    return line;
}

}  // namespace

void session_journal::open() {
    struct stat info {};
    // What is not an ordinary file of ours is not believed.
    const bool ours = ::lstat(file_.c_str(), &info) == 0 && S_ISREG(info.st_mode) && info.st_uid == ::geteuid();
    if (ours && static_cast<std::size_t>(info.st_size) <= 4 * most)
        if (const auto text = read_file(file_)) read(*text);
    open_ = true;
    write_anew();
}

void session_journal::read(std::string_view text) {
    for (auto end = text.find('\n'); end != text.npos; end = text.find('\n')) {
        const auto line = protocol::parse_json(text.substr(0, end), {.max_depth = max_depth, .fold_keys = false});
        text.remove_prefix(end + 1);
        if (!line) continue;
        const json* key = line->find("k");
        if (!key || !key->if_string()) continue;
        if (const json* value = line->find("v"))
            values_[*key->if_string()] = protocol::to_text(*value);
        else
            values_.erase(*key->if_string());
    }
    values_size_ = 0;
    for (const auto& [key, value] : values_) values_size_ += key.size() + value.size();
}

json session_journal::value(std::string_view key) const {
    const auto at = values_.find(key);
    if (at == values_.end()) return {};
    auto value = protocol::parse_json(at->second, {.max_depth = max_depth, .fold_keys = false});
    return value ? std::move(*value) : json();
}

void session_journal::put(std::string_view key, std::string value) {
    const auto at = values_.find(key);
    if (at != values_.end() && at->second == value) return;
    append(key, &value);
    values_size_ += value.size();
    if (at != values_.end()) {
        values_size_ -= at->second.size();
        at->second = std::move(value);
    } else {
        values_size_ += key.size();
        values_.emplace(key, std::move(value));
    }
    if (batches_ == 0) write();
}

void session_journal::drop(std::string_view key) {
    const auto at = values_.find(key);
    if (at == values_.end()) return;
    values_size_ -= key.size() + at->second.size();
    append(key, nullptr);
    values_.erase(at);
    if (batches_ == 0) write();
}

void session_journal::drop_below(std::string_view prefix) {
    const batch together(*this);
    for (auto at = values_.lower_bound(prefix); at != values_.end() && at->first.starts_with(prefix);) {
        const std::string key = at->first;
        ++at;
        drop(key);
    }
}

void session_journal::append(std::string_view key, const std::string* value) { waiting_ += line_of(key, value); }

void session_journal::write() {
    if (!open_ || waiting_.empty()) return;
    if (!fd_) {
        lost_ += waiting_.size();
        waiting_.clear();
        if (lost_ >= try_again_after) write_anew();
        return;
    }
    if (values_size_ > most) return give_up("there is more to remember than " + std::to_string(most >> 20) + " MiB");
    if (file_size_ + waiting_.size() > compact_above && file_size_ > 2 * values_size_) return write_anew();
    if (const int error = storage::write_all(fd_.get(), waiting_))
        return give_up("cannot write " + file_ + ": " + std::generic_category().message(error));
    file_size_ += waiting_.size();
    waiting_.clear();
}

// One rename: whoever dies meanwhile leaves the old file or the new one.
void session_journal::write_anew() {
    waiting_.clear();
    lost_ = 0;
    if (values_size_ > most) return give_up("there is more to remember than " + std::to_string(most >> 20) + " MiB");
    std::string text;
    text.reserve(values_size_ + 24 * values_.size());
    for (const auto& [key, value] : values_) text += line_of(key, &value);
    if (const auto written = write_file(file_, text, 0600); !written) return give_up(written.error());
    fd_ = storage::unique_fd(::open(file_.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW));
    if (!fd_) return give_up("cannot write " + file_ + ": " + std::generic_category().message(errno));
    file_size_ = text.size();
    if (std::exchange(said_, false)) component_log(name_).info("sessions are remembered again");
}

void session_journal::give_up(const std::string& why) {
    fd_.reset();
    waiting_.clear();
    ::unlink(file_.c_str());
    if (!std::exchange(said_, true))
        component_log(name_).warn("{}; sessions go on, and will be over when the gateway ends", why);
}

}  // namespace gateway
