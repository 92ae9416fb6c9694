// The gateway's log: one line an event, on standard error or in the journal. No message bodies, no keys;
// what a peer said is put through protocol::printable() first.
#pragma once

#include <spdlog/spdlog.h>

#include <chrono>
#include <string>
#include <string_view>
#include <unordered_map>

namespace gateway {

inline spdlog::logger& log() { return *spdlog::default_logger_raw(); }

// level: trace, debug, info, warn, error; format: auto, text, json or journal. Both checked by the configuration.
void set_up_log(std::string_view level, std::string_view format);

// At most one line a second for each source of trouble, so that a flood does not fill a disk.
class log_gate {
public:
    using time_point = std::chrono::steady_clock::time_point;
    // Whether to write now; `skipped` gets the number of lines left out since the last.
    bool open(const std::string& source, time_point now, std::size_t& skipped);

private:
    struct entry {
        time_point last;
        std::size_t skipped = 0;
    };
    static constexpr std::size_t max_sources = 1024;
    std::unordered_map<std::string, entry> sources_;
};

}  // namespace gateway
