// Killed before every call that changes the disk, without room, on two filesystems: a manifest is never lost.
#include <sys/wait.h>


#include "tests/unit/launcher/held_support.h"

namespace launcher::test {
namespace {

enum class ended { killed, by_itself };

// LeakSanitizer traces as well, and gives up where somebody does already.
void forget_leaks() { ::setenv("ASAN_OPTIONS", "detect_leaks=0", 1); }

class held_faults : public held_test {
protected:
    // Runs held_steps, killed by strace before its `nth` call of `name` is carried out.
    ended run_killed(const std::string& verb, const std::string& name, int nth) {
        const std::string inject = "inject=" + name + ":signal=KILL:when=" + std::to_string(nth);
        const std::string hash = storage::sha256_hex(content);
        const pid_t child = ::fork();
        if (child == 0) {
            forget_leaks();
            ::execlp("strace", "strace", "-qqq", "-o", "/dev/null", "-e", ("trace=" + name).c_str(), "-e", inject.c_str(),
                     HELD_STEPS, verb.c_str(), place.directory.c_str(), place.name.c_str(),
                     verb == "hold" ? hash.c_str() : nullptr, nullptr);
            ::_exit(127);
        }
        int status = 0;
        EXPECT_EQ(::waitpid(child, &status, 0), child);
        if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) return ended::killed;
        EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << verb << " " << name << " " << nth << ": " << status;
        return ended::by_itself;
    }

    // The kubelet must see the manifest or nothing, and whole.
    void expect_fit_for_the_kubelet() {
        for (const auto& name : names_in(place.directory))
            if (name[0] != '.') {
                EXPECT_EQ(name, place.name);
                EXPECT_EQ(read_whole(target()), content);
            }
    }

    // Kills `verb` before each of its calls that change the disk; then put_back_manifest must make all as it was.
    int kill_everywhere(const std::string& verb) {
        int kills = 0;
        for (const std::string name : {"mkdir", "openat", "write", "fsync", "renameat2", "renameat", "unlinkat", "fchownat",
                                       "fchmodat", "lsetxattr", "utimensat", "symlinkat", "exit_group"})
            for (int nth = 1; nth < 200; ++nth) {
                SCOPED_TRACE(verb + " killed before " + name + " number " + std::to_string(nth));
                const auto before = look(target());
                if (verb == "return") {
                    EXPECT_EQ(run_killed("hold", "mkdir", 199), ended::by_itself);
                    const auto path = look_at_manifest(place)->held_path;
                    EXPECT_EQ(::chmod(path.c_str(), 0600), 0);  // so that the way back has something to mend
                    EXPECT_EQ(::utimensat(AT_FDCWD, path.c_str(), nullptr, 0), 0);
                }
                const auto how = run_killed(verb, name, nth);
                kills += how == ended::killed;
                expect_fit_for_the_kubelet();
                // Killed after the file had its owner and time again it is complete; before, put_back does it.
                const auto back = put_back_manifest(place);
                EXPECT_TRUE(back) << back.error();
                expect_as_it_was(before);
                if (how == ended::by_itself || testing::Test::HasFailure()) break;
                std::error_code ec;
                std::filesystem::remove_all(held_directory(), ec);  // so that mkdir is a step each time
            }
        return kills;
    }

