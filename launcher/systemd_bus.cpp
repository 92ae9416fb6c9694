#include "launcher/systemd_bus.h"

#include <unistd.h>

#include <cctype>
#include <cstdlib>
#include <cstring>

#include "launcher/failed.h"

namespace launcher::systemd_bus {

namespace {

using std::chrono::microseconds;
using std::chrono::steady_clock;

std::string errno_words(int negative) { return std::strerror(negative < 0 ? -negative : negative); }

// A path as a D-Bus address has it.
std::string address_of(const std::string& path) {
    std::string result = "unix:path=";
    for (const unsigned char c : path) {
        if (std::isalnum(c) || std::strchr("-_/.*", c) != nullptr) {
            result += static_cast<char>(c);
            continue;
        }
        constexpr char digits[] = "0123456789abcdef";
        result += {'%', digits[c >> 4], digits[c & 15]};
    }
    return result;
}

// systemd's own socket: no bus between, so there is no Hello.
int open_private(const std::string& path, sd_bus** bus) {
    if (const int r = sd_bus_new(bus); r < 0) return r;
    if (const int r = sd_bus_set_address(*bus, address_of(path).c_str()); r < 0) return r;
    return sd_bus_start(*bus);
}

}  // namespace

outcome<bus_ptr> open(manager_scope scope) {
    sd_bus* raw = nullptr;
    if (scope == manager_scope::user) {
        const char* runtime = ::getenv("XDG_RUNTIME_DIR");
        if (runtime == nullptr || *runtime != '/')
            return failed<bus_ptr>("the user's systemd cannot be found: XDG_RUNTIME_DIR is not set");
        const auto path = std::string(runtime) + "/systemd/private";
        const int r = open_private(path, &raw);
        bus_ptr bus(raw);
        if (r < 0) return failed<bus_ptr>("the user's systemd does not answer at " + path + ": " + errno_words(r));
        return bus;
    }
    int r = 0;
    if (::geteuid() == 0) {
        constexpr const char* path = "/run/systemd/private";
        r = open_private(path, &raw);
        bus_ptr bus(raw);
        if (r >= 0) return bus;
        raw = nullptr;
    }
    const int over_bus = sd_bus_open_system(&raw);
    bus_ptr bus(raw);
    if (over_bus >= 0) return bus;
    if (r == -ENOENT || over_bus == -ENOENT)
        return failed<bus_ptr>("systemd does not run here, or not as the first process: nothing answers at "
                      "/run/systemd/private; components of kind systemd need it");
    return failed<bus_ptr>("systemd does not answer: " + errno_words(r < 0 ? r : over_bus) +
                  "; the launcher must run as root on the node, outside a container");
}

bool reply::is(const char* name) const {
    const auto dot = error_name.rfind('.');
    return dot != std::string::npos && error_name.compare(dot + 1, std::string::npos, name) == 0;
}

reply call(sd_bus* bus, sd_bus_message* request, std::chrono::milliseconds deadline) {
    reply result;
    if (request == nullptr) {
        result.error = "the request could not be built";
        return result;
    }
    sd_bus_error error = SD_BUS_ERROR_NULL;
    sd_bus_message* answer = nullptr;
    const auto usec = static_cast<std::uint64_t>(microseconds(deadline).count());
    const int r = sd_bus_call(bus, request, usec, &error, &answer);
    if (r >= 0) {
        result.message.reset(answer);
    } else {
        if (error.name != nullptr) result.error_name = error.name;
        result.error = error.message != nullptr ? error.message : errno_words(r);
        // One line, and what follows it begins a new sentence part.
        for (auto& c : result.error)
            if (c == '\n') c = ' ';
        while (!result.error.empty() && result.error.back() == '.') result.error.pop_back();
    }
    sd_bus_error_free(&error);
    return result;
}

message_ptr new_call(sd_bus* bus, const char* method, const char* path, const char* interface) {
    sd_bus_message* raw = nullptr;
    const int r = sd_bus_message_new_method_call(bus, &raw, service, path, interface, method);
    return message_ptr(r < 0 ? nullptr : raw);
}

bool read_strings(sd_bus_message* message, std::vector<std::string>& into) {
    into.clear();
    if (sd_bus_message_enter_container(message, 'a', "s") < 0) return false;
    const char* text = nullptr;
    int r = 0;
    while ((r = sd_bus_message_read_basic(message, 's', &text)) > 0) into.emplace_back(text);
    return r == 0 && sd_bus_message_exit_container(message) >= 0;
}

int job_watch::removed(sd_bus_message* message, void* self, sd_bus_error*) {
    std::uint32_t id = 0;
    const char *job = nullptr, *unit = nullptr, *result = nullptr;
    if (sd_bus_message_read(message, "uoss", &id, &job, &unit, &result) >= 0)
        static_cast<job_watch*>(self)->results_[job] = result;
    return 0;
}

outcome<void> job_watch::begin(sd_bus* bus) {
    sd_bus_slot* raw = nullptr;
    int r = sd_bus_match_signal(bus, &raw, nullptr, manager_path, manager_interface, "JobRemoved", removed, this);
    slot_.reset(raw);
    if (r < 0) return "systemd's jobs cannot be watched: " + errno_words(r);
    const auto subscribed = call(bus, new_call(bus, "Subscribe").get());
    // On its private socket systemd tells everybody everything, subscribed or not.
    if (!subscribed.message && !subscribed.is("AlreadySubscribed"))
        return "systemd's jobs cannot be watched: " + subscribed.error;
    return {};
}

outcome<std::string> job_watch::await(sd_bus* bus, const std::string& job, std::chrono::milliseconds deadline) {
    const auto end = steady_clock::now() + deadline;
    for (;;) {
        if (const auto it = results_.find(job); it != results_.end())
            return outcome<std::string>(boost::system::in_place_value, it->second);
        int r = sd_bus_process(bus, nullptr);
        if (r == 0) {
            const auto left = std::chrono::duration_cast<microseconds>(end - steady_clock::now()).count();
            if (left <= 0) return outcome<std::string>(boost::system::in_place_value);
            r = sd_bus_wait(bus, static_cast<std::uint64_t>(left));
            if (r == -EINTR) r = 0;
        }
        if (r < 0)
            return failed<std::string>("systemd closed the connection (" + errno_words(r) + ")");
    }
}

std::string systemctl(manager_scope scope) {
    return scope == manager_scope::user ? "systemctl --user" : "systemctl";
}

std::string journalctl(manager_scope scope) {
    return scope == manager_scope::user ? "journalctl --user" : "journalctl";
}

}  // namespace launcher::systemd_bus
