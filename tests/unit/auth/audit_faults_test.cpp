// A disk that is full or fails, by injection and for real.
#include <cstdlib>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include <csignal>

#include "tests/unit/auth/audit_support.h"

namespace auth::audit_test {
namespace {

std::uint64_t lost_in(const std::string& file) {
    std::uint64_t out = 0;
    for (const auto& line : lines_of(file)) out += parse_audit_line(line)->lost;
    return out;
}

TEST(audit_faults, full_disk) {
    const scratch dir;
    const std::string file = dir / "audit.jsonl";
    bad_disk disk;
    std::mutex mutex;
    std::string said;
    auto options = options_for(file, disk);
    options.report = [&](const std::string& line) {
        const std::lock_guard lock(mutex);
        said += line + "\n";
    };
    {
        auto writer = open_writer(options);
        ASSERT_EQ(submit_before(*writer, operation("before")), "");
        disk.room = 100;  // and then half a line
        disk.write_error = ENOSPC;

        const std::string error = submit_before(*writer, operation("call"));
        EXPECT_NE(error.find("No space left on device"), std::string::npos) << error;
        writer->submit(operation("look"), durability::lazy);
        writer->submit(operation("look"), durability::lazy);
        EXPECT_EQ(submit_before(*writer, operation("halt", true)), "");  // goes on
        EXPECT_NE(submit_before(*writer, operation("call")), "");
        EXPECT_EQ(submit_before(*writer, operation("clear", true)), "");
        writer->submit(operation("look"), durability::lazy);
        wait_until([&] { return writer->health().lost == 5; });
        auto health = writer->health();
        EXPECT_FALSE(health.ok);
        EXPECT_GT(health.full_since, 0);
        EXPECT_GT(health.reserve_used, 0u);
        EXPECT_EQ(health.refused, 2u);
        EXPECT_EQ(lines_of(file).size(), 1u);  // nothing half written

        disk.write_error = 0;
        wait_until([&] { return writer->health().ok; });
        EXPECT_EQ(submit_before(*writer, operation("after")), "");
        EXPECT_EQ(writer->health().lost, 5u);
        EXPECT_EQ(writer->health().reserve_used, 0u);
    }
    EXPECT_NE(said.find("cannot be written: No space left on device"), std::string::npos) << said;
    EXPECT_NE(said.find("is written again; 5 records were lost"), std::string::npos) << said;
    const auto sum = verify(file);
    EXPECT_EQ(faults(sum), "");
    EXPECT_EQ(lost_in(file), 5u);
    std::string order;
    for (const auto& line : lines_of(file)) {
        const auto entry = parse_audit_line(line);
        order += entry->kind == audit_kind::gap ? "[" + std::to_string(entry->lost) + "] " : entry->operation + " ";
    }
    EXPECT_EQ(order, "before [3] halt [1] clear [1] after ");
}

TEST(audit_faults, what_a_full_disk_left_in_the_reserve_is_brought_back_at_the_next_start) {
    const scratch dir;
    const std::string file = dir / "audit.jsonl";
    bad_disk disk;
    {
        auto writer = open_writer(options_for(file, disk));
        ASSERT_EQ(submit_before(*writer, operation("before")), "");
        disk.write_error = ENOSPC;
        EXPECT_EQ(submit_before(*writer, operation("halt", true)), "");
    }
    EXPECT_EQ(lines_of(file).size(), 1u);
    write_records(file, 1);
    const auto lines = lines_of(file);
    ASSERT_EQ(lines.size(), 3u);
    EXPECT_EQ(parse_audit_line(lines[1])->operation, "halt");
    EXPECT_EQ(faults(verify(file)), "");
}

// The crash came between writing the reserve's records to the file and clearing it.
TEST(audit_faults, the_reserve_is_not_brought_back_twice) {
    const scratch dir;
    const std::string file = dir / "audit.jsonl";
    bad_disk disk;
    std::string reserve;
    {
        auto writer = open_writer(options_for(file, disk));
        disk.write_error = ENOSPC;
        EXPECT_EQ(submit_before(*writer, operation("halt", true)), "");
        reserve = read_file(file + ".reserve");
    }
    write_records(file, 1);
    write_file(file + ".reserve", reserve);
    write_records(file, 1);
    const auto sum = verify(file);
    EXPECT_EQ(faults(sum), "");
    EXPECT_EQ(sum.records, 3u);
}

TEST(audit_faults, a_reserve_of_another_chain_is_set_aside) {
    const scratch dir;
    bad_disk disk;
    {
        auto writer = open_writer(options_for(dir / "other.jsonl", disk));
        disk.write_error = ENOSPC;
        EXPECT_EQ(submit_before(*writer, operation("halt", true)), "");
    }
    write_records(dir / "audit.jsonl", 2);
    std::filesystem::copy_file(dir / "other.jsonl.reserve", dir / "audit.jsonl.reserve", std::filesystem::copy_options::overwrite_existing);
    write_records(dir / "audit.jsonl", 1);
    const auto sum = verify(dir / "audit.jsonl");
    EXPECT_EQ(faults(sum), "");
    EXPECT_EQ(sum.remarks.size(), 1u);
    EXPECT_EQ(sum.records, 4u);
}

// After a sync that failed nothing is known of what came since the last good one: it counts as lost.
TEST(audit_faults, failing_sync) {
    const scratch dir;
    const std::string file = dir / "audit.jsonl";
    bad_disk disk;
    {
        auto writer = open_writer(options_for(file, disk));
        ASSERT_EQ(submit_before(*writer, operation("before")), "");
        disk.sync_error = EIO;
        EXPECT_NE(submit_before(*writer, operation("call")), "");
        wait_until([&] { return !writer->health().ok; });
        EXPECT_EQ(lines_of(file).size(), 1u);
        disk.sync_error = 0;
        wait_until([&] { return writer->health().ok; });
        EXPECT_EQ(submit_before(*writer, operation("after")), "");
    }
    EXPECT_EQ(faults(verify(file)), "");
    EXPECT_EQ(lost_in(file), 1u);
}

TEST(audit_faults, a_tail_that_cannot_be_taken_back_is_never_appended_to) {
    const scratch dir;
    const std::string file = dir / "audit.jsonl";
    bad_disk disk;
    {
        auto writer = open_writer(options_for(file, disk));
        ASSERT_EQ(submit_before(*writer, operation("before")), "");
        disk.truncate_error = EIO;
        disk.room = 50;
        disk.write_error = ENOSPC;
        EXPECT_NE(submit_before(*writer, operation("call")), "");
        disk.write_error = 0;
        EXPECT_NE(submit_before(*writer, operation("call")), "");  // still
        disk.truncate_error = 0;
        wait_until([&] { return writer->health().ok; });
    }
    EXPECT_EQ(faults(verify(file)), "");
    EXPECT_EQ(lost_in(file), 2u);
}

TEST(audit_faults, what_releases_goes_on_without_any_reserve) {
    const scratch dir;
    bad_disk disk;
    auto options = options_for(dir / "audit.jsonl", disk);
    options.files.reserve = 0;
    auto writer = open_writer(options);
    disk.write_error = ENOSPC;
    EXPECT_EQ(submit_before(*writer, operation("halt", true)), "");
    wait_until([&] { return writer->health().lost == 1; });
    disk.write_error = 0;
    wait_until([&] { return writer->health().ok; });
    writer->close();
    EXPECT_EQ(faults(verify(dir / "audit.jsonl")), "");
    EXPECT_EQ(lost_in(dir / "audit.jsonl"), 1u);
}

TEST(audit_faults, a_reserve_that_runs_out_is_counted) {
    const scratch dir;
    bad_disk disk;
    auto options = options_for(dir / "audit.jsonl", disk);
    options.files.reserve = 1000;
    {
        auto writer = open_writer(options);
        disk.write_error = ENOSPC;
        for (int i = 0; i < 10; ++i) EXPECT_EQ(submit_before(*writer, operation("halt", true)), "");
        wait_until([&] { return writer->health().lost > 5; });
        disk.write_error = 0;
        wait_until([&] { return writer->health().ok; });
    }
    EXPECT_EQ(faults(verify(dir / "audit.jsonl")), "");
    EXPECT_GT(lost_in(dir / "audit.jsonl"), 5u);
    EXPECT_LT(lost_in(dir / "audit.jsonl"), 10u);
}

TEST(audit_faults, a_rotation_that_fails_loses_no_record_of_others) {
    const scratch dir;
    const std::string file = dir / "audit.jsonl";
    bad_disk disk;
    auto options = options_for(file, disk);
    options.files.rotate_size = 1000;
    disk.rename_error = EACCES;
    {
        auto writer = open_writer(options);
        for (int i = 0; i < 20; ++i) EXPECT_EQ(submit_before(*writer, operation("x")), "");
        wait_until([&] { return writer->health().lost > 0; });
    }
    EXPECT_EQ(faults(verify(file)), "");
    int records = 0;
    for (const auto& line : lines_of(file)) records += parse_audit_line(line)->operation == "x";
    EXPECT_EQ(records, 20);
}

TEST(audit_faults, more_than_can_be_written_is_dropped_and_counted) {
    const scratch dir;
    const std::string file = dir / "audit.jsonl";
    auto options = options_for(file);
    options.queue = 1000;
    std::uint64_t refused = 0;
    {
        std::promise<void> go;
        auto gate = go.get_future().share();
        // The audit's thread is held by its first callback while the queue fills up.
        auto writer = open_writer(options);
        std::promise<void> held;
        writer->submit(operation("first"), durability::before, [gate, &held](const std::string&) {
            held.set_value();
            gate.wait();
        });
        held.get_future().wait();
        for (int i = 0; i < 100; ++i) writer->submit(operation("look"), durability::lazy);
        std::vector<std::string> answers;
        writer->submit(operation("call"), durability::before, [&](std::string error) { answers.push_back(std::move(error)); });
        writer->submit(operation("halt", true), durability::before, [&](std::string error) { answers.push_back(std::move(error)); });
        go.set_value();
        writer->close();
        ASSERT_EQ(answers.size(), 2u);
        EXPECT_NE(answers[0].find("too far behind"), std::string::npos);
        EXPECT_EQ(answers[1], "");
        refused = writer->health().refused;
    }
    EXPECT_EQ(refused, 1u);
    EXPECT_EQ(faults(verify(file)), "");
    EXPECT_GT(lost_in(file), 90u);
    EXPECT_EQ(parse_audit_line(lines_of(file).back())->operation, "halt");
}

// The kernel's own refusal: a limit on the size of files, as ENOSPC in all but the name.
TEST(audit_faults, a_limit_of_the_kernel) {
    const scratch dir;
    const std::string file = dir / "audit.jsonl";
    std::signal(SIGXFSZ, SIG_IGN);
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
    {
        auto writer = open_writer(options_for(file));
        ASSERT_EQ(submit_before(*writer, operation("before")), "");
        auto filler = operation("filler");
        const std::string text(900, 'x');
        const audit_touch touched{"expression", text};
        filler.touched = {&touched, 1};
        for (int i = 0; i < 100; ++i) ASSERT_EQ(submit_before(*writer, filler), "");
        rlimit small = before;
        small.rlim_cur = std::filesystem::file_size(file) + 100;  // above the reserve's size
        ASSERT_GT(small.rlim_cur, 64u * 1024);
        ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
        const std::string error = submit_before(*writer, filler);
        const std::string halt = submit_before(*writer, operation("halt", true));
        ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
        EXPECT_NE(error.find("File too large"), std::string::npos) << error;
        EXPECT_EQ(halt, "");
        wait_until([&] { return writer->health().ok; });
    }
    EXPECT_EQ(faults(verify(file)), "");
    EXPECT_EQ(lost_in(file), 1u);
}

// A real disk that is full. Where this user may not mount one, the test above stands for it.
TEST(audit_faults, a_real_full_disk) {
    const scratch dir;
    const std::string mount = dir / "disk";
    std::filesystem::create_directory(mount);
    if (::mount("tmpfs", mount.c_str(), "tmpfs", 0, "size=512k") != 0) {
        if (std::getenv("CI")) FAIL() << "CI must be able to mount";
        GTEST_SKIP() << "may not mount";
    }
    const std::string file = mount + "/audit.jsonl";
    {
        auto writer = open_writer(options_for(file));
        ASSERT_EQ(submit_before(*writer, operation("before")), "");
        {
            std::ofstream filler(mount + "/filler");
            const std::string block(4096, 'f');
            while (filler.write(block.data(), static_cast<std::streamsize>(block.size())).flush()) {
            }
        }
        std::string error;
        for (int i = 0; i < 100 && error.empty(); ++i) error = submit_before(*writer, operation("call"));
        EXPECT_NE(error.find("No space left on device"), std::string::npos) << error;
        EXPECT_EQ(submit_before(*writer, operation("halt", true)), "");
        EXPECT_FALSE(writer->health().ok);
        std::filesystem::remove(mount + "/filler");
        wait_until([&] { return writer->health().ok; });
        EXPECT_EQ(submit_before(*writer, operation("after")), "");
    }
    EXPECT_EQ(faults(verify(file)), "");
    EXPECT_EQ(lost_in(file), 1u);
    ASSERT_EQ(::umount(mount.c_str()), 0);
}

}  // namespace
}  // namespace auth::audit_test