    bool may_trace() {
        const pid_t child = ::fork();
        if (child == 0) {
            ::execlp("strace", "strace", "-qqq", "-o", "/dev/null", "true", nullptr);
            ::_exit(127);
        }
        int status = 0;
        if (::waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0) return true;
        if (std::getenv("CI")) ADD_FAILURE() << "CI must have strace";
        return false;
    }
};

TEST_F(held_faults, HoldKilledAtEveryStep) {
    if (!may_trace()) GTEST_SKIP() << "no strace";
    EXPECT_GT(kill_everywhere("hold"), 15);
}

TEST_F(held_faults, ReturnKilledAtEveryStep) {
    if (!may_trace()) GTEST_SKIP() << "no strace";
    EXPECT_GT(kill_everywhere("return"), 10);
}

// The manifest directory is a filesystem of its own: a dot-name in it, which the kubelet ignores.
TEST_F(held_faults, OnAFilesystemOfItsOwn) {
    if (!may_mount()) GTEST_SKIP() << "may not mount";
    mount_small(place.directory, "size=1m");
    write_manifest(content);
    const auto before = look(target());
    const auto held_as = hold_manifest(place, request());
    ASSERT_TRUE(held_as) << held_as.error();
    EXPECT_EQ(held_as->held, place.directory + "/.kube-scheduler.yaml.delvegate-held");
    for (const auto& name : names_in(place.directory)) EXPECT_EQ(name[0], '.') << name;
    const auto found = find_held(place.directory);
    ASSERT_EQ(found->size(), 1u);
    EXPECT_EQ(found->front().name, place.name);
    EXPECT_FALSE(hold_manifest(place, request()));
    ASSERT_TRUE(put_back_manifest(place));
    expect_as_it_was(before);

    // Somebody writes another one meanwhile: ours is stored under a name that the kubelet ignores.
    ASSERT_TRUE(hold_manifest(place, request()));
    write_whole_file(target(), "kind: Other\n");
    const auto back = put_back_manifest(place);
    ASSERT_TRUE(back) << back.error();
    EXPECT_EQ(read_whole(back->stored), content);
    for (const auto& name : names_in(place.directory)) EXPECT_TRUE(name == place.name || name[0] == '.') << name;
    EXPECT_TRUE(find_held(place.directory)->empty());
}

TEST_F(held_faults, OnAFilesystemOfItsOwnKilledAtEveryStep) {
    if (!may_mount()) GTEST_SKIP() << "may not mount";
    if (!may_trace()) GTEST_SKIP() << "no strace";
    mount_small(place.directory, "size=1m");
    write_manifest(content);
    EXPECT_GT(kill_everywhere("hold"), 15);
}

// Held on one filesystem, and at the return the directory is on another: a copy, complete before it has its name.
TEST_F(held_faults, ReturnsToAnotherFilesystem) {
    if (!may_mount()) GTEST_SKIP() << "may not mount";
    if (!may_trace()) GTEST_SKIP() << "no strace";
    const auto before = look(target(), false);
    for (const std::string name : {"openat", "write", "fsync", "renameat2", "unlinkat", "exit_group"})
        for (int nth = 1; nth < 200; ++nth) {
            SCOPED_TRACE("killed before " + name + " number " + std::to_string(nth));
            ASSERT_TRUE(hold_manifest(place, request()));
            mount_small(place.directory, "size=1m,mode=0755");
            const auto how = run_killed("return", name, nth);
            expect_fit_for_the_kubelet();
            const auto back = put_back_manifest(place);
            ASSERT_TRUE(back) << back.error();
            expect_as_it_was(before);
            ASSERT_EQ(::umount2(place.directory.c_str(), MNT_DETACH), 0);
            mounts.pop_back();
            write_manifest(content);
            if (how == ended::by_itself) break;
        }
}

// Another mount of the same filesystem has the same device number, and rename says EXDEV all the same.
TEST_F(held_faults, OnAnotherMountOfTheSameFilesystem) {
    if (!may_mount()) GTEST_SKIP() << "may not mount";
    ASSERT_EQ(::mount(place.directory.c_str(), place.directory.c_str(), nullptr, MS_BIND, nullptr), 0);
    mounts.push_back(place.directory);
    const auto before = look(target());
    const auto held_as = hold_manifest(place, request());
    ASSERT_TRUE(held_as) << held_as.error();
    EXPECT_EQ(held_as->held, place.directory + "/.kube-scheduler.yaml.delvegate-held");
    ASSERT_TRUE(put_back_manifest(place));
    expect_as_it_was(before);
}

// At each number of free pages: either it is held whole or it is where it was; and it always comes back.
TEST_F(held_faults, WithoutRoom) {
    if (!may_mount()) GTEST_SKIP() << "may not mount";
    const std::string small = root + "/small";
    ASSERT_EQ(::mkdir(small.c_str(), 0755), 0);
    mount_small(small, "size=64k,nr_inodes=16");
    place.directory = small + "/manifests";
    ASSERT_EQ(::mkdir(place.directory.c_str(), 0755), 0);
    write_manifest(content);
    const auto before = look(target());
    const std::string filler = small + "/filler";
    int held_ok = 0, refused = 0;
    for (int free_pages = 0; free_pages < 6; ++free_pages) {
        SCOPED_TRACE(std::to_string(free_pages) + " free pages");
        {
            std::ofstream all(filler, std::ios::binary);
            while (all.write(std::string(4096, 'f').data(), 4096).flush()) {
            }
        }
        const auto size = static_cast<off_t>(std::filesystem::file_size(filler));
        ASSERT_EQ(::truncate(filler.c_str(), size - free_pages * 4096), 0);
        const auto out = hold_manifest(place, request());
        (out ? held_ok : refused) += 1;
        if (!out) {
            EXPECT_NE(out.error().find("No space left"), std::string::npos) << out.error();
            EXPECT_EQ(look(target()), before);
        } else {
            std::ofstream all(filler, std::ios::binary | std::ios::app);  // full again for the way back
            while (all.write(std::string(4096, 'f').data(), 4096).flush()) {
            }
        }
        const auto back = put_back_manifest(place);
        ASSERT_TRUE(back) << back.error();
        EXPECT_EQ(look(target()), before);
        EXPECT_EQ(names_in(place.directory), std::set<std::string>{place.name});
        EXPECT_TRUE(names_in(small + "/delvegate-held").empty());
    }
    EXPECT_GT(held_ok, 0);
    EXPECT_GT(refused, 0);
}

// The second writing of the record fails when the manifest is out already: it goes back at once.
TEST_F(held_faults, EveryWriteFailsOnce) {
    if (!may_trace()) GTEST_SKIP() << "no strace";
    const auto before = look(target());
    const std::string hash = storage::sha256_hex(content);
    int failures = 0;
    for (const std::string name : {"mkdir", "write", "fsync", "renameat2", "renameat"})
        for (int nth = 1; nth < 50; ++nth) {
            SCOPED_TRACE(name + " number " + std::to_string(nth) + " fails");
            const std::string inject = "inject=" + name + ":error=ENOSPC:when=" + std::to_string(nth);
            const pid_t child = ::fork();
            if (child == 0) {
                const int quiet = ::open("/dev/null", O_WRONLY);
                ::dup2(quiet, 2);
                forget_leaks();
            ::execlp("strace", "strace", "-qqq", "-o", "/dev/null", "-e", ("trace=" + name).c_str(), "-e", inject.c_str(),
                         HELD_STEPS, "hold", place.directory.c_str(), place.name.c_str(), hash.c_str(), nullptr);
                ::_exit(127);
            }
            int status = 0;
            ASSERT_EQ(::waitpid(child, &status, 0), child);
            ASSERT_TRUE(WIFEXITED(status));
            if (WEXITSTATUS(status) == 1) {
                ++failures;
                EXPECT_EQ(look(target()), before);
            }
            ASSERT_TRUE(put_back_manifest(place));
            expect_as_it_was(before);
            if (WEXITSTATUS(status) == 0) break;
            std::error_code ec;
            std::filesystem::remove_all(held_directory(), ec);
        }
    EXPECT_GT(failures, 6);
}

}  // namespace
}  // namespace launcher::test
