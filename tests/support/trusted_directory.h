// A directory for a test whose subject believes only what lies below directories that nobody else can write to: /tmp is none.
#pragma once

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>

#include "storage/trusted_file.h"

namespace support {

class trusted_directory {
public:
    trusted_directory() {
        const char* home = std::getenv("HOME");
        for (const std::string& parent : {std::filesystem::current_path().string(), std::string("/run"), std::string("/var/lib"),
                                          std::string(home ? home : "/")}) {
            if (!storage::open_root_directory(parent)) continue;
            std::string pattern = parent + "/delvegate-test-XXXXXX";
            if (!::mkdtemp(pattern.data())) continue;
            path_ = pattern;
            return;
        }
        throw std::runtime_error("no directory for tests that only this user can write to: run them in one");
    }
    ~trusted_directory() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    trusted_directory(const trusted_directory&) = delete;
    trusted_directory& operator=(const trusted_directory&) = delete;
    const std::string& path() const { return path_; }
    std::string operator/(const std::string& name) const { return path_ + "/" + name; }

private:
    std::string path_;
};

}  // namespace support
