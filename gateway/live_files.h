// Files that take effect anew while the gateway runs: each item whole or not at all. A broken file keeps
// what was read before, and that is logged, counted and shown.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "auth/tls.h"
#include "gateway/file_watch.h"
#include "protocol/json.h"

namespace gateway {

class live_files {
public:
    explicit live_files(boost::asio::io_context& io, file_watch::settings how = {});

    // `load` reads the item's files and puts them into effect; an error leaves everything as it was. It is not
    // called here: what is read at the start has been.
    void add(std::string name, std::vector<std::string> paths, std::function<auth::outcome<void>()> load);
    // From now on changes are noticed.
    void start();
    // All items, changed or not (SIGHUP).
    void reload_all();

    struct count {
        const std::string& name;
        std::uint64_t reloads, failures;
        bool failing;  // what is in effect is not what is in the files
    };
    std::vector<count> counts() const;
    // [{"name","files","since","reloads","failures"[,"failingSince","error"]}]
    protocol::json describe() const;
    std::uint64_t failures() const;  // since the start

private:
    struct item {
        std::string name;
        std::vector<std::string> paths;
        std::function<auth::outcome<void>()> load;
        std::chrono::system_clock::time_point since = std::chrono::system_clock::now();  // of what is in effect
        std::uint64_t reloads = 0, failures = 0;
        std::chrono::system_clock::time_point failing_since{};
        std::string error{};  // empty: what is in effect is what is in the files
    };
    void load(item& one);

    std::vector<item> items_;
    file_watch watch_;
};

}  // namespace gateway
