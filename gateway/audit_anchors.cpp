#include "gateway/audit_anchors.h"

#include <fcntl.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <memory>
#include <string_view>

#include "auth/audit_disk.h"

namespace gateway {
namespace {

// Of all our anchors; `journalctl MESSAGE_ID=…` finds them.
constexpr char message_id[] = "MESSAGE_ID=5a1c9de1c0f34d0e9e5d3f7ab27c8e64";
constexpr std::string_view anchor_field = "DELVEGATE_ANCHOR=";

template <class T>
auth::outcome<T> failed(std::string why) {
    return auth::outcome<T>(boost::system::in_place_error, std::move(why));
}

auth::outcome<void> to_journal(const std::string& audit_file, const auth::audit_anchor& anchor) {
    // Without a journal the library says that all is well.
    if (::access("/run/systemd/journal/socket", F_OK) != 0)
        return failed<void>("there is no journal here; set auditAnchors to a file that others keep");
    const std::string text = "MESSAGE=delvegate audit: head of " + audit_file + " is record " + std::to_string(anchor.sequence) +
                             ", " + anchor.hash;
    const std::string file = "DELVEGATE_AUDIT=" + audit_file;
    const std::string line = std::string(anchor_field) + to_anchor_line(anchor);
    const iovec fields[] = {{const_cast<char*>(message_id), sizeof message_id - 1},
                            {const_cast<char*>("PRIORITY=6"), 10},
                            {const_cast<char*>("SYSLOG_IDENTIFIER=delvegate"), 27},
                            {const_cast<char*>(text.data()), text.size()},
                            {const_cast<char*>(file.data()), file.size()},
                            {const_cast<char*>(line.data()), line.size()}};
    const int error = ::sd_journal_sendv(fields, static_cast<int>(std::size(fields)));
    if (error < 0) return failed<void>(std::string("the journal did not take the anchor: ") + std::strerror(-error));
    return {};
}

struct journal_close {
    void operator()(sd_journal* j) const { ::sd_journal_close(j); }
};

}  // namespace

auth::outcome<anchor_sink> make_anchor_sink(const std::string& where, const std::string& audit_file) {
    if (where == "off") return anchor_sink();
    if (where == "journal")
        return anchor_sink([audit_file](const auth::audit_anchor& anchor) { return to_journal(audit_file, anchor); });
    const std::filesystem::path theirs = auth::directory_of(where), ours = auth::directory_of(audit_file);
    std::error_code ec;
    if (theirs.lexically_normal() == ours.lexically_normal() || std::filesystem::equivalent(theirs, ours, ec))
        return failed<anchor_sink>("auditAnchors: " + where + " is beside the audit itself; who can cut one could cut both");
    auto opened = auth::open_audit_file(where, O_WRONLY | O_APPEND | O_CREAT);
    if (!opened) return failed<anchor_sink>("auditAnchors: " + opened.error());
    const auto file = std::make_shared<auth::audit_file>(std::move(*opened));
    return anchor_sink([file, where](const auth::audit_anchor& anchor) -> auth::outcome<void> {
        auto& calls = auth::real_audit_calls();
        const std::uint64_t before = file->size();
        int error = file->append(calls, to_anchor_line(anchor) + "\n");
        if (!error) error = file->sync(calls);
        if (!error) return {};
        file->truncate(calls, before);
        return failed<void>("the anchors " + where + " cannot be written: " + std::strerror(error));
    });
}

auth::outcome<std::vector<auth::audit_anchor>> read_journal_anchors(const std::string& audit_file, unsigned uid) {
    using result = std::vector<auth::audit_anchor>;
    sd_journal* raw = nullptr;
    if (const int error = ::sd_journal_open(&raw, SD_JOURNAL_LOCAL_ONLY); error < 0)
        return failed<result>(std::string("the journal cannot be read: ") + std::strerror(-error));
    const std::unique_ptr<sd_journal, journal_close> journal(raw);
    const std::string file = "DELVEGATE_AUDIT=" + audit_file;
    const std::string owner = "_UID=" + std::to_string(uid);
    ::sd_journal_add_match(raw, message_id, 0);
    ::sd_journal_add_match(raw, file.c_str(), file.size());
    ::sd_journal_add_match(raw, owner.c_str(), owner.size());
    result out;
    SD_JOURNAL_FOREACH(raw) {
        const void* data = nullptr;
        std::size_t size = 0;
        if (::sd_journal_get_data(raw, "DELVEGATE_ANCHOR", &data, &size) < 0) continue;
        std::string_view line(static_cast<const char*>(data), size);
        if (!line.starts_with(anchor_field)) continue;
        auto anchor = auth::parse_anchor_line(line.substr(anchor_field.size()));
        if (!anchor) return failed<result>("an anchor in the journal cannot be read: " + anchor.error());
        out.push_back(std::move(*anchor));
    }
    if (out.empty())
        return failed<result>("the journal has no anchors of " + audit_file + " (of user " + std::to_string(uid) +
                              "); reading it may need root or the group systemd-journal");
    return out;
}

}  // namespace gateway
