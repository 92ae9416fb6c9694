// sd-bus with owners: what the files of systemd_manager share.
#pragma once

#include <systemd/sd-bus.h>

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "launcher/outcome.h"
#include "launcher/systemd_manager.h"

namespace launcher::systemd_bus {

inline constexpr const char* service = "org.freedesktop.systemd1";
inline constexpr const char* manager_path = "/org/freedesktop/systemd1";
inline constexpr const char* manager_interface = "org.freedesktop.systemd1.Manager";

struct closer {
    void operator()(sd_bus* bus) const { sd_bus_close_unref(bus); }
    void operator()(sd_bus_message* message) const { sd_bus_message_unref(message); }
    void operator()(sd_bus_slot* slot) const { sd_bus_slot_unref(slot); }
};
using bus_ptr = std::unique_ptr<sd_bus, closer>;
using message_ptr = std::unique_ptr<sd_bus_message, closer>;
using slot_ptr = std::unique_ptr<sd_bus_slot, closer>;

outcome<bus_ptr> open(manager_scope scope);

// What a call was answered.
struct reply {
    message_ptr message;  // empty: it failed
    std::string error_name;  // "org.freedesktop.systemd1.NoSuchUnit", or that of an errno
    std::string error;       // in systemd's words
    bool is(const char* name) const;  // the part after the last dot
};
reply call(sd_bus* bus, sd_bus_message* request, std::chrono::milliseconds deadline = std::chrono::seconds(25));
message_ptr new_call(sd_bus* bus, const char* method, const char* path = manager_path,
                     const char* interface = manager_interface);

// Strings of an `as`; false when the message is not what it should be.
bool read_strings(sd_bus_message* message, std::vector<std::string>& into);

// Every job that ends while this lives.
class job_watch {
public:
    // Watches before the job is asked for, lest its end be missed.
    outcome<void> begin(sd_bus* bus);
    // "done", "failed", "timeout", "canceled", "dependency", …; empty when the deadline is over. The error is a lost
    // connection.
    outcome<std::string> await(sd_bus* bus, const std::string& job, std::chrono::milliseconds deadline);

private:
    static int removed(sd_bus_message* message, void* self, sd_bus_error* error);

    std::map<std::string, std::string> results_;
    slot_ptr slot_;
};

// "systemctl" or "systemctl --user", for advice.
std::string systemctl(manager_scope scope);
std::string journalctl(manager_scope scope);

}  // namespace launcher::systemd_bus
