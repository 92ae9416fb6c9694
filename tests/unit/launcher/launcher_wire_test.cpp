// The launcher's packets. tests/vectors/launcher holds whole packets: `expect: ERROR` (or `ok`), an empty line, the packet.
#include "launcher/launcher_wire.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace launcher {
namespace {

const std::string hash(64, 'a');
const std::string session(32, '0');

std::vector<launcher_request> all_requests() {
    std::vector<launcher_request> out;
    for (const auto verb : {launcher_verb::inspect, launcher_verb::start, launcher_verb::stop, launcher_verb::restore,
                            launcher_verb::status, launcher_verb::arm, launcher_verb::disarm, launcher_verb::dial,
                            launcher_verb::heartbeat, launcher_verb::park}) {
        launcher_request one;
        one.verb = verb;
        if (verb != launcher_verb::status) one.component = "kube-scheduler";
        if (verb == launcher_verb::arm) one.duration = std::chrono::hours(2);
        if (verb == launcher_verb::dial || verb == launcher_verb::heartbeat || verb == launcher_verb::park) one.session = session;
        if (verb == launcher_verb::park) one.stop = "17-3f9c";
        out.push_back(one);
    }
    launcher_request full = out[1];
    full.plan = hash;
    full.session = session;
    full.by = "alice (über)";
    full.stop_on_entry = true;
    full.forces = all_forces();
    out.push_back(full);
    launcher_request parks = out[9];
    parks.by = "alice";
    parks.note = "look at q.items, Bob";
    parks.duration = std::chrono::minutes(10);
    out.push_back(parks);
    launcher_request decides = out[3];
    decides.component = "kubelet";
    decides.decide = decision::put_back_ours;
    out.push_back(decides);
    decides.decide = decision::keep_theirs;
    out.push_back(decides);
    launcher_request all;
    all.verb = launcher_verb::restore;
    out.push_back(all);
    return out;
}

TEST(launcher_wire, reads_what_it_writes) {
    for (const auto& one : all_requests()) {
        const auto again = read_launcher_request(to_text(one));
        ASSERT_TRUE(again) << to_text(one) << ": " << again.error();
        EXPECT_EQ(*again, one) << to_text(one);
    }
}

// Whatever a request could carry of what it must not: no verb takes it.
TEST(launcher_wire, no_verb_takes_an_argv_environment_path_pid_or_address) {
    for (const auto& one : all_requests())
        for (const std::string key : {"argv", "args", "env", "environment", "path", "file", "binary", "pid", "address", "socket",
                                      "user", "uid", "dlv", "unit", "ceiling", "Component", "extraArgs"})
            for (const std::string value : {"\"x\"", "[\"x\"]", "1", "null", "{}"}) {
                std::string text = to_text(one);
                text.insert(text.size() - 1, ",\"" + key + "\":" + value);
                EXPECT_FALSE(read_launcher_request(text)) << text;
            }
}

TEST(launcher_wire, names_of_stops) {
    for (const char* good : {"1-0000", "17-3f9c", "18446744073709551615-ffff"}) EXPECT_TRUE(is_stop_name(good)) << good;
    for (const char* bad : {"", "-", "17", "17-", "-3f9c", "17-3F9C", "17-3f9", "17-3f9cc", "1 7-3f9c", "x-3f9c", "17-3f9c\n",
                            "184467440737095516150-ffff", "../17-3f9c"})
        EXPECT_FALSE(is_stop_name(bad)) << bad;
}

TEST(launcher_wire, every_member_belongs_to_its_verbs) {
    const std::vector<std::pair<std::string, std::string>> members{
        {"component", "\"kubelet\""}, {"plan", "\"sha256:" + hash + "\""}, {"session", "\"" + session + "\""}, {"by", "\"alice\""},
        {"stopOnEntry", "true"}, {"sessions", "true"}, {"force", "[\"two-leaders\"]"}, {"decide", "\"keep-theirs\""}, {"seconds", "60"},
        {"note", "\"why\""}, {"stop", "\"1-0000\""}};
    std::string table;
    for (const auto& one : all_requests()) {
        if (one.plan == hash || one.decide != decision::none || !one.note.empty()) continue;
        table += std::string(to_string(one.verb)) + (one.component.empty() && one.verb == launcher_verb::restore ? " all" : "") + ":";
        for (const auto& [key, value] : members) {
            std::string text = to_text(one);
            if (text.find("\"" + key + "\"") != std::string::npos) continue;
            text.insert(text.size() - 1, ",\"" + key + "\":" + value);
            if (read_launcher_request(text)) table += " " + key;
        }
        table += "\n";
    }
    EXPECT_EQ(table,
              "inspect:\nstart: plan session by stopOnEntry force\nstop: session by\nrestore: by decide\nstatus:\narm:\ndisarm:\n"
              "dial:\nheartbeat: sessions\npark: by seconds note\nrestore all: component by decide\n");
}

TEST(launcher_wire, vectors_are_judged_as_they_say) {
    int seen = 0;
    for (const auto& entry : std::filesystem::directory_iterator(DELVEGATE_SOURCE_DIR "/tests/vectors/launcher")) {
        std::ifstream file(entry.path());
        std::stringstream all;
        all << file.rdbuf();
        const std::string text = all.str();
        const std::size_t gap = text.find("\n\n");
        ASSERT_TRUE(text.starts_with("expect: ") && gap != std::string::npos) << entry.path();
        const std::string expected = text.substr(8, gap - 8);
        std::string packet = text.substr(gap + 2);
        while (packet.ends_with('\n')) packet.pop_back();
        const auto request = read_launcher_request(packet);
        EXPECT_EQ(request ? "ok" : request.error(), expected) << entry.path();
        ++seen;
    }
    EXPECT_GE(seen, 20);
}

TEST(launcher_wire, a_large_packet_is_refused) {
    std::string text = R"({"v":1,"verb":"status"})";
    EXPECT_TRUE(read_launcher_request(text + std::string(max_launcher_packet - text.size(), ' ')));
    EXPECT_FALSE(read_launcher_request(text + std::string(max_launcher_packet - text.size() + 1, ' ')));
}

TEST(launcher_wire, replies_read_what_they_write) {
    launcher_reply progress;
    progress.what = launcher_reply::kind::progress;
    progress.body = protocol::json::object{{"component", "kubelet"}, {"state", "starting"}, {"text", "x"}};
    launcher_reply error;
    error.what = launcher_reply::kind::error;
    error.fault = launcher_fault::limited;
    error.text = "too often";
    launcher_reply result;
    result.body = protocol::json::object{{"a", 1}};
    for (const auto& one : {progress, error, result}) {
        const auto again = read_launcher_reply(to_text(one));
        ASSERT_TRUE(again) << again.error();
        EXPECT_EQ(*again, one);
    }
    for (const char* text : {"{}", "[]", R"({"v":2,"result":1})", R"({"v":1})", R"({"v":1,"result":1,"part":"x"})",
                             R"({"v":1,"error":"x"})", R"({"v":1,"error":{"code":"no","text":"x"}})", R"({"v":1,"parts":0})",
                             R"({"v":1,"part":7})", R"({"v":1,"progress":[]})", R"({"v":1,"other":1})"})
        EXPECT_FALSE(read_launcher_reply(text)) << text;
}

TEST(launcher_wire, an_errors_text_is_bounded_and_stays_utf8) {
    launcher_reply error;
    error.what = launcher_reply::kind::error;
    for (int i = 0; i < 20'000; ++i) error.text += "ü";
    const auto again = read_launcher_reply(to_text(error));
    ASSERT_TRUE(again) << again.error();
    EXPECT_TRUE(error.text.starts_with(again->text));
    EXPECT_GT(again->text.size(), 8000u);
}

TEST(launcher_wire, a_large_result_goes_in_parts) {
    protocol::json::array list;
    for (int i = 0; i < 4000; ++i) list.emplace_back("zeile ü\n\"" + std::to_string(i) + "\x01");
    const protocol::json whole = protocol::json::object{{"list", std::move(list)}};
    const auto packets = result_packets(whole);
    ASSERT_TRUE(packets);
    ASSERT_GT(packets->size(), 2u);
    result_joiner joiner;
    for (std::size_t at = 0; at < packets->size(); ++at) {
        EXPECT_LE((*packets)[at].size(), max_launcher_packet);
        auto reply = read_launcher_reply((*packets)[at]);
        ASSERT_TRUE(reply) << reply.error();
        const auto joined = joiner.take(std::move(*reply));
        ASSERT_TRUE(joined) << joined.error();
        ASSERT_EQ(joined->has_value(), at + 1 == packets->size());
        if (*joined) {
            EXPECT_EQ(**joined, whole);
        }
    }
    // One lost on the way is noticed.
    result_joiner lossy;
    for (std::size_t at = 1; at < packets->size(); ++at) {
        const auto joined = lossy.take(*read_launcher_reply((*packets)[at]));
        EXPECT_EQ(joined.has_error(), at + 1 == packets->size());
    }
    EXPECT_FALSE(result_packets(std::string(max_launcher_result + 1, 'x')));
}

}  // namespace
}  // namespace launcher
