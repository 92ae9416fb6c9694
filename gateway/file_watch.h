// Tells when files change, however they are changed: written in place, replaced by a rename, or swapped
// by a symbolic link somewhere on their way, as Kubernetes does with its volumes.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

namespace gateway {

class file_watch {
public:
    struct settings {
        std::chrono::milliseconds quiet{100};    // after the last sign of a change, before it is told
        std::chrono::milliseconds patience{400}; // ... at the latest, while the signs go on
        std::chrono::milliseconds poll{500};     // where the kernel does not tell: looking by ourselves
        std::chrono::milliseconds second_look{10000};  // ... and where it does, for file systems that do not
        bool use_inotify = true;
    };

    // `changed` gets those of the watched paths whose file (or, of a directory, any of its files) is another
    // one or has another content. It may be told of one that is as it was.
    file_watch(boost::asio::io_context& io, std::function<void(const std::set<std::string>&)> changed);
    file_watch(boost::asio::io_context& io, std::function<void(const std::set<std::string>&)> changed, settings how);
    ~file_watch();
    file_watch(const file_watch&) = delete;
    file_watch& operator=(const file_watch&) = delete;

    // Absolute paths of files and directories; those that are not there are waited for.
    void watch(const std::set<std::string>& paths);
    // Whether the kernel tells of every path; else they are looked at every `poll`.
    bool told() const { return complete_; }

private:
    void arm_directories();
    void read_events();
    void wait_for_events();
    void soon();
    void compare();
    void arm_poll();

    boost::asio::io_context& io_;
    std::function<void(const std::set<std::string>&)> changed_;
    const settings how_;
    boost::asio::posix::stream_descriptor inotify_;
    boost::asio::steady_timer quiet_, poll_;
    std::map<std::string, std::string> seen_;    // by watched path
    std::map<int, std::string> directories_;     // by watch descriptor
    std::map<std::string, std::set<std::string>> names_;  // by directory: what matters there → watched paths
    std::set<std::string> dirty_;
    std::chrono::steady_clock::time_point first_sign_{};
    bool pending_ = false;
    bool complete_ = false;
    std::shared_ptr<char> alive_ = std::make_shared<char>();
};

}  // namespace gateway
