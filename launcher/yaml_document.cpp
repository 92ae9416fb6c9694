#include "launcher/yaml_document.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <yaml-cpp/yaml.h>

#include <cerrno>
#include <cstring>
#include <sstream>

#include "launcher/fd.h"
#include "launcher/yaml_events.h"
#include "launcher/yaml_scalar.h"
#include "protocol/json.h"
#include "protocol/json_place.h"
#include "protocol/printable.h"

namespace launcher {
namespace {

// go-yaml takes no control characters, and yaml-cpp takes one of them for the end of the file.
std::size_t find_control(std::string_view bytes) {
    for (std::size_t at = 0; at < bytes.size(); ++at) {
        const auto c = static_cast<unsigned char>(bytes[at]);
        if (c == 0x7f || (c < 0x20 && c != '\t' && c != '\n' && c != '\r')) return at;
        // U+0080 to U+009F but U+0085, a line's end
        if (c == 0xc2 && at + 1 < bytes.size()) {
            const auto next = static_cast<unsigned char>(bytes[at + 1]);
            if (next < 0xa0 && next != 0x85) return at;
        }
    }
    return std::string_view::npos;
}

std::string at_line(const std::string& name, std::size_t line, std::size_t column = 0) {
    return name + ":" + std::to_string(line) + (column > 0 ? ":" + std::to_string(column) : "") + ": ";
}

std::string at_offset(const std::string& name, std::string_view bytes, std::size_t offset) {
    std::size_t line = 1, start = 0;
    for (std::size_t i = 0; i < offset && i < bytes.size(); ++i)
        if (bytes[i] == '\n') {
            ++line;
            start = i + 1;
        }
    return at_line(name, line, offset - start + 1);
}

struct too_much {
    const char* what;
};

yaml_value from_json(const protocol::json& json, std::size_t& nodes, const yaml_limits& limits) {
    if (++nodes > limits.max_nodes) throw too_much{"too many values"};
    using kind = yaml_value::kind;
    yaml_value out;
    if (const auto* b = json.if_bool()) {
        out.what = kind::boolean;
        out.scalar = *b ? "true" : "false";
    } else if (const auto* number = json.if_number()) {
        out.what = json.as_int() || json.as_uint() ? kind::integer : kind::real;
        out.scalar = number->token;
    } else if (const auto* text = json.if_string()) {
        if (text->find('\0') != std::string::npos) throw too_much{"a text with a NUL in it"};
        out.what = kind::text;
        out.scalar = *text;
    } else if (const auto* array = json.if_array()) {
        out.what = kind::list;
        for (const auto& item : *array) out.items.push_back(from_json(item, nodes, limits));
    } else if (const auto* object = json.if_object()) {
        out.what = kind::map;
        for (const auto& [key, value] : *object) out.members.emplace_back(key, from_json(value, nodes, limits));
    }
    return out;
}

outcome<yaml_value> parse_json_document(std::string_view bytes, const std::string& name, const yaml_limits& limits) {
    protocol::json_limits json_limits;
    json_limits.max_depth = limits.max_depth;
    json_limits.fold_keys = false;  // two labels may differ in case only
    const auto json = protocol::parse_json(bytes, json_limits);
    if (!json) {
        const auto where = protocol::json_fault(bytes);
        return (where ? at_offset(name, bytes, *where) : name + ": ") + json.error().message();
    }
    std::size_t nodes = 0;
    try {
        return from_json(*json, nodes, limits);
    } catch (const too_much& fault) {
        return name + ": " + fault.what;
    }
}

}  // namespace

const yaml_value* yaml_value::find(std::string_view key) const {
    for (const auto& [name, value] : members)
        if (name == key) return &value;
    return nullptr;
}

bool yaml_value::truth() const { return what == kind::boolean && yaml_truth(scalar); }

outcome<yaml_value> parse_yaml(std::string_view bytes, const std::string& name, const yaml_limits& limits) {
    if (bytes.size() > limits.max_bytes)
        return name + ": longer than " + std::to_string(limits.max_bytes >> 20) + " MiB, which the kubelet refuses";
    if (!protocol::valid_utf8(bytes)) return name + ": not UTF-8 text";
    if (const auto at = find_control(bytes); at != std::string_view::npos)
        return at_offset(name, bytes, at) + "a control character";
    const auto first = bytes.find_first_not_of(" \t\r\n");
    if (first == std::string_view::npos) return name + ": empty";
    if (bytes[first] == '{') return parse_json_document(bytes, name, limits);
    try {
        std::istringstream stream{std::string(bytes)};
        YAML::Parser parser(stream);
        yaml_events events(limits);
        if (!parser.HandleNextDocument(events)) return name + ": empty";
        return events.take();
    } catch (const yaml_fault& fault) {
        return at_line(name, fault.line, fault.column) + fault.what;
    } catch (const YAML::Exception& error) {
        const auto what = protocol::printable(error.msg);
        if (error.mark.is_null()) return name + ": " + what;
        return at_line(name, error.mark.line + 1, error.mark.column + 1) + what;
    }
}

outcome<std::string> read_regular_file(const std::string& path, std::size_t max_bytes) {
    using result = outcome<std::string>;
    const auto failed = [&](const std::string& why) { return result(boost::system::in_place_error, path + ": " + why); };
    // A FIFO would block the open.
    const unique_fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    if (!fd) return failed(std::strerror(errno));
    struct stat status {};
    if (::fstat(fd.get(), &status) != 0) return failed(std::strerror(errno));
    if (!S_ISREG(status.st_mode)) return failed("not a regular file");
    std::string bytes;
    char buffer[16384];
    for (;;) {
        const auto n = ::read(fd.get(), buffer, sizeof buffer);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return failed(std::strerror(errno));
        if (n == 0) return result(boost::system::in_place_value, std::move(bytes));
        bytes.append(buffer, static_cast<std::size_t>(n));
        if (bytes.size() > max_bytes) return failed("longer than " + std::to_string(max_bytes >> 20) + " MiB");
    }
}

}  // namespace launcher
