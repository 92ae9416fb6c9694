#include "launcher/systemd_manager.h"

#include <signal.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>

#include "launcher/failed.h"
#include "launcher/systemd_bus.h"

namespace launcher {

namespace {

using namespace systemd_bus;

constexpr std::chrono::milliseconds reload_deadline = std::chrono::seconds(90);

}  // namespace

outcome<void> check_unit_name(const std::string& unit) {
    constexpr std::string_view suffix = ".service";
    constexpr std::string_view allowed =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:_.\\@-";
    if (!unit.ends_with(suffix) || unit.size() == suffix.size())
        return "\"" + unit + "\" is not a service: a unit's name ends in .service";
    if (unit.size() > 255 || unit.front() == '.' || unit.find_first_not_of(allowed) != std::string::npos)
        return "\"" + unit + "\" is not the name of a systemd unit: correct the component's unit";
    if (unit.find("@.service") != std::string::npos)
        return unit + " is a template, which does not run: name the instance, as in x@1.service";
    return {};
}

outcome<systemd_manager> systemd_manager::connect(manager_scope scope) {
    systemd_manager self;
    self.scope_ = scope;
    self.runtime_units_ = "/run/systemd/system";
    if (scope == manager_scope::user) {
        const char* runtime = ::getenv("XDG_RUNTIME_DIR");
        self.runtime_units_ = std::string(runtime == nullptr ? "" : runtime) + "/systemd/user";
    }
    auto bus = systemd_bus::open(scope);
    if (!bus) return failed<systemd_manager>(bus.error());
    auto request = new_call(bus->get(), "Get", manager_path, "org.freedesktop.DBus.Properties");
    if (request) sd_bus_message_append(request.get(), "ss", manager_interface, "Version");
    const auto answer = call(bus->get(), request.get());
    const char* version = nullptr;
    if (!answer.message || sd_bus_message_read(answer.message.get(), "v", "s", &version) < 0)
        return failed<systemd_manager>("systemd does not say its version: " + answer.error);
    while (*version != '\0' && (*version < '0' || *version > '9')) ++version;
    self.version_ = std::atoi(version);
    // ExecStartEx and OOMPolicy came with 243.
    if (self.version_ < 243)
        return failed<systemd_manager>("systemd " + std::string(version) +
                                       " is too old: components of kind systemd need 243 or later");
    return self;
}

outcome<void> systemd_manager::run_job(const char* method, const std::string& unit, const char* done,
                                       std::chrono::milliseconds deadline) {
    const auto fault = [&](const std::string& why) {
        return unit + " could not be " + done + ": " + why;
    };
    if (auto fine = check_unit_name(unit); !fine) return fine;
    auto bus = systemd_bus::open(scope_);
    if (!bus) return fault(bus.error());
    job_watch jobs;
    if (auto fine = jobs.begin(bus->get()); !fine) return fault(fine.error());
    auto request = new_call(bus->get(), method);
    if (request) sd_bus_message_append(request.get(), "ss", unit.c_str(), "replace");
    const auto answer = call(bus->get(), request.get());
    const char* job = nullptr;
    if (!answer.message) {
        if (answer.is("NoSuchUnit") && std::string_view(method) == "StopUnit") return {};
        return fault(answer.error + "; look at " + systemctl(scope_) + " status " + unit);
    }
    if (sd_bus_message_read(answer.message.get(), "o", &job) < 0) return fault("systemd's answer is not understood");
    const auto result = jobs.await(bus->get(), job, deadline);
    if (!result) return fault(result.error() + "; look at " + systemctl(scope_) + " status " + unit);
    if (*result == "done") return {};
    if (result->empty())
        return unit + " was not " + done + " within " +
               std::to_string(std::chrono::duration_cast<std::chrono::seconds>(deadline).count()) +
               " s: look at " + systemctl(scope_) + " list-jobs and " + systemctl(scope_) + " status " + unit;
    std::string why = "systemd's job ended with \"" + *result + "\"";
    if (const auto now = properties(unit); now && !now->result.empty() && now->result != "success")
        why += " (" + now->result + ")";
    return fault(why + "; " + journalctl(scope_) + " -u " + unit + " says more");
}

outcome<void> systemd_manager::start(const std::string& unit, std::chrono::milliseconds deadline) {
    return run_job("StartUnit", unit, "started", deadline);
}

outcome<void> systemd_manager::stop(const std::string& unit, std::chrono::milliseconds deadline) {
    return run_job("StopUnit", unit, "stopped", deadline);
}

outcome<void> systemd_manager::restart(const std::string& unit, std::chrono::milliseconds deadline) {
    return run_job("RestartUnit", unit, "restarted", deadline);
}

outcome<void> systemd_manager::reload() {
    auto bus = systemd_bus::open(scope_);
    if (!bus) return bus.error();
    const auto answer = call(bus->get(), new_call(bus->get(), "Reload").get(), reload_deadline);
    if (!answer.message)
        return systemctl(scope_) + " daemon-reload failed: " + answer.error + "; run it by hand and try again";
    return {};
}

outcome<std::vector<pid_t>> systemd_manager::unit_processes(const std::string& unit) {
    const auto fault = [&](const std::string& why) {
        return failed<std::vector<pid_t>>("the processes of " + unit + " cannot be listed: " + why);
    };
    auto bus = systemd_bus::open(scope_);
    if (!bus) return fault(bus.error());
    auto request = new_call(bus->get(), "GetUnitProcesses");
    if (request) sd_bus_message_append(request.get(), "s", unit.c_str());
    const auto answer = call(bus->get(), request.get());
    std::vector<pid_t> found;
    if (!answer.message) {
        if (answer.is("NoSuchUnit")) return found;
        return fault(answer.error);
    }
    auto* list = answer.message.get();
    int r = sd_bus_message_enter_container(list, 'a', "(sus)");
    const char *group, *command;
    std::uint32_t pid = 0;
    while (r >= 0 && (r = sd_bus_message_read(list, "(sus)", &group, &pid, &command)) > 0)
        found.push_back(static_cast<pid_t>(pid));
    if (r < 0) return fault("systemd's answer is not understood");
    return found;
}

outcome<void> systemd_manager::kill_unit(const std::string& unit, int signal, bool only_main) {
    auto bus = systemd_bus::open(scope_);
    if (!bus) return bus.error();
    auto request = new_call(bus->get(), "KillUnit");
    if (request) sd_bus_message_append(request.get(), "ssi", unit.c_str(), only_main ? "main" : "all", signal);
    const auto answer = call(bus->get(), request.get());
    if (answer.message || answer.is("NoSuchUnit") || answer.is("NoSuchProcess")) return {};
    return unit + "'s processes could not be sent signal " + std::to_string(signal) + ": " + answer.error;
}

outcome<void> systemd_manager::reset_failed(const std::string& unit) {
    auto bus = systemd_bus::open(scope_);
    if (!bus) return bus.error();
    auto request = new_call(bus->get(), "ResetFailedUnit");
    if (request) sd_bus_message_append(request.get(), "s", unit.c_str());
    const auto answer = call(bus->get(), request.get());
    if (answer.message || answer.is("NoSuchUnit")) return {};
    return unit + "'s failure could not be reset: " + answer.error;
}

outcome<std::vector<std::string>> systemd_manager::manager_environment() {
    auto bus = systemd_bus::open(scope_);
    if (!bus) return failed<std::vector<std::string>>(bus.error());
    auto request = new_call(bus->get(), "Get", manager_path, "org.freedesktop.DBus.Properties");
    if (request) sd_bus_message_append(request.get(), "ss", manager_interface, "Environment");
    const auto answer = call(bus->get(), request.get());
    std::vector<std::string> found;
    if (!answer.message || sd_bus_message_enter_container(answer.message.get(), 'v', "as") < 0 ||
        !read_strings(answer.message.get(), found))
        return failed<std::vector<std::string>>("systemd does not tell its environment: " + answer.error);
    return found;
}

}  // namespace launcher
