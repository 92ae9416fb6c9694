#include "gateway/confinement.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netdb.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <thread>

namespace gateway {
namespace {

namespace fs = std::filesystem;

class confinement_case : public ::testing::Test {
protected:
    confinement_case() {
        std::string pattern = "/tmp/delvegate-confined-XXXXXX";
        root_ = ::mkdtemp(pattern.data());
        for (const char* one : {"etc", "state/ca", "state/audit", "run", "elsewhere"}) fs::create_directories(root_ / one);
        for (const char* one : {"etc/policy.yaml", "state/ca/ca.key", "state/ca/ca.crt", "state/gateway.crt", "elsewhere/secret"})
            std::ofstream(root_ / one) << "x";
        configuration_.state_directory = root_ / "state";
        configuration_.runtime_directory = root_ / "run";
        configuration_.policy = root_ / "etc/policy.yaml";
    }
    ~confinement_case() override { fs::remove_all(root_); }

    // In a confined child: 0 where `body` says true. Else how it ended: its code, or 128 + the signal.
    int confined(const std::function<bool()>& body, bool landlock = true) const {
        const pid_t child = ::fork();
        if (child == 0) {
            auto how = confinement_of(configuration_, 0);
            how.landlock = landlock;
            const auto done = confine_gateway(how);
            if (!done) {
                ::write(2, done.error().c_str(), done.error().size());
                ::_exit(3);
            }
            ::_exit(body() ? 0 : 1);
        }
        int status = 0;
        while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
        }
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
    static bool reads(const fs::path& file) {
        const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
        if (fd >= 0) ::close(fd);
        return fd >= 0;
    }
    static bool has_landlock() { return ::syscall(444, nullptr, 0, 1) > 0; }

    fs::path root_;
    config configuration_;
};

TEST_F(confinement_case, has_no_capability_no_new_privileges_and_a_filter) {
    EXPECT_EQ(confined([] {
                  std::ifstream status("/proc/self/status");
                  int good = 0;
                  for (std::string line; std::getline(status, line);)
                      good += line == "NoNewPrivs:\t1" || line == "Seccomp:\t2" || line == "CapPrm:\t0000000000000000" ||
                              line == "CapEff:\t0000000000000000" ||
                              (line.starts_with("CapBnd:") && (::geteuid() != 0 || line == "CapBnd:\t0000000000000000"));
                  return good == 5;
              }),
              0);
}

TEST_F(confinement_case, what_it_reads_again_and_writes_it_still_reaches) {
    EXPECT_EQ(confined([this] {
                  if (!reads(root_ / "etc/policy.yaml") || !reads(root_ / "state/ca/ca.crt") || !reads(root_ / "state/gateway.crt"))
                      return false;
                  std::ofstream audit(root_ / "state/audit/audit.jsonl.next");
                  audit << "x";
                  audit.close();
                  if (!audit) return false;
                  fs::rename(root_ / "state/audit/audit.jsonl.next", root_ / "state/audit/audit.jsonl");
                  fs::remove(root_ / "state/audit/audit.jsonl");
                  return ::inotify_add_watch(::inotify_init1(0), (root_ / "etc").c_str(), IN_MOVED_TO) >= 0;
              }),
              0);
}

TEST_F(confinement_case, a_policy_that_was_replaced_is_another_file_and_read) {
    int go[2], gone[2];
    ASSERT_EQ(::pipe(go) + ::pipe(gone), 0);
    std::thread replacer([&] {
        char byte = 0;
        EXPECT_EQ(::read(go[0], &byte, 1), 1);
        std::ofstream(root_ / "etc/policy.yaml.new") << "y";
        fs::rename(root_ / "etc/policy.yaml.new", root_ / "etc/policy.yaml");
        EXPECT_EQ(::write(gone[1], "x", 1), 1);
    });
    EXPECT_EQ(confined([&] {
                  char byte = 0;
                  if (::write(go[1], "x", 1) != 1 || ::read(gone[0], &byte, 1) != 1) return false;
                  std::ifstream in(root_ / "etc/policy.yaml");
                  return in.get() == 'y';
              }),
              0);
    replacer.join();
}

TEST_F(confinement_case, everything_else_is_closed) {
    if (!has_landlock()) GTEST_SKIP() << "this kernel has no Landlock";
    EXPECT_EQ(confined([this] {
                  if (reads(root_ / "elsewhere/secret") || errno != EACCES) return false;
                  if (reads(root_ / "state/ca/ca.key") || errno != EACCES) return false;
                  if (::open((root_ / "etc/policy.yaml").c_str(), O_WRONLY) >= 0 || errno != EACCES) return false;
                  return ::mkdir((root_ / "elsewhere/new").c_str(), 0700) != 0 && errno == EACCES;
              }),
              0);
}

TEST_F(confinement_case, kubernetes_is_closed_but_for_the_very_file) {
    auth::client_ca cluster;
    cluster.name = "cluster";
    cluster.file = "/etc/kubernetes/pki/ca.crt";
    configuration_.client_cas = {cluster};
    const auto paths = paths_of(configuration_);
    for (const auto& one : paths.read) {
        EXPECT_NE(one, "/etc/kubernetes/pki");
        EXPECT_NE(one, "/etc/kubernetes");
        EXPECT_NE(one, "/etc");
    }
    EXPECT_NE(std::find(paths.read.begin(), paths.read.end(), "/etc/kubernetes/pki/ca.crt"), paths.read.end());
}

TEST_F(confinement_case, threads_and_names_work) {
    EXPECT_EQ(confined([] {
                  bool ran = false;
                  std::thread([&ran] { ran = true; }).join();
                  addrinfo* found = nullptr;
                  const bool resolved = ::getaddrinfo("localhost", "80", nullptr, &found) == 0;
                  return ran && resolved;
              }),
              0);
}

TEST_F(confinement_case, no_process_is_started_traced_or_signalled) {
    EXPECT_EQ(confined([] { return ::execl("/bin/true", "true", nullptr) == 0; }), 128 + SIGSYS);
    EXPECT_EQ(confined([] { return ::syscall(SYS_ptrace, 0, 0, 0, 0) == 0; }), 128 + SIGSYS);
    EXPECT_EQ(confined([] { return ::syscall(SYS_bpf, 0, nullptr, 0) == 0; }), 128 + SIGSYS);
    EXPECT_EQ(confined([] { return ::fork() < 0 && errno == EPERM; }), 0);
    EXPECT_EQ(confined([] { return ::kill(::getppid(), 0) < 0 && errno == EPERM; }), 0);
    EXPECT_EQ(confined([] { return ::socket(AF_PACKET, SOCK_RAW, 0) < 0 && errno == EPERM; }), 0);
}

// As a SystemCallFilter= that leaves Landlock out makes it.
void refuse_landlock() {
    const auto filter = ::seccomp_init(SCMP_ACT_ALLOW);
    for (const char* name : {"landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self"})
        ::seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), ::seccomp_syscall_resolve_name(name), 0);
    ::seccomp_load(filter);
    ::seccomp_release(filter);
}

