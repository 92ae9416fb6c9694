// The writer: order, durability, what a crash leaves, rotation, who may write.
#include "auth/audit_writer.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <csignal>
#include <random>

#include "auth/audit_segments.h"
#include "tests/unit/auth/audit_support.h"

namespace auth::audit_test {
namespace {

TEST(audit_writer, keeps_order_and_chains_what_it_writes) {
    const scratch dir;
    const std::string file = dir / "audit.jsonl";
    std::vector<int> answered;
    {
        auto writer = open_writer(options_for(file));
        for (int i = 1; i <= 500; ++i) {
            const std::string name = "operation " + std::to_string(i);
            const auto record = operation(name);
            const bool wait = i % 3 == 0;
            const auto sequence = wait ? writer->submit(record, durability::before, [&answered, i](const std::string& error) {
                if (error.empty()) answered.push_back(i);
            }) : writer->submit(record, durability::lazy);
            EXPECT_EQ(sequence, static_cast<std::uint64_t>(i));
        }
        writer->close();
        EXPECT_EQ(writer->submit(operation("late"), durability::lazy), 0u);
    }
    ASSERT_EQ(answered.size(), 166u);
    EXPECT_TRUE(std::is_sorted(answered.begin(), answered.end()));
    const auto lines = lines_of(file);
    ASSERT_EQ(lines.size(), 500u);
    for (std::size_t i = 0; i < lines.size(); ++i)
        EXPECT_EQ(parse_audit_line(lines[i])->operation, "operation " + std::to_string(i + 1));
    EXPECT_EQ(faults(verify(file)), "");
}

TEST(audit_writer, a_waited_for_record_is_in_the_file_when_it_is_answered) {
    const scratch dir;
    auto writer = open_writer(options_for(dir / "audit.jsonl"));
    writer->submit(operation("lazy"), durability::lazy);
    ASSERT_EQ(submit_before(*writer, operation("waited for")), "");
    EXPECT_EQ(lines_of(dir / "audit.jsonl").size(), 2u);
    wait_until([&] { return writer->health().synced == 2; });
}

TEST(audit_writer, lazy_records_are_synced_soon) {
    const scratch dir;
    auto writer = open_writer(options_for(dir / "audit.jsonl"));
    writer->submit(operation("lazy"), durability::lazy);
    wait_until([&] { return writer->health().synced == 1; });
}

TEST(audit_writer, callbacks_go_through_the_poster) {
    const scratch dir;
    std::mutex mutex;
    std::vector<std::function<void()>> posted;
    auto options = options_for(dir / "audit.jsonl");
    options.post = [&](std::function<void()> work) {
        const std::lock_guard lock(mutex);
        posted.push_back(std::move(work));
    };
    auto writer = open_writer(options);
    bool called = false;
    writer->submit(operation("x"), durability::before, [&](const std::string&) { called = true; });
    writer->close();
    EXPECT_FALSE(called);
    ASSERT_EQ(posted.size(), 1u);
    posted[0]();
    EXPECT_TRUE(called);
}

TEST(audit_writer, goes_on_where_it_ended) {
    const scratch dir;
    write_records(dir / "audit.jsonl", 3);
    write_records(dir / "audit.jsonl", 2);
    const auto sum = verify(dir / "audit.jsonl");
    EXPECT_EQ(faults(sum), "");
    EXPECT_EQ(sum.last, 5u);
}

TEST(audit_writer, the_file_is_its_owners_alone) {
    const scratch dir;
    ::umask(0);
    write_records(dir / "audit.jsonl", 1);
    ::umask(022);
    for (const char* name : {"audit.jsonl", "audit.jsonl.reserve", "audit.jsonl.lock"}) {
        struct stat info {};
        ASSERT_EQ(::stat((dir / name).c_str(), &info), 0);
        EXPECT_EQ(info.st_mode & 07777, 0600u) << name;
    }
}

TEST(audit_writer, refuses_files_that_are_not_safe_to_write) {
    const scratch dir;
    const auto error = [&] {
        auto made = audit_writer::open(options_for(dir / "audit.jsonl"));
        return made ? std::string("opened") : made.error();
    };
    write_file(dir / "elsewhere", "");
    std::filesystem::create_symlink(dir / "elsewhere", dir / "audit.jsonl");
    EXPECT_NE(error().find("symbolic link"), std::string::npos) << error();
    std::filesystem::remove(dir / "audit.jsonl");
    write_file(dir / "audit.jsonl", "");
    std::filesystem::permissions(dir / "audit.jsonl", std::filesystem::perms(0666));
    EXPECT_NE(error().find("written by others"), std::string::npos) << error();
    std::filesystem::remove(dir / "audit.jsonl");
    std::filesystem::create_hard_link(dir / "elsewhere", dir / "audit.jsonl");
    EXPECT_NE(error().find("more than one name"), std::string::npos) << error();
    std::filesystem::remove(dir / "audit.jsonl");
    ASSERT_EQ(::mkfifo((dir / "audit.jsonl").c_str(), 0600), 0);
    EXPECT_NE(error().find("not a plain file"), std::string::npos) << error();
}

TEST(audit_writer, two_gateways_do_not_share_a_file) {
    const scratch dir;
    auto first = open_writer(options_for(dir / "audit.jsonl"));
    auto second = audit_writer::open(options_for(dir / "audit.jsonl"));
    ASSERT_FALSE(second);
    EXPECT_NE(second.error().find("another gateway writes this audit (process " + std::to_string(::getpid()) + ")"), std::string::npos)
        << second.error();
    first.reset();
    EXPECT_TRUE(audit_writer::open(options_for(dir / "audit.jsonl")));
}

// The end of a file, cut at every byte of its last line, is what a crash can leave.
TEST(audit_writer, an_incomplete_last_line_is_cut_off_and_said) {
    const scratch dir;
    const std::string file = dir / "audit.jsonl";
    write_records(file, 2);
    const std::string whole = read_file(file);
    const std::size_t second = whole.find('\n') + 1;
    for (std::size_t cut = second + 1; cut < whole.size(); cut += 7) {
        write_file(file, whole.substr(0, cut));
        std::string said;
        auto options = options_for(file);
        options.report = [&](const std::string& line) { said += line; };
        open_writer(options)->close();
        EXPECT_NE(said.find("was cut off"), std::string::npos);
        const auto lines = lines_of(file);
        ASSERT_EQ(lines.size(), 2u) << cut;
        const auto entry = parse_audit_line(lines[1]);
        ASSERT_TRUE(entry);
        EXPECT_EQ(entry->kind, audit_kind::recovered);
        EXPECT_EQ(entry->touch("bytes"), std::to_string(cut - second));
        EXPECT_EQ(faults(verify(file)), "") << cut;
    }
}

TEST(audit_writer, blocks_that_were_never_filled_are_cut_off) {
    const scratch dir;
    write_records(dir / "audit.jsonl", 2);
    const std::string whole = read_file(dir / "audit.jsonl");
    write_file(dir / "audit.jsonl", whole + std::string(100'000, '\0'));
    open_writer(options_for(dir / "audit.jsonl"))->close();
    EXPECT_EQ(faults(verify(dir / "audit.jsonl")), "");
}

TEST(audit_writer, a_broken_chain_is_kept_and_not_continued) {
    const scratch dir;
    const std::string file = dir / "audit.jsonl";
    write_records(file, 4);
    auto lines = lines_of(file);
    lines[1].replace(lines[1].find("alice"), 5, "mallo");
    write_lines(file, lines);
    std::string said;
    auto options = options_for(file);
    options.report = [&](const std::string& line) { said += line; };
    {
        auto writer = open_writer(options);
        ASSERT_EQ(submit_before(*writer, operation("after")), "");
    }
    EXPECT_NE(said.find("THE AUDIT IS BROKEN"), std::string::npos) << said;
    const auto kept = rotated_files(file);
    ASSERT_EQ(kept.size(), 1u);
    EXPECT_EQ(lines_of(kept[0]), lines);
    const auto entry = parse_audit_line(lines_of(file).at(0));
    ASSERT_TRUE(entry);
    EXPECT_EQ(entry->kind, audit_kind::broken);
    const std::string found = faults(verify(file));
    EXPECT_NE(found.find(":2: record 2 was changed"), std::string::npos) << found;
    EXPECT_NE(found.find("a new chain begins"), std::string::npos) << found;
}

// Killed at any moment, it leaves a chain that goes on; and every record that was answered is there.
TEST(audit_writer, survives_kill_9) {
    const scratch dir;
    const std::string file = dir / "audit.jsonl";
    std::mt19937 random(20261125);
    std::uint64_t last = 0;
    for (int round = 0; round < 12; ++round) {
        int answers[2];
        ASSERT_EQ(::pipe(answers), 0);
        const pid_t child = ::fork();
        if (child == 0) {
            ::close(answers[0]);
            auto options = options_for(file);
            options.files.rotate_size = 20'000;
            auto writer = open_writer(options);
            const std::string expression(300, 'x');
            const audit_touch touched{"expression", expression};
            for (;;) {
                auto record = operation("killed");
                record.touched = {&touched, 1};
                writer->submit(record, durability::lazy);
                std::promise<void> done;
                const std::uint64_t sequence = writer->submit(record, durability::before, [&](const std::string&) { done.set_value(); });
                done.get_future().wait();
                if (::write(answers[1], &sequence, sizeof sequence) < 0) ::_exit(1);
            }
        }
        ::close(answers[1]);
        // After some number of answers, and then at no particular instruction.
        std::uint64_t answered = 0;
        const int wanted = 1 + static_cast<int>(random() % 25);
        for (int i = 0; i < wanted; ++i) ASSERT_EQ(::read(answers[0], &answered, sizeof answered), static_cast<ssize_t>(sizeof answered));
        for (auto spin = random() % 100'000; spin > 0; --spin) std::atomic_signal_fence(std::memory_order_seq_cst);
        ::kill(child, SIGKILL);
        ::waitpid(child, nullptr, 0);
        for (std::uint64_t more; ::read(answers[0], &more, sizeof more) == sizeof more;) answered = more;
        ::close(answers[0]);
        open_writer(options_for(file))->close();
        const auto sum = verify(file);
        ASSERT_EQ(faults(sum), "") << "round " << round;
        ASSERT_GE(sum.last, answered);
        ASSERT_GT(sum.last, last);
        last = sum.last;
    }
    EXPECT_GT(rotated_files(file).size(), 0u);
}

TEST(audit_writer, rotation_keeps_the_chain) {
    const scratch dir;
    const std::string file = dir / "audit.jsonl";
    auto options = options_for(file);
    options.files.rotate_size = 2000;
    {
        auto writer = open_writer(options);
        for (int i = 0; i < 60; ++i) ASSERT_EQ(submit_before(*writer, operation("x")), "");
        wait_until([&] { return writer->health().rotations > 2; });
    }
    const auto old = rotated_files(file);
    ASSERT_GT(old.size(), 2u);
    const auto last = parse_audit_line(lines_of(old.back()).back());
    const auto first = parse_audit_line(lines_of(file).front());
    EXPECT_EQ(first->kind, audit_kind::rotate);
    EXPECT_EQ(first->touch("file"), file_name_of(old.back()));
    EXPECT_EQ(first->ref, last->sequence);
    EXPECT_EQ(first->previous, last->hash);
    EXPECT_EQ(faults(verify(file)), "");
    EXPECT_EQ(faults(verify(dir.path())), "");

    std::filesystem::remove(old[1]);
    EXPECT_NE(faults(verify(file)).find("missing before record"), std::string::npos) << faults(verify(file));
}

std::int64_t jumping_clock() {
    static std::atomic<std::int64_t> now = 1'800'000'000'000'000'000;
    return now -= 3'600'000'000'000;  // an hour back with every look
}

TEST(audit_writer, a_clock_that_goes_backwards_changes_no_order) {
    const scratch dir;
    const std::string file = dir / "audit.jsonl";
    auto options = options_for(file);
    options.files.clock = jumping_clock;
    options.files.rotate_size = 1500;
    {
        auto writer = open_writer(options);
        for (int i = 0; i < 40; ++i) ASSERT_EQ(submit_before(*writer, operation("x")), "");
        wait_until([&] { return writer->health().rotations > 1; });
    }
    EXPECT_GT(rotated_files(file).size(), 1u);
    const auto sum = verify(file);
    EXPECT_EQ(faults(sum), "");
    EXPECT_LT(sum.last_time, sum.first_time);  // as the clock had it
}

TEST(audit_writer, old_files_are_removed_only_when_asked) {
    const scratch dir;
    const std::string file = dir / "audit.jsonl";
    auto options = options_for(file);
    options.files.rotate_size = 1500;
    options.files.keep_files = 2;
    {
        auto writer = open_writer(options);
        for (int i = 0; i < 60; ++i) ASSERT_EQ(submit_before(*writer, operation("x")), "");
        wait_until([&] { return writer->health().rotations > 4; });
    }
    EXPECT_EQ(rotated_files(file).size(), 2u);
    EXPECT_NE(faults(verify(file)).find("the beginning was removed"), std::string::npos);
    EXPECT_TRUE(verify_audit(file, {{}, nullptr, true})->faults.empty());
}

TEST(audit_writer, a_file_that_went_missing_is_said) {
    const scratch dir;
    const std::string file = dir / "audit.jsonl";
    auto options = options_for(file);
    options.files.rotate_size = 2000;
    {
        auto writer = open_writer(options);
        for (int i = 0; i < 30; ++i) ASSERT_EQ(submit_before(*writer, operation("x")), "");
        wait_until([&] { return writer->health().rotations > 0; });
    }
    // As a crash between the two renames of a rotation leaves it.
    std::filesystem::remove(file);
    EXPECT_NE(faults(verify(file)).find("the newest file, audit.jsonl, is not here"), std::string::npos) << faults(verify(file));
    std::string said;
    options.report = [&](const std::string& line) { said += line; };
    open_writer(options)->close();
    EXPECT_NE(said.find("was missing"), std::string::npos);
    EXPECT_EQ(faults(verify(file)), "");
}

// logrotate, or worse: the writer must not go on into a file that nobody sees.
TEST(audit_writer, a_file_moved_away_while_it_is_written_is_noticed) {
    const scratch dir;
    const std::string file = dir / "audit.jsonl";
    auto writer = open_writer(options_for(file));
    ASSERT_EQ(submit_before(*writer, operation("before")), "");
    std::filesystem::rename(file, dir / "elsewhere");
    wait_until([&] {
        EXPECT_EQ(submit_before(*writer, operation("x")), "");
        return writer->health().rotations > 0;
    });
    ASSERT_EQ(submit_before(*writer, operation("after")), "");
    writer->close();
    const auto first = parse_audit_line(lines_of(file).front());
    EXPECT_EQ(first->kind, audit_kind::rotate);
    EXPECT_NE(first->result.find("taken away"), std::string::npos);
    EXPECT_NE(faults(verify(file)).find("the beginning was removed"), std::string::npos);
    write_file(rotated_name(file, {}, 1), read_file(dir / "elsewhere"));  // put back where it belongs
    EXPECT_EQ(faults(verify(file)), "");
}

TEST(audit_writer, a_file_cut_while_it_is_written_is_noticed) {
    const scratch dir;
    const std::string file = dir / "audit.jsonl";
    auto writer = open_writer(options_for(file));
    ASSERT_EQ(submit_before(*writer, operation("before")), "");
    std::filesystem::resize_file(file, 0);
    wait_until([&] {
        EXPECT_EQ(submit_before(*writer, operation("x")), "");
        return writer->health().rotations > 0;
    });
    writer->close();
    EXPECT_NE(faults(verify(file)).find("the beginning was removed"), std::string::npos);
}

TEST(audit_writer, anchors_are_signed_published_and_in_the_chain) {
    const scratch dir;
    const std::string file = dir / "audit.jsonl";
    const signing_key key;
    std::vector<audit_anchor> published;
    {
        auto options = options_for(file);
        options.anchor_records = 5;
        options.sign = [&](std::string_view bytes) { return key.sign(bytes); };
        options.publish = [&](const audit_anchor& anchor) -> outcome<void> {
            published.push_back(anchor);
            return {};
        };
        auto writer = open_writer(options);
        for (int i = 0; i < 5; ++i) ASSERT_EQ(submit_before(*writer, operation("x")), "");
        wait_until([&] { return writer->health().anchored >= 5; });
        for (int i = 0; i < 3; ++i) ASSERT_EQ(submit_before(*writer, operation("x")), "");
    }
    ASSERT_GE(published.size(), 2u);
    const auto sum = verify(file, published, key.key.get());
    EXPECT_EQ(faults(sum), "");
    EXPECT_EQ(sum.anchors, published.size());
    EXPECT_EQ(sum.anchored, published.back().sequence);
    EXPECT_EQ(sum.signed_anchors, 2 * published.size());
    EXPECT_EQ(sum.last, published.back().sequence + 1);  // the last one's own record
    EXPECT_EQ(parse_audit_line(lines_of(file).back())->kind, audit_kind::anchor);
}

TEST(audit_writer, a_signer_that_fails_is_told_and_hinders_nobody) {
    const scratch dir;
    auto options = options_for(dir / "audit.jsonl");
    options.anchor_records = 1;
    options.sign = [](std::string_view) { return outcome<std::string>(boost::system::in_place_error, "the signer does not answer"); };
    auto writer = open_writer(options);
    ASSERT_EQ(submit_before(*writer, operation("x")), "");
    wait_until([&] { return !writer->health().anchor_trouble.empty(); });
    EXPECT_EQ(submit_before(*writer, operation("y")), "");
    EXPECT_EQ(writer->health().anchored, 0u);
    writer->close();
    EXPECT_EQ(faults(verify(dir / "audit.jsonl")), "");
}

}  // namespace
}  // namespace auth::audit_test
