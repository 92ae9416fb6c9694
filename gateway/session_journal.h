// What a component's session has to know again after its gateway's end, however that came: a small file of lines. Each says
// the newest value of a key, or that there is none any more; whoever reads them all has the values of the last moment.
//
// A line is written before what it tells of has an effect, and left to the kernel: it outlives the gateway, not the machine, and
// with the machine dlv is gone too. A last line that was cut, or one that is not ours, counts for nothing.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>

#include "protocol/json.h"
#include "storage/fd.h"

namespace gateway {

class session_journal {
public:
    static constexpr std::size_t compact_above = 1u << 20;  // bytes of file, when most of it is old
    static constexpr std::size_t most = 16u << 20;          // bytes of values; more than that is not kept at all

    // Nothing is read or written before open(). `name` is the component's, for the log.
    session_journal(std::string file, std::string name) : file_(std::move(file)), name_(std::move(name)) {}

    // Reads what an earlier gateway left, and begins the file anew with that.
    void open();

    // Keys are our own words: letters, digits, `/`, `-`. Values are in their order of keys.
    const std::map<std::string, std::string, std::less<>>& all() const { return values_; }
    protocol::json value(std::string_view key) const;  // null: there is none

    // Written at once, unless within a batch. The same value again costs nothing.
    void put(std::string_view key, std::string value);
    void put(std::string_view key, const protocol::json& value) { put(key, protocol::to_text(value)); }
    void drop(std::string_view key);
    void drop_below(std::string_view prefix);
    // Several changes, written together when the last one of these goes.
    class batch {
    public:
        explicit batch(session_journal& of) : of_(of) { ++of_.batches_; }
        ~batch() {
            if (--of_.batches_ == 0) of_.write();
        }
        batch(const batch&) = delete;
        batch& operator=(const batch&) = delete;

    private:
        session_journal& of_;
    };

    // Whether the file holds what all() says. Once it cannot be written it is taken away, which is said once: an old state would
    // be worse than none. It is tried again when much has changed.
    bool kept() const { return static_cast<bool>(fd_); }

private:
    void read(std::string_view text);
    void append(std::string_view key, const std::string* value);
    void write();
    void write_anew();
    void give_up(const std::string& why);

    const std::string file_, name_;
    std::map<std::string, std::string, std::less<>> values_;
    std::size_t values_size_ = 0;
    std::size_t file_size_ = 0;
    std::string waiting_;  // lines not yet written
    std::size_t lost_ = 0;  // bytes that were not, since it was given up
    storage::unique_fd fd_;
    int batches_ = 0;
    bool open_ = false;
    bool said_ = false;
};

}  // namespace gateway
