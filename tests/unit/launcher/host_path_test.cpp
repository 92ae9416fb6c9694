#include "launcher/host_path.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "launcher/fd.h"
#include "tests/unit/launcher/manifests.h"
#include "tests/unit/launcher/scratch_directory.h"

namespace launcher {
namespace {

std::string check(const std::string& path, const std::string& type) {
    std::vector<finding> findings;
    check_host_paths({{path, type}}, findings);
    if (findings.empty()) return "";
    return (findings[0].how == severity::refusal ? "refusal: " : "note: ") + findings[0].text;
}

TEST(host_path, is_of_the_volumes_that_the_container_mounts) {
    const auto manifest = parse_pod_manifest(
        pod_with("    volumeMounts:\n    - {name: a, mountPath: /a}\n    - {name: a, mountPath: /b}\n    - {name: e, mountPath: /e}\n",
                 "  volumes: [{name: a, hostPath: {path: /srv/a/, type: File}}, {name: b, hostPath: {path: /b}}, {name: e}]\n"),
        "m");
    ASSERT_TRUE(manifest) << manifest.error();
    const auto paths = host_paths_of(*manifest, manifest->containers[0]);
    ASSERT_EQ(paths.size(), 1u);
    EXPECT_EQ(paths[0].path, "/srv/a");
    EXPECT_EQ(paths[0].type, "File");
}

TEST(host_path, is_checked_as_the_kubelet_checks_it) {
    const scratch_directory at;
    const auto file = at.write("file", "x"), directory = at / "directory", none = at / "none";
    std::filesystem::create_directory(directory);
    std::filesystem::create_symlink("file", at / "link");
    const unique_fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const auto socket_path = at / "s";
    ASSERT_LT(socket_path.size(), sizeof address.sun_path);
    socket_path.copy(address.sun_path, socket_path.size());
    ASSERT_EQ(::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);

    EXPECT_EQ(check(none, ""), "");
    EXPECT_EQ(check(file, "File"), "");
    EXPECT_EQ(check(at / "link", "File"), "");
    EXPECT_EQ(check(directory, "Directory"), "");
    EXPECT_EQ(check(socket_path, "Socket"), "");
    EXPECT_EQ(check("/dev/null", "CharDevice"), "");
    EXPECT_EQ(check(file, "FileOrCreate"), "");
    EXPECT_EQ(check(file, "Directory"), "refusal: the hostPath " + file + " is not a directory (type Directory)");
    EXPECT_EQ(check(directory, "FileOrCreate").substr(0, 7), "refusal");
    EXPECT_EQ(check("/dev/null", "BlockDevice").substr(0, 7), "refusal");
    EXPECT_EQ(check(file, "Socket").substr(0, 7), "refusal");
    EXPECT_EQ(check(none, "File"), "refusal: the hostPath " + none + " is not there (type File)");
    EXPECT_EQ(check(none, "DirectoryOrCreate").substr(0, 22), "note: start makes a di");
    EXPECT_EQ(check(none, "FileOrCreate").substr(0, 22), "note: start makes a fi");
    EXPECT_NE(check(none + "/deeper", "FileOrCreate").find("neither is its directory"), std::string::npos);
    EXPECT_EQ(check(file + "/below", "Directory").substr(0, 7), "refusal");
}

TEST(host_path, is_created_only_when_its_type_says_so) {
    const scratch_directory at;
    const auto mode = [](const std::string& path) {
        struct stat status {};
        return ::stat(path.c_str(), &status) == 0 ? status.st_mode & 07777 : 0u;
    };
    const auto mask = ::umask(077);
    EXPECT_TRUE(create_host_path({at / "a/b/c", "DirectoryOrCreate"}));
    EXPECT_TRUE(create_host_path({at / "a/f", "FileOrCreate"}));
    ::umask(mask);
    EXPECT_EQ(mode(at / "a/b"), 0755u);
    EXPECT_EQ(mode(at / "a/b/c"), 0755u);
    EXPECT_EQ(mode(at / "a/f"), 0644u);
    at.write("a/f", "kept");
    ASSERT_EQ(::chmod((at / "a").c_str(), 0700), 0);
    EXPECT_TRUE(create_host_path({at / "a/f", "FileOrCreate"}));
    EXPECT_TRUE(create_host_path({at / "a/b", "DirectoryOrCreate"}));
    EXPECT_EQ(std::filesystem::file_size(at / "a/f"), 4u);
    EXPECT_EQ(mode(at / "a"), 0700u) << "what was there stays as it was";
    EXPECT_TRUE(create_host_path({at / "none", "File"}));
    EXPECT_TRUE(create_host_path({at / "none", ""}));
    EXPECT_FALSE(std::filesystem::exists(at / "none"));
    EXPECT_FALSE(create_host_path({at / "no/such/file", "FileOrCreate"}));
    EXPECT_FALSE(create_host_path({at / "a/f/below", "DirectoryOrCreate"}));
}

TEST(host_path, is_found_behind_mounts) {
    const std::vector<bind_mount> mounts{{"/srv/etc", "/etc", false}, {"/srv/pki", "/etc/pki", true}};
    EXPECT_EQ(on_host(mounts, "/etc/a"), "/srv/etc/a");
    EXPECT_EQ(on_host(mounts, "/etc/pki/ca.crt"), "/srv/pki/ca.crt");
    EXPECT_EQ(on_host(mounts, "/etc/pkix"), "/srv/etc/pkix");
    EXPECT_EQ(on_host(mounts, "/etc"), "/srv/etc");
    EXPECT_EQ(on_host(mounts, "/other"), "/other");
}

TEST(host_path, of_an_argument_must_be_there) {
    const scratch_directory at;
    at.write("here", "");
    process_plan plan;
    plan.mounts.push_back({at.path(), "/mapped", false});
    plan.files = {at / "here", "/mapped/here", "/mapped/none"};
    std::vector<finding> findings;
    check_files(plan, findings);
    ASSERT_EQ(findings.size(), 1u);
    EXPECT_NE(findings[0].text.find("/mapped/none (on the host " + (at / "none") + ")"), std::string::npos);
}

}  // namespace
}  // namespace launcher
