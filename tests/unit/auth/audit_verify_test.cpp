// Whoever holds the file: each kind of tampering is found, and where.
#include <gtest/gtest.h>

#include "auth/audit_segments.h"
#include "tests/unit/auth/audit_support.h"

namespace auth::audit_test {
namespace {

class audit_verify : public ::testing::Test {
protected:
    void SetUp() override {
        auto options = options_for(file);
        options.anchor_records = 1'000'000;  // one at the end
        options.anchor_time = std::chrono::hours(1);
        options.sign = [this](std::string_view bytes) { return key.sign(bytes); };
        options.publish = [this](const audit_anchor& anchor) -> outcome<void> {
            anchors.push_back(anchor);
            return {};
        };
        auto writer = open_writer(options);
        for (int i = 1; i <= 10; ++i) ASSERT_EQ(submit_before(*writer, operation("operation " + std::to_string(i))), "");
        writer->close();
        ASSERT_EQ(anchors.size(), 1u);
        lines = lines_of(file);
        ASSERT_EQ(lines.size(), 11u);
    }
    std::string found() {
        write_lines(file, lines);
        return faults(verify(file, anchors, key.key.get()));
    }
    // The chain made anew from that line on, as who holds the file but not the key can.
    void chain_anew(std::size_t from) {
        for (std::size_t i = from; i < lines.size(); ++i) {
            auto entry = parse_audit_line(lines[i]);
            entry->previous = i ? parse_audit_line(lines[i - 1])->hash : std::string(no_hash);
            if (i) entry->sequence = parse_audit_line(lines[i - 1])->sequence + 1;
            lines[i] = hashed_anew(to_audit_line(*entry));
        }
    }

