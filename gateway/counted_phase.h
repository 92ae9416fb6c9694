// What the target of a hub does, and for how long it has stood altogether.
#pragma once

#include <chrono>
#include <string_view>

namespace gateway {

enum class phase { down, starting, stopped, running, exited };
std::string_view to_string(phase p);

class counted_phase {
public:
    using clock = std::chrono::steady_clock;
    counted_phase(phase p) : now_(p) {}  // NOLINT: it is a phase
    counted_phase& operator=(phase p) {
        if (now_ == phase::stopped) stood_ += clock::now() - since_;
        if (p == phase::stopped) since_ = clock::now();
        now_ = p;
        return *this;
    }
    operator phase() const { return now_; }
    // Since this gateway's start, the stop of now included.
    clock::duration stood() const { return stood_ + (now_ == phase::stopped ? clock::now() - since_ : clock::duration{}); }

private:
    phase now_;
    clock::time_point since_{};
    clock::duration stood_{};
};

}  // namespace gateway
