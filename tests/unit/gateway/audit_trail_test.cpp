#include "gateway/audit_trail.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "auth/audit_reader.h"
#include "gateway/audit_anchors.h"
#include "gateway/audit_command.h"
#include "gateway/audit_report.h"
#include "gateway/audit_touched.h"
#include "gateway/config.h"
#include "tests/unit/gateway/loop.h"

namespace gateway {
namespace {

protocol::judged rpc(std::string_view method, std::string_view argument) {
    const auto request = protocol::parse_rpc_request("{\"method\":\"RPCServer." + std::string(method) + "\",\"params\":[" +
                                                     std::string(argument) + "],\"id\":1}");
    if (!request) throw std::runtime_error("not a request");
    return protocol::judge(*request);
}
protocol::judged dap(std::string_view command, std::string_view arguments) {
    const auto request = protocol::parse_dap_request("{\"seq\":1,\"type\":\"request\",\"command\":\"" + std::string(command) +
                                                     "\",\"arguments\":" + std::string(arguments) + "}");
    if (!request) throw std::runtime_error("not a request");
    return protocol::judge(*request);
}
std::string touched(const protocol::judged& request) {
    std::string out;
    for (const auto& [what, text] : touched_by(request)) out += what + "=" + text + "|";
    return out;
}

TEST(audit_touched, tells_what_of_both_protocols) {
    EXPECT_EQ(touched(rpc("Eval", R"({"Scope":{"GoroutineID":7,"Frame":2},"Expr":"pod.Name"})")), "goroutine=7|frame=2|expression=pod.Name|");
    EXPECT_NE(touched(rpc("CreateBreakpoint", R"({"Breakpoint":{"file":"/a.go","line":12,"Cond":"i > 3"}})")).find("file=/a.go|line=12|condition=i > 3|"),
              std::string::npos);
    EXPECT_NE(touched(dap("evaluate", R"j({"expression":"call f()","frameId":1000,"context":"repl"})j")).find("expression=call f()|"), std::string::npos);
    const std::string set = touched(dap("setBreakpoints", R"({"source":{"path":"/a.go"},"breakpoints":[{"line":3},{"line":9,"condition":"x"}]})"));
    EXPECT_NE(set.find("file=/a.go|line=3, 9|condition=x|"), std::string::npos) << set;
}

TEST(audit_touched, never_a_value) {
    for (const auto& request : {rpc("Set", R"({"Scope":{"GoroutineID":1},"Symbol":"password","Value":"hunter2"})"),
                                dap("setVariable", R"({"variablesReference":1001,"name":"password","value":"hunter2"})")}) {
        const std::string text = touched(request);
        EXPECT_NE(text.find("password"), std::string::npos) << text;
        EXPECT_NE(text.find("value=7 bytes"), std::string::npos) << text;
        EXPECT_EQ(text.find("hunter2"), std::string::npos) << text;
    }
    // Not by the digest of the arguments either, which could be guessed from.
    const std::string text = touched(rpc("Set", "{\"Symbol\":\"" + std::string(500, 's') + "\",\"Value\":\"v\"}"));
    EXPECT_EQ(text.find("sha256"), std::string::npos) << text;
    EXPECT_NE(touched(rpc("Eval", "{\"Expr\":\"" + std::string(500, 's') + "\"}")).find("arguments="), std::string::npos);
}

TEST(audit_touched, knows_what_only_releases) {
    for (const auto& request : {rpc("Command", R"({"name":"continue"})"), rpc("Command", R"({"name":"halt"})"), rpc("ClearBreakpoint", R"({"Id":1})"),
                                dap("pause", R"({"threadId":1})"), dap("continue", R"({"threadId":1})"), dap("disconnect", "{}"),
                                dap("setBreakpoints", R"({"source":{"path":"/a.go"},"breakpoints":[]})")})
        EXPECT_TRUE(only_releases(request)) << request.operation;
    for (const auto& request : {rpc("Command", R"({"name":"next"})"), rpc("Command", R"j({"name":"call","expr":"f()"})j"), rpc("Eval", R"({"Expr":"x"})"),
                                rpc("Set", R"({"Symbol":"x","Value":"1"})"), rpc("Restart", "{}"),
                                dap("setBreakpoints", R"({"source":{"path":"/a.go"},"breakpoints":[{"line":3}]})")})
        EXPECT_FALSE(only_releases(request)) << request.operation;
}

class audit_trail_test : public ::testing::Test {
protected:
    void open() {
        configuration.anchors = directory.path() + "/anchors/anchors.jsonl";
        std::filesystem::create_directory(directory.path() + "/anchors");
        auto made = audit_trail::open(io, configuration, directory.path());
        ASSERT_TRUE(made) << made.error();
        trail = std::move(*made);
        who.who.user = "alice";
        who.who.groups = {"sre"};
        who.address = "192.0.2.7:50312";
        who.client = "delvegate/0.1.0";
    }
    template <class Condition>
    void run_until(Condition condition) {
        while (!condition()) {
            io.restart();
            io.run_one_for(std::chrono::milliseconds(5));
        }
    }
    std::vector<auth::audit_entry> entries() {
        trail->close();
        std::vector<auth::audit_entry> out;
        std::ifstream in(trail->file());
        for (std::string line; std::getline(in, line);) out.push_back(*auth::parse_audit_line(line));
        return out;
    }