    const scratch dir;
    const std::string file = dir / "audit.jsonl";
    const signing_key key;
    std::vector<audit_anchor> anchors;
    std::vector<std::string> lines;
};

TEST_F(audit_verify, nothing_wrong) {
    EXPECT_EQ(found(), "");
    const auto sum = verify(file, anchors, key.key.get());
    EXPECT_EQ(sum.records, 11u);
    EXPECT_EQ(sum.anchored, 10u);
}

TEST_F(audit_verify, changed) {
    lines[4].replace(lines[4].find("alice"), 5, "mallo");
    EXPECT_EQ(found(), "audit.jsonl:5: record 5 was changed: its content does not fit its hash\n");
}

TEST_F(audit_verify, changed_and_hashed_anew) {
    lines[4].replace(lines[4].find("alice"), 5, "mallo");
    lines[4] = hashed_anew(lines[4]);
    EXPECT_EQ(found(), "audit.jsonl:6: record 6 does not continue record 5: one of them was replaced\n");
}

TEST_F(audit_verify, changed_and_all_that_follows_made_anew) {
    lines[4].replace(lines[4].find("alice"), 5, "mallo");
    chain_anew(4);
    write_lines(file, lines);
    EXPECT_NE(faults(verify(file, anchors)).find("audit.jsonl:10: record 10 is not the one that was anchored at 20"), std::string::npos);
    // The anchor inside the chain shows it too, as long as it is there.
    EXPECT_NE(faults(verify(file)).find("record 10 is not the one that the anchor in record 11 names"), std::string::npos);
}

TEST_F(audit_verify, made_anew_without_its_anchors) {
    lines.pop_back();
    lines[4].replace(lines[4].find("alice"), 5, "mallo");
    chain_anew(4);
    write_lines(file, lines);
    EXPECT_EQ(faults(verify(file)), "");  // nothing else can show it …
    EXPECT_NE(faults(verify(file, {}, key.key.get())).find("no signed head was found"), std::string::npos);
    EXPECT_NE(faults(verify(file, anchors)).find("record 10 is not the one that was anchored"), std::string::npos);
}

TEST_F(audit_verify, removed) {
    lines.erase(lines.begin() + 4);
    EXPECT_EQ(found(), "audit.jsonl:5: record 5 is missing before record 6: removed\n");
    lines.erase(lines.begin() + 6, lines.begin() + 8);
    EXPECT_EQ(found(), "audit.jsonl:5: record 5 is missing before record 6: removed\n"
                       "audit.jsonl:7: records 8 to 9 are missing before record 10: removed\n");
}

TEST_F(audit_verify, removed_and_made_anew) {
    lines.erase(lines.begin() + 4);
    chain_anew(4);
    EXPECT_NE(found().find("record 10 is not the one that was anchored"), std::string::npos) << found();
}

TEST_F(audit_verify, removed_behind_a_gap) {
    auto gap = parse_audit_line(lines[5]);
    gap->kind = audit_kind::gap;
    gap->lost = 6;
    gap->previous = no_hash;
    lines[5] = hashed_anew(to_audit_line(*gap));
    lines.erase(lines.begin(), lines.begin() + 5);
    chain_anew(1);
    EXPECT_NE(found().find("record 10 is not the one that was anchored"), std::string::npos) << found();
}

TEST_F(audit_verify, beginning_removed) {
    lines.erase(lines.begin(), lines.begin() + 2);
    EXPECT_EQ(found(), "audit.jsonl:1: records 1 to 2 are not here: the beginning was removed\n");
}

TEST_F(audit_verify, reordered) {
    std::swap(lines[3], lines[4]);
    EXPECT_EQ(found(), "audit.jsonl:5: record 4 stands after record 5: the order was changed\n");
}

TEST_F(audit_verify, copied) {
    lines.insert(lines.begin() + 7, lines[2]);
    EXPECT_EQ(found(), "audit.jsonl:8: record 3 stands after record 7, and was there before: it was copied, or the order was changed\n");
}

TEST_F(audit_verify, cut_off) {
    lines.resize(7);
    write_lines(file, lines);
    EXPECT_EQ(faults(verify(file)), "");  // a chain alone cannot tell
    const std::string text = faults(verify(file, anchors));
    EXPECT_NE(text.find("audit.jsonl:7: the end was cut off: records 8 to 10 existed at 20"), std::string::npos) << text;
}

TEST_F(audit_verify, cut_off_and_written_on) {
    lines.resize(7);
    write_lines(file, lines);
    write_records(file, 5);
    const std::string text = faults(verify(file, anchors));
    EXPECT_NE(text.find("record 10 is not the one that was anchored"), std::string::npos) << text;
}

TEST_F(audit_verify, all_of_it_removed) {
    write_file(file, "");
    const std::string text = faults(verify(file, anchors));
    EXPECT_NE(text.find("records 1 to 10 existed"), std::string::npos) << text;
}

TEST_F(audit_verify, an_anchor_by_somebody_else) {
    const signing_key other;
    anchors[0].signature = *other.sign(bytes_to_sign(anchors[0]));
    EXPECT_NE(found().find("the anchors: the anchor for record 10 is not signed by the key that was given"), std::string::npos);
    anchors[0].signature.clear();
    const auto sum = verify(file, anchors, key.key.get());
    EXPECT_EQ(faults(sum), "");  // the one inside is
    EXPECT_EQ(sum.anchors, 0u);
}

TEST_F(audit_verify, lines_that_are_no_records) {
    lines[2] = "garbage";
    lines[6] = std::string(100'000, 'x');
    const std::string text = found();
    EXPECT_EQ(text, "audit.jsonl:3: this is not a record: not JSON: " + text.substr(47, text.find('\n') - 47) +
                        "\naudit.jsonl:7: this is not a record: longer than any record\n");
}

TEST_F(audit_verify, a_last_line_without_an_end) {
    std::string text;
    for (const auto& line : lines) text += line + "\n";
    write_file(file, text.substr(0, text.size() - 20));
    EXPECT_EQ(faults(verify(file, anchors)), "audit.jsonl:11: this is not a record: the last line has no end: cut off, or left by a crash\n");
}

TEST_F(audit_verify, an_endless_last_line) {
    std::string text;
    for (const auto& line : lines) text += line + "\n";
    write_file(file, text + std::string(200'000, 'x'));
    EXPECT_EQ(faults(verify(file, anchors)), "audit.jsonl:12: this is not a record: the last line has no end: cut off, or left by a crash\n");
}

TEST(audit_stream, goes_on_over_rotations_while_it_is_written) {
    const scratch dir;
    const std::string file = dir / "audit.jsonl";
    auto options = options_for(file);
    options.files.rotate_size = 3000;
    auto writer = open_writer(options);
    ASSERT_EQ(submit_before(*writer, operation("first")), "");
    auto stream = audit_stream::open(file);
    ASSERT_TRUE(stream) << stream.error();
    std::uint64_t last = 0;
    std::thread other([&] {
        for (int i = 0; i < 30; ++i) {
            for (int k = 0; k < 9; ++k) writer->submit(operation("look"), durability::lazy);
            submit_before(*writer, operation("step"));
        }
        writer->close();
    });
    while (last < 301 || writer->health().rotations < 3) {
        const auto step = stream->next();
        ASSERT_NE(step, audit_stream::step::too_long);
        ASSERT_NE(step, audit_stream::step::incomplete);
        if (step != audit_stream::step::line) continue;
        const auto entry = parse_audit_line(stream->text());
        ASSERT_TRUE(entry) << entry.error();
        ASSERT_EQ(entry->sequence, last + 1);
        last = entry->sequence;
    }
    other.join();
}

TEST(audit_stream, reads_one_rotated_file_alone) {
    const scratch dir;
    auto options = options_for(dir / "audit.jsonl");
    options.files.rotate_size = 2000;
    {
        auto writer = open_writer(options);
        for (int i = 0; i < 30; ++i) ASSERT_EQ(submit_before(*writer, operation("x")), "");
        wait_until([&] { return writer->health().rotations > 1; });
    }
    const auto sum = verify_audit(rotated_files(dir / "audit.jsonl").front(), {});
    ASSERT_TRUE(sum);
    EXPECT_EQ(faults(*sum), "");
}

TEST(audit_filter, takes_what_was_asked_for) {
    audit_entry e;
    e.user = "alice";
    e.component = "scheduler";
    e.session = "s1";
    e.time = 100;
    e.kind = audit_kind::intent;
    e.classes = {protocol::op_class::read};
    EXPECT_TRUE(audit_filter{}.takes(e));
    EXPECT_TRUE((audit_filter{"alice", "scheduler", "s1", 100, {protocol::op_class::read}, {audit_kind::intent}}.takes(e)));
    EXPECT_FALSE((audit_filter{.user = "bob"}.takes(e)));
    EXPECT_FALSE((audit_filter{.component = "x"}.takes(e)));
    EXPECT_FALSE((audit_filter{.session = "x"}.takes(e)));
    EXPECT_FALSE((audit_filter{.since = 101}.takes(e)));
    EXPECT_FALSE((audit_filter{.classes = {protocol::op_class::mutate}}.takes(e)));
    EXPECT_FALSE((audit_filter{.kinds = {audit_kind::outcome}}.takes(e)));
}

}  // namespace
}  // namespace auth::audit_test
