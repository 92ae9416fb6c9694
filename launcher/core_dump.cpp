// The kind `core`: a core file and its program, looked at by a dlv that may do nothing else on this node. Nothing is taken
// away, nothing runs, and nothing can be changed.
#include <dirent.h>
#include <elf.h>
#include <fcntl.h>
#include <pwd.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>
#include <tuple>

#include "launcher/attach_target.h"
#include "launcher/detacher.h"
#include "launcher/dlv_version.h"
#include "launcher/plan_json.h"
#include "launcher/service_host.h"
#include "storage/sha256.h"
#include "storage/trusted_file.h"

namespace launcher {

namespace {

class core_dump final : public detacher {
public:
    explicit core_dump(component_definition definition) : definition_(std::move(definition)) {}

    outcome<component_plan> inspect(const lifecycle_request& request) override;
    outcome<detachment_changes> intend(const component_plan& plan, const stand_in&) override {
        detachment_changes changes;
        changes.target_file = plan.process.core;
        return changes;
    }
    outcome<void> take_out(const component_plan&, const stand_in&) override { return {}; }
    outcome<std::string> remains(const component_plan&) override { return text({}); }
    outcome<void> look(const std::optional<detachment>&, found_on_disk&) override { return {}; }
    outcome<put_back_summary> put_back(const std::optional<detachment>&, const recovery_decision&) override {
        return put_back_summary{};
    }
    outcome<std::string> missing(const std::optional<detachment>&) override { return text({}); }

private:
    component_definition definition_;
};

struct core_file {
    std::string path;
    struct stat info {};
};

// Only the head of it is read here. The error: why it is none.
outcome<core_file> look_at_core(int directory, const std::string& in, const std::string& name) {
    core_file out;
    out.path = in + "/" + name;
    const unique_fd file(::openat(directory, name.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    if (!file || ::fstat(file.get(), &out.info) != 0) return error_text(out.path + " cannot be opened: " + std::strerror(errno));
    if (!S_ISREG(out.info.st_mode)) return error_text(out.path + " is not a regular file");
    Elf64_Ehdr head{};
    const bool read = ::pread(file.get(), &head, sizeof head, 0) == static_cast<ssize_t>(sizeof head);
    if (!read || std::memcmp(head.e_ident, ELFMAG, SELFMAG) != 0 || head.e_type != ET_CORE)
        return error_text(out.path + " is not a core file; what systemd-coredump keeps is written out by: coredumpctl dump -o FILE");
    return outcome<core_file>(boost::system::in_place_value, std::move(out));
}

outcome<core_file> newest_core(int directory, const std::string& path) {
    const std::unique_ptr<DIR, int (*)(DIR*)> list(::fdopendir(::fcntl(directory, F_DUPFD_CLOEXEC, 0)), &::closedir);
    if (!list) return error_text(path + " cannot be listed: " + std::strerror(errno));
    std::optional<core_file> newest;
    const auto time = [](const core_file& one) { return std::tuple(one.info.st_mtim.tv_sec, one.info.st_mtim.tv_nsec); };
    while (const auto* entry = ::readdir(list.get())) {
        if (entry->d_name[0] == '.') continue;
        auto found = look_at_core(directory, path, entry->d_name);
        if (found && (!newest || time(*found) > time(*newest))) newest = std::move(*found);
    }
    if (!newest) return error_text("there is no core file in " + path);
    return outcome<core_file>(boost::system::in_place_value, std::move(*newest));
}

outcome<core_file> find_core(const component_definition& definition) {
    const std::filesystem::path file(definition.core_file);
    const auto path = definition.core_file.empty() ? definition.core_directory : file.parent_path().string();
    const auto directory = storage::open_root_directory(path);
    if (!directory) return error_text(directory.error());
    if (definition.core_file.empty()) return newest_core(directory->get(), path);
    return look_at_core(directory->get(), path, file.filename());
}

gid_t group_of(uid_t uid) {
    std::array<char, 16 * 1024> room;
    passwd entry{};
    passwd* found = nullptr;
    if (::getpwuid_r(uid, &entry, room.data(), room.size(), &found) == 0 && found != nullptr) return entry.pw_gid;
    return uid;
}

// By that user alone, without root's groups. This thread's file system ids only; they are its own again when it returns.
bool readable_by(const std::string& path, uid_t uid, gid_t gid) {
    std::array<gid_t, 256> groups;
    const int count = ::getgroups(static_cast<int>(groups.size()), groups.data());
    for (int i = 0; i < count; ++i) {
        struct stat info {};
        // One of root's own groups would open what the user's would not.
        if (groups[static_cast<std::size_t>(i)] != gid && ::stat(path.c_str(), &info) == 0 &&
            info.st_gid == groups[static_cast<std::size_t>(i)] && info.st_uid != uid && (info.st_mode & S_IROTH) == 0)
            return false;
    }
    const auto old_group = ::setfsgid(gid);
    const auto old_user = ::setfsuid(uid);
    const unique_fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    ::setfsuid(static_cast<uid_t>(old_user));
    ::setfsgid(static_cast<gid_t>(old_group));
    return static_cast<bool>(file);
}

outcome<component_plan> core_dump::inspect(const lifecycle_request& request) {
    const auto failed = [&](const std::string& why) { return error_text("component " + definition_.name + ": " + why); };
    const auto core = find_core(definition_);
    if (!core) return failed(core.error());
    const auto uid = uid_of(definition_.user);
    if (!uid) return failed(uid.error());
    if (*uid == 0) return failed("its core file is not to be read by root: give another `user` in launcher.yaml");

    component_plan plan;
    plan.definition = definition_;
    plan.found_in = core->path;
    plan.process.mode = dlv_mode::core;
    plan.process.core = core->path;
    plan.process.uid = *uid;
    plan.process.gid = group_of(*uid);
    plan.process.health.port = 0;
    const auto& info = core->info;
    plan.manifest_hash = storage::sha256_hex(std::to_string(info.st_ino) + " " + std::to_string(info.st_size) + " " +
                                             std::to_string(info.st_mtim.tv_sec) + "." + std::to_string(info.st_mtim.tv_nsec));
    // It is the program that the core is of: nothing is written by another version.
    auto same_program = request;
    same_program.forces.push_back(force::other_minor);
    if (auto fine = plan_binary(plan, definition_.name, {}, same_program, examined_); !fine) return error_text(fine.error());
    for (const auto& file : {core->path, plan.binary})
        if (!file.empty() && !readable_by(file, plan.process.uid, plan.process.gid))
            plan.findings.push_back({severity::refusal, file + " cannot be read by " + definition_.user + ", as whom dlv runs",
                                     "setfacl -m u:" + definition_.user + ":r " + file + ", and x for the directories above it"});
    if (const auto dlv = examined_.dlv ? find_dlv(definition_.dlv) : outcome<std::string>(error_text("")); dlv)
        if (const auto version = version_of(*dlv); version && !(*version >= first_with_unix_sockets))
            plan.findings.push_back({severity::warning, "dlv " + to_string(*version) + " listens on TCP only, so it is not shut off "
                                     "from the node's network", "install dlv 1.22.1 or later"});
    plan.findings.push_back({severity::note, "whether the core file is of this program is for dlv to say", {}});
    plan.moved = "nothing: dlv reads " + core->path;
    plan.comes_back = "dlv is ended";
    plan.budget.derivation = "it does not run";
    plan.undo_by_hand = {end_by_hand(definition_.name)};
    plan_service_host(plan);
    auto hash = plan_hash(plan);
    if (!hash) return error_text(hash.error());
    plan.hash = *hash;
    return plan;
}

}  // namespace

std::unique_ptr<detacher> make_core_dump(const component_definition& definition) {
    return std::make_unique<core_dump>(definition);
}

}  // namespace launcher
