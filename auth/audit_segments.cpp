#include "auth/audit_segments.h"

#include <algorithm>
#include <filesystem>
#include <string_view>

#include "auth/audit_disk.h"
#include "auth/audit_text.h"

namespace auth {
namespace {

constexpr std::string_view form = "00000000T000000.000000000Z";

struct parts {
    std::string stem;    // "audit-"
    std::string suffix;  // ".jsonl"
};

parts parts_of(const std::string& file) {
    const std::string name = file_name_of(file);
    const std::size_t dot = name.rfind('.');
    if (dot == std::string::npos || dot == 0) return {name + "-", ""};
    return {name.substr(0, dot) + "-", name.substr(dot)};
}

// "2026-11-25T20:56:58.123456789Z" without its hyphens and colons, and back.
std::string compact(std::int64_t time) {
    std::string out;
    append_time(out, time);
    std::erase_if(out, [](char c) { return c == '-' || c == ':'; });
    return out;
}

std::int64_t time_in(std::string_view compact) {
    std::string full(compact);
    for (const auto& [at, c] : {std::pair{4, '-'}, {7, '-'}, {13, ':'}, {16, ':'}})
        full.insert(static_cast<std::size_t>(at), 1, c);
    return parse_time(full).value_or(0);
}

// The time in the name of a rotated file; empty when the name is not one.
std::string_view time_of(std::string_view name, const parts& p) {
    if (name.size() != p.stem.size() + form.size() + p.suffix.size()) return {};
    if (!name.starts_with(p.stem) || !name.ends_with(p.suffix)) return {};
    const auto time = name.substr(p.stem.size(), form.size());
    for (std::size_t i = 0; i < form.size(); ++i)
        if (form[i] == '0' ? time[i] < '0' || time[i] > '9' : time[i] != form[i]) return {};
    return time;
}

}  // namespace

std::vector<std::string> rotated_files(const std::string& file) {
    const parts p = parts_of(file);
    std::vector<std::string> out;
    std::error_code ec;
    for (std::filesystem::directory_iterator at(directory_of(file), ec), end; !ec && at != end; at.increment(ec))
        if (!time_of(at->path().filename().native(), p).empty()) out.push_back(at->path().native());
    std::sort(out.begin(), out.end());
    return out;
}

std::string rotated_name(const std::string& file, const std::vector<std::string>& earlier, std::int64_t now) {
    const parts p = parts_of(file);
    if (!earlier.empty()) now = std::max(now, time_in(time_of(file_name_of(earlier.back()), p)) + 1);
    return directory_of(file) + "/" + p.stem + compact(now) + p.suffix;
}

}  // namespace auth
