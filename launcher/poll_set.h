// One round of poll(2): who waits for what, and what is called then.
#pragma once

#include <poll.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <vector>

namespace launcher {

class poll_set {
public:
    // -1 is left out. `call` may end other connections, but must not free those of this round.
    void add(int fd, short events, std::function<void(short)> call) {
        if (fd < 0) return;
        fds_.push_back({fd, events, 0});
        calls_.push_back(std::move(call));
    }
    void wait(std::chrono::milliseconds longest) {
        const auto most = std::clamp<std::int64_t>(longest.count(), 0, 60'000);
        const int n = ::poll(fds_.data(), fds_.size(), static_cast<int>(most));
        for (std::size_t i = 0; n > 0 && i < fds_.size(); ++i)
            if (fds_[i].revents != 0) calls_[i](fds_[i].revents);
        fds_.clear();
        calls_.clear();
    }

private:
    std::vector<pollfd> fds_;
    std::vector<std::function<void(short)>> calls_;
};

}  // namespace launcher
