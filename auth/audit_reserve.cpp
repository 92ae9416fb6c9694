#include "auth/audit_reserve.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace auth {

outcome<audit_reserve> audit_reserve::open(const std::string& path, std::size_t size, audit_calls& calls,
                                           std::string& found) {
    const auto failed = [](std::string why) {
        return outcome<audit_reserve>(boost::system::in_place_error, std::move(why));
    };
    audit_reserve out;
    out.calls_ = &calls;
    auto file = open_audit_file(path, O_RDWR | O_CREAT);
    if (!file) return failed(file.error());
    out.file_ = std::move(*file);

    const std::uint64_t there = out.file_.size();
    found = out.file_.read(0, std::min<std::uint64_t>(there, 1u << 30));
    found.resize(std::min(found.size(), found.find('\0')));
    out.used_ = found.size();
    found.resize(found.rfind('\n') == std::string::npos ? 0 : found.rfind('\n') + 1);  // a crash cut the rest
    out.lines_ = found;

    // Blocks are taken by writing, not by fallocate(): turning an unwritten extent into a written one can
    // itself need space.
    const std::string zeros(64 * 1024, '\0');
    for (std::uint64_t at = there; at < size; at += zeros.size())
        if (const int error = out.file_.write_at(calls, std::string_view(zeros).substr(0, std::min<std::uint64_t>(zeros.size(), size - at)), at))
            return failed("the reserve " + path + " of " + std::to_string(size) + " bytes cannot be written: " +
                          std::strerror(error) + "; make room, or set auditReserve");
    if (there > size && out.used_ == 0) out.file_.truncate(calls, size);
    if (const int error = out.file_.sync(calls)) return failed("the reserve " + path + " cannot be synced: " + std::strerror(error));
    out.size_ = std::max<std::uint64_t>(size, out.used_);
    return out;
}

int audit_reserve::append(std::string_view lines) {
    if (used_ + lines.size() > size_) return ENOSPC;
    int error = file_.write_at(*calls_, lines, used_);
    if (!error) error = file_.sync(*calls_);
    if (error) {
        // What may stand there now must not be taken for a record later.
        file_.write_at(*calls_, std::string(lines.size(), '\0'), used_);
        return error;
    }
    used_ += lines.size();
    lines_ += lines;
    return 0;
}

int audit_reserve::clear() {
    lines_.clear();
    if (used_ == 0) return 0;
    int error = file_.write_at(*calls_, std::string(used_, '\0'), 0);
    if (!error) error = file_.sync(*calls_);
    if (!error) used_ = 0;
    return error;
}

}  // namespace auth
