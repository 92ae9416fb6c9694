#include "gateway/reference_marks.h"

#include <gtest/gtest.h>

#include <string>

namespace gateway {
namespace {

// What Delve answers to variables and to stackTrace.
const std::string variables =
    R"(,"success":true,"command":"variables","body":{"variables":[)"
    R"({"name":"p","value":"main.pod","variablesReference":1007},{"name":"n","value":"1","variablesReference":0},)"
    R"({"name":"big","value":"x","variablesReference":1234567}]}})";
const std::string frames =
    R"(,"success":true,"command":"stackTrace","body":{"stackFrames":[{"id":1000,"name":"main.tick","line":1},)"
    R"({"id":1001,"name":"main.main","line":2}],"totalFrames":2}})";

void expect_variables_until(const reference_marks& marks, std::int64_t highest, const std::string& where) {
    EXPECT_TRUE(marks.stale_variable(1)) << where;
    EXPECT_TRUE(marks.stale_variable(highest)) << where;
    EXPECT_FALSE(marks.stale_variable(highest + 1)) << where;
}

TEST(reference_marks, retire_what_was_handed_out_at_every_cut) {
    for (std::size_t cut = 0; cut <= variables.size(); ++cut) {
        reference_marks marks;
        marks.see(std::string_view(variables).substr(0, cut), false);
        marks.see(std::string_view(variables).substr(cut), false);
        marks.end_of_message();
        EXPECT_FALSE(marks.stale_variable(1007)) << "before the target moved";
        marks.retire();
        expect_variables_until(marks, 1234567, "cut at " + std::to_string(cut));
        EXPECT_FALSE(marks.stale_frame(1));
    }
}

TEST(reference_marks, retire_frames_at_every_cut) {
    for (std::size_t cut = 0; cut <= frames.size(); ++cut) {
        reference_marks marks;
        marks.see(std::string_view(frames).substr(0, cut), true);
        marks.see(std::string_view(frames).substr(cut), true);
        marks.retire();
        EXPECT_TRUE(marks.stale_frame(1000)) << "cut at " << cut;
        EXPECT_TRUE(marks.stale_frame(1001)) << "cut at " << cut;
        EXPECT_FALSE(marks.stale_frame(1002)) << "cut at " << cut;
    }
}

TEST(reference_marks, read_the_same_in_pieces_of_every_size) {
    for (std::size_t size = 1; size <= variables.size(); ++size) {
        reference_marks marks;
        for (std::size_t at = 0; at < variables.size(); at += size)
            marks.see(std::string_view(variables).substr(at, size), false);
        marks.retire();
        expect_variables_until(marks, 1234567, "pieces of " + std::to_string(size));
    }
}

TEST(reference_marks, an_id_is_a_frame_only_in_a_stack) {
    reference_marks marks;
    marks.see(R"({"breakpoints":[{"id":5}],"variablesReference":3})", false);
    marks.retire();
    EXPECT_FALSE(marks.stale_frame(5));
    EXPECT_TRUE(marks.stale_variable(3));
}

TEST(reference_marks, an_errors_id_is_no_frame) {
    const std::string refused = R"(,"success":false,"command":"stackTrace","message":"Unable to produce stack trace","body":{"error":)"
                                R"({"id":2004,"format":"Unable to produce stack trace: unknown goroutine 1"}}})";
    for (std::size_t cut = 0; cut <= refused.size(); ++cut) {
        reference_marks marks;
        marks.see(std::string_view(refused).substr(0, cut), true);
        marks.see(std::string_view(refused).substr(cut), true);
        marks.end_of_message();
        marks.see(frames, true);
        marks.end_of_message();
        marks.see(refused, true);
        marks.retire();
        EXPECT_TRUE(marks.stale_frame(1001)) << "cut at " << cut;
        EXPECT_FALSE(marks.stale_frame(1002)) << "cut at " << cut;
    }
}

TEST(reference_marks, a_programs_string_is_no_reference) {
    reference_marks marks;
    marks.see(R"({"value":"\"variablesReference\":99, \"id\":99","variablesReference":2})", true);
    marks.retire();
    expect_variables_until(marks, 2, "");
    EXPECT_FALSE(marks.stale_frame(1));
}

TEST(reference_marks, the_end_of_one_message_and_the_beginning_of_the_next_are_no_name) {
    reference_marks marks;
    marks.see(R"("variablesRef)", false);
    marks.end_of_message();
    marks.see(R"(erence":77})", false);
    marks.retire();
    EXPECT_FALSE(marks.stale_variable(77));
}

TEST(reference_marks, only_rise) {
    reference_marks marks;
    marks.see(R"({"variablesReference":50})", false);
    marks.retire();
    marks.see(R"({"variablesReference":20})", false);
    marks.retire();
    expect_variables_until(marks, 50, "");
    marks.see(R"({"variablesReference":60})", false);
    expect_variables_until(marks, 50, "handed out after the last move");
}

TEST(reference_marks, nothing_and_less_are_never_stale) {
    reference_marks marks;
    marks.see(R"({"variablesReference":9223372036854775807,"id":9})", true);
    marks.retire();
    EXPECT_FALSE(marks.stale_variable(0));  // "no children"
    EXPECT_FALSE(marks.stale_variable(-1));
    EXPECT_FALSE(marks.stale_frame(0));
    EXPECT_TRUE(marks.stale_variable(9223372036854775807));
}

TEST(reference_marks, a_number_beyond_64_bits_or_none_marks_nothing) {
    for (const char* text : {R"({"variablesReference":99999999999999999999})", R"({"variablesReference":})",
                             R"({"variablesReference":null})", R"({"variablesReference":-5})", R"({"variablesReference":)"}) {
        reference_marks marks;
        marks.see(text, false);
        marks.retire();
        EXPECT_FALSE(marks.stale_variable(1)) << text;
    }
}

}  // namespace
}  // namespace gateway