TEST_F(confinement_case, landlock_that_is_refused_is_no_kernel_without_it) {
    for (const bool whole : {true, false}) {
        const pid_t child = ::fork();
        if (child == 0) {
            ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
            refuse_landlock();
            auto how = confinement_of(configuration_, 0);
            how.whole = whole;
            const auto done = confine_gateway(how);
            const auto& text = done ? done->lacking : done.error();
            const bool said = text.find("Landlock is refused") != text.npos && text.find("no Landlock") == text.npos;
            ::_exit(!said ? 1 : whole ? (done ? 2 : 0) : (done && done->calls && done->landlock == 0 && done->why == text ? 0 : 3));
        }
        int status = 0;
        ASSERT_EQ(::waitpid(child, &status, 0), child);
        EXPECT_EQ(status, 0) << "whole: " << whole;
    }
}

TEST_F(confinement_case, the_ca_is_not_opened_by_what_is_written_beside_it) {
    EXPECT_EQ(hole_in_confinement(configuration_), "");
    configuration_.audit.file = root_ / "state/audit.jsonl";
    EXPECT_NE(hole_in_confinement(configuration_).find("directories of their own"), std::string::npos);
    EXPECT_NE(hole_in_confinement(configuration_).find((root_ / "state/ca").string()), std::string::npos);
    configuration_.audit.file = root_ / "state/ca/audit.jsonl";
    EXPECT_NE(hole_in_confinement(configuration_), "");
    configuration_.audit.file = "";
    configuration_.audit.anchors = root_ / "state/heads";
    EXPECT_NE(hole_in_confinement(configuration_), "");
    configuration_.audit.anchors = "/etc/heads";
    EXPECT_NE(hole_in_confinement(configuration_).find("/etc/kubernetes"), std::string::npos);
    fs::create_directory_symlink(root_ / "state", root_ / "alias");
    configuration_.audit.anchors = root_ / "alias/heads";
    EXPECT_NE(hole_in_confinement(configuration_), "");
    configuration_.audit.anchors = root_ / "elsewhere/heads";
    EXPECT_EQ(hole_in_confinement(configuration_), "");
}

TEST_F(confinement_case, what_is_not_seen_when_it_is_replaced_is_told_of) {
    EXPECT_TRUE(paths_of(configuration_).alone.empty());
    configuration_.policy = root_ / "state/policy.yaml";
    configuration_.client_ca = root_ / "state/people.crt";
    configuration_.certificate = root_ / "state/ca/of-mine.crt";
    const auto paths = paths_of(configuration_);
    for (const auto& file : {configuration_.policy, configuration_.client_ca, configuration_.certificate})
        EXPECT_NE(std::find(paths.alone.begin(), paths.alone.end(), file), paths.alone.end()) << file;
    EXPECT_EQ(paths.alone.size(), 3u) << "its own files are nobody else's to replace";
}

TEST_F(confinement_case, status_says_why_not) {
    confined none;
    none.why = "component app is of kind exec";
    EXPECT_EQ(confinement_text(none.describe()), "not confined: component app is of kind exec\n");
    confined some;
    some.calls = true;
    some.why = "files are open to it as before";
    EXPECT_EQ(confinement_text(some.describe()), "confined, but files are open to it as before\n");
    EXPECT_TRUE(some.describe().get_bool("systemCalls"));
    EXPECT_FALSE(some.describe().get_bool("files"));
    confined all;
    all.calls = true;
    all.landlock = 3;
    EXPECT_EQ(confinement_text(all.describe()), "");
    EXPECT_TRUE(all.describe().get_bool("files"));
}

TEST_F(confinement_case, hindrances_are_told) {
    EXPECT_EQ(hindrance_to_confinement(configuration_), "");
    component_config one;
    one.name = "app";
    one.how = component_config::kind::launcher;
    configuration_.components = {one};
    EXPECT_EQ(hindrance_to_confinement(configuration_), "");
    configuration_.components[0].how = component_config::kind::exec;
    EXPECT_NE(hindrance_to_confinement(configuration_).find("app is of kind exec"), std::string::npos);
    configuration_.components.clear();
    configuration_.enroll_listen = {{"::", 443}};
    EXPECT_NE(hindrance_to_confinement(configuration_).find("enrollListen"), std::string::npos);
}

}  // namespace
}  // namespace gateway
