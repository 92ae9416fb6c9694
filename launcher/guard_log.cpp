#include "launcher/guard_log.h"

#include <poll.h>
#include <unistd.h>

#include <array>
#include <cstdio>

#include "protocol/printable.h"

namespace launcher {

namespace {

constexpr std::uint64_t a_minute = 20;

// By hand: the C library would read the time zone's file, which the sandbox does not let it.
std::string utc_now() {
    using namespace std::chrono;
    const auto now = floor<seconds>(system_clock::now());
    const auto day = floor<days>(now);
    const year_month_day date(day);
    const hh_mm_ss clock(now - day);
    std::array<char, 32> text;
    std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02dZ", int(date.year()), unsigned(date.month()),
                  unsigned(date.day()), int(clock.hours().count()), int(clock.minutes().count()),
                  int(clock.seconds().count()));
    return text.data();
}

}  // namespace

void guard_log::say(std::string_view text) {
    if (fd_ < 0) return;
    const std::string line = utc_now() + " guard " + component_ + ": " + protocol::printable(text) + "\n";
    // Nobody may hold the guard up by not reading its log.
    pollfd can{fd_, POLLOUT, 0};
    if (::poll(&can, 1, 0) != 1 || (can.revents & POLLOUT) == 0) return;
    if (::write(fd_, line.data(), line.size()) < 0) return;
}

void guard_log::say_rationed(std::string_view text, std::chrono::milliseconds now) {
    using namespace std::chrono_literals;
    if (now - minute_ >= 60s) {
        if (said_ > a_minute) say(std::to_string(said_ - a_minute) + " more such lines were left out");
        minute_ = now;
        said_ = 0;
    }
    if (++said_ <= a_minute) say(text);
}

}  // namespace launcher
