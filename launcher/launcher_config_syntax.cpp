#include "launcher/launcher_config_syntax.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "launcher/config_values.h"
#include "launcher/launcher_wire.h"

namespace launcher::config_syntax {
namespace {

std::string quoted(const std::string& text) { return "\"" + text + "\""; }

template <class Number>
std::optional<Number> whole_number(const std::string& text) {
    Number value{};
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (ec != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

bool only(const std::string& text, std::string_view more) {
    return std::all_of(text.begin(), text.end(), [more](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || more.find(c) != std::string_view::npos;
    });
}

}  // namespace

std::string path_into(std::string& to, const std::string& text, std::size_t most) {
    if (text.empty() || text.front() != '/') return "must be an absolute path; not " + quoted(text);
    if (text.size() > most) return "must be at most " + std::to_string(most) + " bytes long";
    if (text.size() > 1)
        for (std::size_t at = 0; at < text.size();) {
            const std::size_t end = std::min(text.find('/', at + 1), text.size());
            const std::string part = text.substr(at + 1, end - at - 1);
            if (part.empty() || part == "." || part == "..") return "must be a path without \"//\", \".\", \"..\" and a slash at its end";
            at = end;
        }
    to = text;
    return {};
}

std::string program_into(std::string& to, const std::string& text) {
    if (text.find('/') != std::string::npos) return path_into(to, text);
    if (text.empty()) return "must not be empty";
    to = text;
    return {};
}

std::string user_into(std::string& to, const std::string& text) {
    if (text.empty() || !only(text, "_-.")) return "must be a user's name; not " + quoted(text);
    if (text == "root") return "must not be root: the gateway faces the network and has no privilege";
    to = text;
    return {};
}

std::string label_into(std::string& to, const std::string& text) {
    if (!is_component_name(text)) return "must be of lower-case letters, digits and inner hyphens, at most 63; not " + quoted(text);
    to = text;
    return {};
}

std::string subdomain_into(std::string& to, const std::string& text) {
    std::size_t at = 0;
    bool fine = text.size() <= 253;
    while (fine && at <= text.size()) {
        const std::size_t end = std::min(text.find('.', at), text.size());
        fine = is_component_name(text.substr(at, end - at));
        at = end + 1;
    }
    if (!fine) return "must be a pod's name; not " + quoted(text);
    to = text;
    return {};
}

std::string unit_into(std::string& to, const std::string& text) {
    if (text.size() > 255 || !text.ends_with(".service") || text.size() == 8 || !only(text, "-_.:@\\"))
        return "must be a unit's name that ends with .service; not " + quoted(text);
    to = text;
    return {};
}

std::string account_into(std::string& to, const std::string& text) {
    if (!whole_number<uid_t>(text)) return user_into(to, text);
    to = text;
    return {};
}

std::string base_name_into(std::string& to, const std::string& text) {
    if (text.empty() || text.size() > 255 || !only(text, "-_.+") || text == "." || text == "..")
        return "must be a program's name without its directory; not " + quoted(text);
    to = text;
    return {};
}

std::string health_into(std::string& to, const std::string& text) {
    const bool url = text.starts_with("http://") || text.starts_with("https://");
    if (text != "none" && (!url || text.find_first_of(" \t\r\n@") != std::string::npos))
        return "must be none, or a URL such as https://127.0.0.1:10259/healthz; not " + quoted(text);
    to = text;
    return {};
}

std::string texts_into(std::vector<std::string>& to, const words& items) {
    to = items;
    return {};
}

std::string uids_into(std::vector<uid_t>& to, const words& items) {
    to.clear();
    for (const auto& item : items) {
        const auto value = whole_number<uid_t>(item);
        if (!value || *value == 0 || *value == static_cast<uid_t>(-1)) return "must be uids, none of them 0; not " + quoted(item);
        to.push_back(*value);
    }
    return {};
}

std::string ports_into(std::vector<std::uint16_t>& to, const words& items) {
    to.clear();
    for (const auto& item : items) {
        const auto value = whole_number<std::uint16_t>(item);
        if (!value || *value == 0) return "must be ports from 1 to 65535; not " + quoted(item);
        to.push_back(*value);
    }
    return {};
}

std::string classes_into(protocol::class_set& to, const words& items) {
    using protocol::op_class;
    protocol::class_set out;
    for (const auto& item : items) {
        bool known = false;
        for (auto one = static_cast<int>(op_class::observe); one <= static_cast<int>(op_class::lifecycle); ++one)
            if (protocol::to_string(static_cast<op_class>(one)) == item) {
                out.add(static_cast<op_class>(one));
                known = true;
            }
        if (!known) return "takes observe, read, trace, breakpoint, control, mutate, files and lifecycle; not " + quoted(item);
    }
    if (out.empty()) return "must name at least one class";
    to = out;
    return {};
}

std::string flag_into(bool& to, const std::string& text) {
    if (text != "true" && text != "false") return "must be true or false; not " + quoted(text);
    to = text == "true";
    return {};
}

std::string size_into(std::uint64_t& to, const std::string& text) {
    const auto size = parse_size(text);
    if (!size) return ": " + size.error();
    if (*size != 0 && *size < (64u << 20)) return "must be 0 (no limit) or at least 64MiB";
    to = *size;
    return {};
}

std::string seconds_into(std::chrono::seconds& to, const std::string& text, std::chrono::seconds least,
                         std::chrono::seconds most) {
    const auto time = parse_duration(text);
    if (!time) return ": " + time.error();
    if (*time < least || *time > most) return "must be from " + format_duration(least) + " to " + format_duration(most) + "; not " + quoted(text);
    if (*time % std::chrono::seconds(1) != std::chrono::milliseconds(0)) return "must be of whole seconds; not " + quoted(text);
    to = std::chrono::duration_cast<std::chrono::seconds>(*time);
    return {};
}

std::string count_into(std::uint32_t& to, const std::string& text, std::uint32_t least, std::uint32_t most) {
    const auto value = whole_number<std::uint32_t>(text);
    if (!value || *value < least || *value > most)
        return "must be a number from " + std::to_string(least) + " to " + std::to_string(most) + "; not " + quoted(text);
    to = *value;
    return {};
}

std::string count_into(std::size_t& to, const std::string& text, std::uint32_t least, std::uint32_t most) {
    std::uint32_t value = 0;
    auto fault = count_into(value, text, least, most);
    if (fault.empty()) to = value;
    return fault;
}

std::string kind_into(component_kind& to, const std::string& text) {
    if (text == "static-pod")
        to = component_kind::static_pod;
    else if (text == "systemd")
        to = component_kind::systemd;
    else if (text == "daemon-set")
        to = component_kind::daemon_set;
    else if (text == "attach")
        to = component_kind::attach;
    else if (text == "core")
        to = component_kind::core;
    else
        return "must be static-pod, daemon-set, systemd, attach or core; not " + quoted(text);
    return {};
}

std::string remote_into(remote_start& to, const std::string& text) {
    if (text == "never")
        to = remote_start::never;
    else if (text == "armed")
        to = remote_start::armed;
    else if (text == "always")
        to = remote_start::always;
    else
        return "must be never, armed or always; not " + quoted(text);
    return {};
}

std::string on_exit_into(component_definition::on_exit& to, const std::string& text) {
    using on_exit = component_definition::on_exit;
    if (text == "restore")
        to = on_exit::restore;
    else if (text == "restart")
        to = on_exit::restart;
    else if (text == "keep")
        to = on_exit::keep;
    else
        return "must be restore, restart or keep; not " + quoted(text);
    return {};
}

}  // namespace launcher::config_syntax
