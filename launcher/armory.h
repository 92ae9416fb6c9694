// Which components root has armed for a start from elsewhere, and until when.
//
// Kept in a file of root's (0600) below the state directory, so that a restart of the launcher disarms nothing. Time is
// the boot-time clock, which no one sets and which counts while the host sleeps; after a reboot nothing is armed.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "launcher/outcome.h"

namespace launcher {

struct boot_clock {
    std::function<std::chrono::milliseconds()> now;  // since the boot
    std::string boot_id;
    static boot_clock real();
};

// What root has said last of one component, in this boot.
struct arming {
    std::chrono::milliseconds until{0};  // boot time: armed until then
    bool disarmed = false;               // by root's word, at `until`
};

class armory {
public:
    // Reads `directory`/armed.json. A file that cannot be believed (owner, modes, content) arms nothing: `warning()` says so.
    armory(std::string directory, boot_clock clock);

    // On the disk when it returns. An error: it is armed no longer than before.
    outcome<void> arm(const std::string& component, std::chrono::seconds duration, const std::string& by);
    // Takes effect at once, also on what runs and was never armed (latest()); an error: a restart of the launcher before the
    // old end would arm it again.
    outcome<void> disarm(const std::string& component);

    bool armed(const std::string& component) const { return left(component).has_value(); }
    std::optional<std::chrono::milliseconds> left(const std::string& component) const;
    // Also of what is over; nothing: root has said nothing since the boot.
    std::optional<arming> latest(const std::string& component) const;
    const std::string& warning() const { return warning_; }

private:
    struct entry {
        std::chrono::milliseconds until{0};
        std::string by;
        bool disarmed = false;
    };
    void load();
    outcome<void> save() const;

    std::string directory_;
    boot_clock clock_;
    std::string warning_;
    mutable std::mutex lock_;
    std::map<std::string, entry> entries_;
};

}  // namespace launcher