    temporary_directory directory;
    audit_config configuration;
    boost::asio::io_context io;
    std::unique_ptr<audit_trail> trail;
    caller who;
};

TEST_F(audit_trail_test, looks_go_at_once_and_changes_wait_for_the_disk) {
    open();
    audit_session session(*trail, who, "s1", "scheduler");
    session.speaks("dap");
    bool looked = false;
    session.intent(rpc("Eval", R"({"Expr":"x"})"), {true, "rule 1"}, [&](const std::string& error) { looked = error.empty(); });
    EXPECT_TRUE(looked);
    bool changed = false;
    const auto operation = session.intent(rpc("Set", R"({"Symbol":"x","Value":"1"})"), {true, "rule 2"}, [&](const std::string& error) {
        // What is answered is on disk.
        EXPECT_EQ(error, "");
        std::ifstream in(trail->file());
        std::string text{std::istreambuf_iterator<char>(in), {}};
        EXPECT_NE(text.find("rule 2"), std::string::npos);
        changed = true;
    });
    EXPECT_FALSE(changed);
    run_until([&] { return changed; });
    session.outcome(operation, "ok");
    session.refusal(rpc("Restart", "{}"), {false, "no rule"}, "needs lifecycle");
    session.ended("the IDE closed");
    const auto all = entries();
    ASSERT_GE(all.size(), 5u);
    EXPECT_EQ(all[1].user, "alice");
    EXPECT_EQ(all[1].component, "scheduler");
    EXPECT_EQ(all[1].session, "s1");
    EXPECT_EQ(all[1].kind, auth::audit_kind::intent);
    EXPECT_EQ(all[2].kind, auth::audit_kind::outcome);
    EXPECT_EQ(all[2].ref, all[1].sequence);
    EXPECT_TRUE(all[2].duration.has_value());
    EXPECT_EQ(all[3].kind, auth::audit_kind::refusal);
    EXPECT_EQ(all[3].decision, "deny");
    EXPECT_EQ(all[4].kind, auth::audit_kind::disconnect);
}

TEST_F(audit_trail_test, a_look_does_not_overtake_a_change_of_the_same_view) {
    open();
    audit_session session(*trail, who, "s1", "scheduler"), other(*trail, who, "s2", "scheduler");
    std::string order;
    session.intent(rpc("Set", R"({"Symbol":"x","Value":"1"})"), {}, [&](const std::string&) { order += "set "; });
    session.intent(rpc("Eval", R"({"Expr":"x"})"), {}, [&](const std::string&) { order += "eval "; });
    other.intent(rpc("Eval", R"({"Expr":"x"})"), {}, [&](const std::string&) { order += "other "; });
    EXPECT_EQ(order, "other ");
    run_until([&] { return order.size() > 14; });
    EXPECT_EQ(order, "other set eval ");
}

TEST_F(audit_trail_test, a_view_that_is_gone_is_not_called) {
    open();
    bool called = false;
    auto session = std::make_unique<audit_session>(*trail, who, "s1", "scheduler");
    session->intent(rpc("Set", R"({"Symbol":"x","Value":"1"})"), {}, [&](const std::string&) { called = true; });
    session.reset();
    bool after = false;
    audit_session next(*trail, who, "s2", "scheduler");
    next.intent(rpc("Set", R"({"Symbol":"x","Value":"1"})"), {}, [&](const std::string&) { after = true; });
    run_until([&] { return after; });
    EXPECT_FALSE(called);
    EXPECT_EQ(entries().at(1).result, "not forwarded: the session ended first");
}

// A session that ends itself in the middle of its answers.
TEST_F(audit_trail_test, may_be_ended_by_an_answer) {
    open();
    auto session = std::make_unique<audit_session>(*trail, who, "s1", "scheduler");
    int calls = 0;
    for (int i = 0; i < 3; ++i)
        session->intent(rpc("Set", R"({"Symbol":"x","Value":"1"})"), {}, [&](const std::string&) {
            ++calls;
            session.reset();
        });
    run_until([&] { return calls > 0; });
    io.restart();
    io.poll();
    EXPECT_EQ(calls, 1);
}

TEST_F(audit_trail_test, connections_and_status) {
    open();
    trail->connected(who);
    trail->refused_connection("198.51.100.9:1", "certificate expired");
    trail->reloaded("policy.yaml");
    trail->revoked(who.who, "s1", "certificate revoked");
    trail->disconnected(who, "closed", std::chrono::seconds(2));
    const auto all = entries();
    ASSERT_GE(all.size(), 5u);
    EXPECT_EQ(all[1].kind, auth::audit_kind::refused_connection);
    EXPECT_EQ(all[1].address, "198.51.100.9:1");
    EXPECT_EQ(all[4].duration, std::optional<std::uint64_t>(2'000'000'000));
    const auto status = trail->status();
    EXPECT_TRUE(status.get_bool("ok"));
    EXPECT_EQ(status.get_int("lost"), 0);
    EXPECT_EQ(status.get_string("file"), directory.path() + "/audit/audit.jsonl");
    // The anchors that it left in another directory match.
    const auto anchors = auth::read_anchors(configuration.anchors);
    ASSERT_TRUE(anchors) << anchors.error();
    ASSERT_FALSE(anchors->empty());
    const auto sum = auth::verify_audit(trail->file(), {*anchors, nullptr, false});
    EXPECT_TRUE(sum->faults.empty());
    EXPECT_EQ(sum->anchored, 5u);
}

TEST(audit_anchors, are_not_kept_beside_the_audit) {
    const temporary_directory directory;
    const auto sink = make_anchor_sink(directory.path() + "/anchors.jsonl", directory.path() + "/audit.jsonl");
    ASSERT_FALSE(sink);
    EXPECT_NE(sink.error().find("beside the audit itself"), std::string::npos);
    EXPECT_FALSE(*make_anchor_sink("off", "/x/audit.jsonl"));
    EXPECT_FALSE(make_anchor_sink("/no/such/directory/anchors", "/x/audit.jsonl"));
}

// What a debuggee or a forger put into a record cannot act on the terminal of who reads it.
TEST(audit_report, is_harmless_on_a_terminal) {
    auth::audit_entry e;
    e.sequence = 1;
    e.user = "ali\x1b[2Jce";
    e.touched = {{"expression\n", "\xc2\x9b" "31m\r\n\xe2\x80\xaegood"}};
    e.result = std::string("\0\x07", 2);
    const std::string text = audit_text(e);
    for (const char c : text) EXPECT_GE(static_cast<unsigned char>(c), 0x20) << text;
    EXPECT_EQ(text.find("\xc2\x9b"), std::string::npos);
    EXPECT_EQ(text.find("\xe2\x80\xae"), std::string::npos);
    EXPECT_NE(text.find("CHANGED"), std::string::npos);
    auth::audit_summary sum;
    sum.faults.push_back({"a\x1b.jsonl", 3, "b\nad"});
    EXPECT_EQ(audit_verdict("x", sum).find("\x1b"), std::string::npos);
    EXPECT_NE(audit_verdict("x", sum).find("BROKEN"), std::string::npos);
}

struct ran {
    int code;
    std::string out, err;
};
ran run(std::vector<std::string> arguments) {
    CLI::App app("test", "delvegate");
    ran result{-1, "", ""};
    add_audit_command(app, result.code);
    std::reverse(arguments.begin(), arguments.end());
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    try {
        app.parse(arguments);
    } catch (const CLI::ParseError&) {
        result.code = 2;
    }
    result.out = testing::internal::GetCapturedStdout();
    result.err = testing::internal::GetCapturedStderr();
    return result;
}

TEST(audit_command, exit_codes_and_what_is_said) {
    const std::string vectors = DELVEGATE_SOURCE_DIR "/tests/vectors/audit/";
    const auto sound = run({"audit", "verify", vectors + "sound.jsonl"});
    EXPECT_EQ(sound.code, 0) << sound.out << sound.err;
    EXPECT_NE(sound.out.find("5 records, 1 to 7"), std::string::npos) << sound.out;
    EXPECT_NE(sound.out.find("no anchor was compared"), std::string::npos) << sound.out;
    EXPECT_NE(sound.out.find("records 4 to 6 could not be written"), std::string::npos) << sound.out;
    const auto changed = run({"audit", "verify", vectors + "record-changed.jsonl"});
    EXPECT_EQ(changed.code, 1);
    EXPECT_NE(changed.out.find("BROKEN  record-changed.jsonl:2: record 2 was changed"), std::string::npos) << changed.out;
    EXPECT_EQ(run({"audit", "verify", "/no/such/file"}).code, 1);
    EXPECT_EQ(run({"audit", "verify", "--anchor", "/no/such/anchors", vectors + "sound.jsonl"}).code, 1);
    EXPECT_EQ(run({"audit", "verify", "--public-key", vectors + "sound.jsonl", vectors + "sound.jsonl"}).code, 2);
    EXPECT_EQ(run({"audit", "verify", "--nonsense"}).code, 2);
    EXPECT_EQ(run({"audit"}).code, 2);

    const auto shown = run({"audit", "show", "--user", "alice", "--kind", "intent,outcome", "--class", "control", vectors + "sound.jsonl"});
    EXPECT_EQ(shown.code, 0);
    EXPECT_EQ(std::count(shown.out.begin(), shown.out.end(), '\n'), 1) << shown.out;
    EXPECT_NE(shown.out.find("Command continue"), std::string::npos);
    const auto json = run({"audit", "show", "--output", "json", vectors + "sound.jsonl"});
    std::ifstream in(vectors + "sound.jsonl");
    EXPECT_EQ(json.out, (std::string{std::istreambuf_iterator<char>(in), {}}));
    EXPECT_EQ(run({"audit", "show", "--since", "soon", vectors + "sound.jsonl"}).code, 2);
    EXPECT_EQ(run({"audit", "show", "--kind", "banana", vectors + "sound.jsonl"}).code, 2);
    EXPECT_EQ(run({"audit", "show", "--class", "root", vectors + "sound.jsonl"}).code, 2);
    EXPECT_EQ(run({"audit", "show", "--since", "2026-11-26", vectors + "sound.jsonl"}).out, "");
    EXPECT_NE(run({"audit", "show", "--since", "2026-11-25T20:00:00Z", vectors + "sound.jsonl"}).out, "");
    EXPECT_EQ(run({"audit", "show", vectors + "line-nul.jsonl"}).code, 1);
}

TEST(audit_config, reads_and_refuses) {
    const auto parsed = parse_config("auditFile: a.jsonl\nauditRotateSize: 1MiB\nauditRotateAge: 2h\nauditKeepFiles: 30\nauditKeepAge: 7d\n"
                                     "auditReserve: 2MiB\nauditAnchors: off\nauditAnchorRecords: 5\nauditAnchorTime: 1s\nauditRedact: ['secret=\\S+']\n",
                                     "gateway.yaml", "/etc/delvegate");
    ASSERT_TRUE(parsed) << parsed.error();
    EXPECT_EQ(parsed->audit.file, "/etc/delvegate/a.jsonl");
    EXPECT_EQ(parsed->audit.rotate_size, 1u << 20);
    EXPECT_EQ(parsed->audit.rotate_age, std::chrono::hours(2));
    EXPECT_EQ(parsed->audit.keep_files, 30u);
    EXPECT_EQ(parsed->audit.keep_age, std::chrono::hours(7 * 24));
    EXPECT_EQ(parsed->audit.reserve, 2u << 20);
    EXPECT_EQ(parsed->audit.anchors, "off");
    EXPECT_EQ(parsed->audit.anchor_records, 5u);
    EXPECT_EQ(parsed->audit.redact.size(), 1u);
    EXPECT_EQ(audit_file_of({}, "/state"), "/state/audit/audit.jsonl");
    const auto off = parse_config("auditFile: off\n", "gateway.yaml", "/etc/delvegate");
    ASSERT_TRUE(off) << off.error();
    EXPECT_TRUE(off->audit.off());
    EXPECT_FALSE(parsed->audit.off());
    const char* const wrong[] = {"auditRotateSize: 1", "auditRotateAge: 1500ms", "auditKeepFiles: -1", "auditReserve: 0", "auditAnchorRecords: 0",
                                 "auditAnchorTime: 1ms", "auditRedact: ['(']", "auditRedact: secret", "auditFile: ''"};
    for (const char* text : wrong) EXPECT_FALSE(parse_config(text, "gateway.yaml", "/")) << text;
    const auto defaults = parse_config(default_config_text(), "gateway.yaml", "/");
    ASSERT_TRUE(defaults) << defaults.error();
    const audit_config none;
    EXPECT_EQ(defaults->audit.rotate_size, none.rotate_size);
    EXPECT_EQ(defaults->audit.rotate_age, none.rotate_age);
    EXPECT_EQ(defaults->audit.reserve, none.reserve);
    EXPECT_EQ(defaults->audit.anchors, none.anchors);
    EXPECT_EQ(defaults->audit.anchor_records, none.anchor_records);
    EXPECT_EQ(defaults->audit.anchor_time, none.anchor_time);
    EXPECT_EQ(audit_file_of(defaults->audit, "x"), audit_file_of(none, "x"));
}

}  // namespace
}  // namespace gateway
