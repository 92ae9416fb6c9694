// A manifest directory of its own for each test, and its files seen from outside.
#pragma once

#include <dirent.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <vector>
#include <stdexcept>

#include "launcher/held_manifest.h"
#include "storage/sha256.h"

namespace launcher::test {

inline std::string read_whole(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

inline void write_whole_file(const std::string& path, const std::string& text) {
    std::ofstream out(path, std::ios::binary);
    out << text;
    out.close();
    if (!out) throw std::runtime_error("cannot write " + path);
}

inline std::set<std::string> names_in(const std::string& directory) {
    std::set<std::string> out;
    std::error_code ec;
    for (const auto& entry : std::filesystem::directory_iterator(directory, ec)) out.insert(entry.path().filename());
    return out;
}

// "Byte for byte", as facts of a file that two looks can be compared by.
struct outside {
    std::string content, link;
    mode_t mode = 0;
    uid_t uid = 0;
    gid_t gid = 0;
    std::int64_t seconds = 0, nanoseconds = 0;
    ino_t inode = 0;
    bool operator==(const outside&) const = default;
};

inline outside look(const std::string& path, bool with_inode = true) {
    struct stat info {};
    outside out;
    if (::lstat(path.c_str(), &info) != 0) return out;
    if (S_ISLNK(info.st_mode)) out.link = std::filesystem::read_symlink(path);
    else out.content = read_whole(path);
    out.mode = info.st_mode;
    out.uid = info.st_uid;
    out.gid = info.st_gid;
    out.seconds = info.st_mtim.tv_sec;
    out.nanoseconds = info.st_mtim.tv_nsec;
    if (with_inode) out.inode = info.st_ino;
    return out;
}

class held_test : public testing::Test {
protected:
    void SetUp() override {
        char name[] = "/tmp/delvegate-held-XXXXXX";
        ASSERT_NE(::mkdtemp(name), nullptr);
        root = name;
        place.directory = root + "/manifests";
        place.name = "kube-scheduler.yaml";
        ASSERT_EQ(::mkdir(place.directory.c_str(), 0755), 0);
        write_manifest(content);
    }
    void TearDown() override {
        for (auto at = mounts.rbegin(); at != mounts.rend(); ++at) ::umount2(at->c_str(), MNT_DETACH);
        std::error_code ec;
        std::filesystem::remove_all(root, ec);
    }

    std::string target() const { return place.directory + "/" + place.name; }
    std::string held_directory() const { return root + "/delvegate-held"; }

    void write_manifest(const std::string& text) {
        write_whole_file(target(), text);
        ASSERT_EQ(::chmod(target().c_str(), 0640), 0);
        const timespec times[2] = {{1'700'000'000, 1}, {1'600'000'000, 123'456'789}};
        ASSERT_EQ(::utimensat(AT_FDCWD, target().c_str(), times, 0), 0);
    }

    // Mounts in a namespace of this process's. False: the test is over, skipped or failed.
    bool may_mount() {
        if (::unshare(CLONE_NEWNS) == 0 && ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0) return true;
        if (std::getenv("CI")) ADD_FAILURE() << "CI must be able to mount";
        return false;
    }
    void mount_small(const std::string& where, const char* options) {
        ASSERT_EQ(::mount("tmpfs", where.c_str(), "tmpfs", 0, options), 0) << errno;
        mounts.push_back(where);
    }

    hold_request request() const {
        hold_request out;
        out.session = "0123456789abcdef0123456789abcdef";
        out.component = "kube-scheduler";
        out.expected_hash = storage::sha256_hex(content);
        out.by = "alice";
        out.unit = "delvegate-0123.service";
        out.dlv = {4711, 99};
        out.undo_first = {"systemctl stop delvegate-0123.service"};
        out.node.kubelet_minor = "1.34";
        return out;
    }

    // Everything is as before: the manifest alone in its directory, nothing of ours left.
    void expect_as_it_was(const outside& before) {
        EXPECT_EQ(look(target(), before.inode != 0), before);
        EXPECT_EQ(names_in(place.directory), std::set<std::string>{place.name});
        EXPECT_EQ(names_in(held_directory()), std::set<std::string>{});
    }

    const std::string content = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: kube-scheduler\n";
    std::string root;
    manifest_place place;
    std::vector<std::string> mounts;
};

}  // namespace launcher::test
