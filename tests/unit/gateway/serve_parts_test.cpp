// What `serve` and `status` are made of, besides sockets.
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <sstream>


#include "gateway/byte_queue.h"
#include "gateway/log.h"
#include "gateway/component_log.h"
#include "gateway/session_log.h"
#include "gateway/own_identities.h"
#include "gateway/serve.h"
#include "gateway/state_directory.h"
#include "gateway/status_report.h"
#include "gateway/status_socket.h"
#include "tests/unit/gateway/loop.h"

#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

namespace gateway {
namespace {

using namespace std::chrono_literals;

mode_t mode_of(const std::string& path) {
    struct stat info {};
    return ::stat(path.c_str(), &info) == 0 ? info.st_mode & 07777 : 0;
}

TEST(byte_queue, gives_back_what_it_took_in_order) {
    byte_queue queue;
    std::string in;
    std::string out;
    for (int i = 0; i < 3000; ++i) {
        const std::string piece = std::to_string(i) + ",";
        in += piece;
        queue.append(piece);
        if (i % 3) {
            const auto front = queue.front(5);
            out += front;
            queue.drop(front.size());
        }
    }
    while (!queue.empty()) {
        const auto front = queue.front(7);
        out += front;
        queue.drop(front.size());
    }
    EXPECT_EQ(out, in);
    EXPECT_EQ(queue.size(), 0u);
}

TEST(own_identities, are_made_once_and_again_when_names_change) {
    temporary_directory top;
    std::vector<component_config> components(1);
    components[0].name = "app";
    components[0].users = {"admin", "alice"};
    const std::vector<host_port> listen{{"::", 7443}};
    const auto first = make_own_identities(top.path(), components, listen, DELVEGATE_BINARY);
    ASSERT_TRUE(first) << first.error();
    ASSERT_EQ(first->people.size(), 2u);
    EXPECT_EQ(first->people[0], top.path() + "/identities/admin");
    for (const char* file : {"/client.crt", "/client.key", "/ca.crt"})
        EXPECT_EQ(mode_of(first->people[0] + file) & 077, 0u) << file;
    EXPECT_EQ(mode_of(first->key), 0600u);
    const std::string certificate = *read_file(first->certificate);
    const std::string person = *read_file(first->people[0] + "/client.crt");

    ASSERT_TRUE(make_own_identities(top.path(), components, listen, DELVEGATE_BINARY));
    EXPECT_EQ(*read_file(first->certificate), certificate);
    EXPECT_EQ(*read_file(first->people[0] + "/client.crt"), person);

    components[0].name = "other";
    ASSERT_TRUE(make_own_identities(top.path(), components, listen, DELVEGATE_BINARY));
    EXPECT_NE(*read_file(first->certificate), certificate);
    EXPECT_EQ(*read_file(first->people[0] + "/client.crt"), person);
    // They fit together.
    EXPECT_TRUE(auth::make_server_context({first->certificate, first->key, first->ca}));
    EXPECT_TRUE(auth::make_client_context({first->people[0] + "/client.crt", first->people[0] + "/client.key",
                                           first->people[0] + "/ca.crt"}));
}

TEST(own_identities, refuse_a_user_that_is_no_file_name) {
    temporary_directory top;
    std::vector<component_config> components(1);
    components[0].name = "app";
    components[0].users = {"../../etc/x"};
    const auto made = make_own_identities(top.path(), components, {{"::", 7443}});
    ASSERT_FALSE(made);
    EXPECT_NE(made.error().find("../../etc/x"), std::string::npos);
}

TEST(own_identities, the_certificate_is_for_every_way_in) {
    std::vector<component_config> components(1);
    components[0].name = "app";
    const auto hosts = gateway_hosts(components, {{"203.0.113.9", 7443}});
    const auto has = [&](const std::string& host) { return std::find(hosts.begin(), hosts.end(), host) != hosts.end(); };
    EXPECT_TRUE(has("localhost"));
    EXPECT_TRUE(has("127.0.0.1"));
    EXPECT_TRUE(has("203.0.113.9"));
    EXPECT_TRUE(has("app.localhost"));
    EXPECT_FALSE(has("::"));
    EXPECT_EQ(host_to_type({{"203.0.113.9", 7443}}), "203.0.113.9");
}

TEST(serve, names_a_component_after_its_program) {
    EXPECT_EQ(component_name_of("./kube-scheduler"), "kube-scheduler");
    EXPECT_EQ(component_name_of("/usr/bin/My_Program.v2"), "my-program-v2");
    EXPECT_EQ(component_name_of("__x__"), "x");
    EXPECT_EQ(component_name_of("./???"), "program");
    EXPECT_EQ(component_name_of("./" + std::string(100, 'a')), std::string(63, 'a'));
    for (const char* program : {"./a", "B-", "-c", "d.e.f", "\xc3\xa4pp"})
        EXPECT_TRUE(is_dns_label(component_name_of(program))) << program;
}

TEST(log_gate, lets_one_line_a_second_through_for_each_source) {
    log_gate gate;
    const log_gate::time_point start = log_gate::time_point() + 1h;
    std::size_t skipped = 0;
    EXPECT_TRUE(gate.open("a", start, skipped));
    EXPECT_FALSE(gate.open("a", start + 10ms, skipped));
    EXPECT_FALSE(gate.open("a", start + 999ms, skipped));
    EXPECT_TRUE(gate.open("b", start + 10ms, skipped));
    EXPECT_EQ(skipped, 0u);
    EXPECT_TRUE(gate.open("a", start + 1001ms, skipped));
    EXPECT_EQ(skipped, 2u);
}

TEST(log_gate, forgets_sources_before_there_are_too_many) {
    log_gate gate;
    const log_gate::time_point start = log_gate::time_point() + 1h;
    std::size_t skipped = 0;
    int lines = 0;
    for (int i = 0; i < 5000; ++i) lines += gate.open(std::to_string(i), start, skipped);
    EXPECT_EQ(lines, 1024);
    EXPECT_TRUE(gate.open("later", start + 2s, skipped));
}

TEST(log, json_lines_are_json_whatever_they_say) {
    testing::internal::CaptureStderr();
    set_up_log("info", "json");
    log().info("a \"quoted\" line\nand {} more", 1);
    log().debug("not shown");
    const std::string text = testing::internal::GetCapturedStderr();
    ASSERT_EQ(std::count(text.begin(), text.end(), '\n'), 1) << text;
    const auto line = protocol::parse_json(text);
    ASSERT_TRUE(line) << text;
    EXPECT_EQ(line->get_string("message"), "a \"quoted\" line\nand 1 more");
    EXPECT_EQ(line->get_string("level"), "info");
}

TEST(log, a_line_of_a_component_has_it) {
    testing::internal::CaptureStderr();
    set_up_log("info", "json");
    const component_log app("app");
    app.warn("{} stands", 7);
    {
        const session_mark mark("0123", "app", "4567");
        app.info("within");
        component_log("other").error("another one");
        component_log("app", "89ab").info("with its own");
    }
    std::istringstream lines(testing::internal::GetCapturedStderr());
    std::vector<std::string> all;
    for (std::string line; std::getline(lines, line);) {
        const auto parsed = protocol::parse_json(line);
        ASSERT_TRUE(parsed) << line;
        std::string words;
        for (const auto* key : {"level", "message", "component", "session", "launcherSession"}) words += std::string(parsed->get_string(key)) + "|";
        all.push_back(words);
    }
    EXPECT_EQ(all, (std::vector<std::string>{"warning|app: 7 stands|app|||", "info|app: within|app|0123|4567|", "error|other: another one|other|||",
                                             "info|app: with its own|app|0123|89ab|"}));
}

TEST(log, a_line_about_a_session_has_its_id) {
    testing::internal::CaptureStderr();
    set_up_log("info", "json");
    {
        const session_mark outer("0123", "app", "4567");
        { const session_mark inner("89ab", "\"other\""); log().info("inner"); }
        log().info("outer");
    }
    log().info("neither");
    std::istringstream lines(testing::internal::GetCapturedStderr());
    std::vector<protocol::json> all;
    for (std::string line; std::getline(lines, line);) {
        const auto parsed = protocol::parse_json(line);
        ASSERT_TRUE(parsed) << line;
        all.push_back(*parsed);
    }
    ASSERT_EQ(all.size(), 3u);
    EXPECT_EQ(all[0].get_string("session"), "89ab");
    EXPECT_EQ(all[0].get_string("component"), "\"other\"");
    EXPECT_EQ(all[0].find("launcherSession"), nullptr);
    EXPECT_EQ(all[1].get_string("session"), "0123");
    EXPECT_EQ(all[1].get_string("launcherSession"), "4567");
    EXPECT_EQ(all[2].find("session"), nullptr);
}

std::string ask_status(boost::asio::io_context& io, const std::string& directory, const std::string& request) {
    boost::asio::local::stream_protocol::socket socket(io);
    socket.connect(status_socket_path(directory));
    std::string answer;
    bool done = false;
    boost::asio::async_write(socket, boost::asio::buffer(request), [&](boost::system::error_code, std::size_t) {
        boost::asio::async_read(socket, boost::asio::dynamic_buffer(answer),
                                [&](boost::system::error_code, std::size_t) { done = true; });
    });
    EXPECT_TRUE(run_until(io, [&] { return done; }));
    return answer;
}

TEST(status_socket, answers_its_owner) {
    temporary_directory top;
    boost::asio::io_context io;
    status_socket status(io, [](std::string_view path) { return http_answer{200, "{\"path\":\"" + std::string(path) + "\"}"}; });
    const auto opened = status.open(top.path());
    ASSERT_TRUE(opened) << opened.error();
    EXPECT_EQ(mode_of(status_socket_path(top.path())), 0600u);
    const auto answer = ask_status(io, top.path(), "GET /v1/status HTTP/1.1\r\n\r\n");
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\n")) << answer;
    EXPECT_TRUE(answer.ends_with("{\"path\":\"/v1/status\"}")) << answer;
    EXPECT_TRUE(ask_status(io, top.path(), "nonsense\r\n\r\n").starts_with("HTTP/1.1 400 "));
}

TEST(status_socket, is_not_taken_from_a_living_gateway_but_from_a_dead_one) {
    temporary_directory top;
    boost::asio::io_context io;
    const auto answer = [](std::string_view) { return http_answer{}; };
    {
        status_socket first(io, answer);
        ASSERT_TRUE(first.open(top.path()));
        status_socket second(io, answer);
        const auto opened = second.open(top.path());
        ASSERT_FALSE(opened);
        EXPECT_NE(opened.error().find("another delvegate serve"), std::string::npos) << opened.error();
        // The loser leaves the winner's socket alone.
        EXPECT_EQ(::access(status_socket_path(top.path()).c_str(), F_OK), 0);
    }
    {  // A socket without a process behind it.
        boost::asio::local::stream_protocol::acceptor dead(io, status_socket_path(top.path()));
    }
    status_socket third(io, answer);
    EXPECT_TRUE(third.open(top.path()));
}

TEST(http_reader, does_nothing_at_the_word_of_a_web_page) {
    const auto read = [](const std::string& method, const std::string& header, const std::string& path = "/v1/components/app/start") {
        http_reader reader(1024);
        const auto got = reader.feed(method + " " + path + " HTTP/1.1\r\nHost: node1\r\n" + header + "Content-Length: 0\r\n\r\n");
        const auto* refused = got ? std::get_if<http_answer>(&*got) : nullptr;
        return refused ? refused->status : 200u;
    };
    EXPECT_EQ(read("POST", ""), 200u);
    for (const char* header : {"Origin: https://evil.example\r\n", "oRiGin: null\r\n", "Origin: https://node1:7443\r\n", "Origin:\r\n",
                               "Sec-Fetch-Site: cross-site\r\n", "sec-fetch-site: same-site\r\n"}) {
        EXPECT_EQ(read("POST", header), 403u) << header;
        EXPECT_EQ(read("DELETE", header), 403u) << header;
        const bool of_another_site = std::string(header).find("site:") != std::string::npos || std::string(header).find("Site:") != std::string::npos;
        EXPECT_EQ(read("GET", header), of_another_site ? 403u : 200u) << header;
        const std::string navigates = header + std::string("Sec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: ");
        EXPECT_EQ(read("GET", navigates + "document\r\n"), of_another_site ? 403u : 200u) << header;
        EXPECT_EQ(read("GET", navigates + "document\r\n", "/"), 200u) << header;
        EXPECT_EQ(read("GET", navigates + "iframe\r\n", "/"), of_another_site ? 403u : 200u) << header;
    }
    for (const char* header : {"Sec-Fetch-Site: same-origin\r\n", "Sec-Fetch-Site: none\r\n"}) EXPECT_EQ(read("POST", header), 200u) << header;
}

TEST(http_reader, does_what_the_servers_own_page_asks_for) {
    const auto read = [](const std::string& header) {
        http_reader reader(1024, [](const std::string& host) { return host == "node1" || host == "::1"; });
        const auto got = reader.feed("POST /v1/components/app/baton HTTP/1.1\r\n" + header + "Content-Length: 0\r\n\r\n");
        const auto* refused = got ? std::get_if<http_answer>(&*got) : nullptr;
        return refused ? refused->status : 200u;
    };
    const std::string host = "Host: node1:7443\r\n", origin = "Origin: https://node1:7443\r\n", site = "Sec-Fetch-Site: same-origin\r\n",
                      ours = "X-Delvegate: 1\r\n";
    EXPECT_EQ(read(host + origin + site + ours), 200u);
    EXPECT_EQ(read("Host: [::1]:7443\r\nOrigin: https://[::1]:7443\r\n" + site + ours), 200u);
    EXPECT_EQ(read(origin + site + ours), 403u);
    EXPECT_EQ(read(host + origin + ours), 403u);
    EXPECT_EQ(read(host + origin + site), 403u);
    EXPECT_EQ(read(host + origin + "Sec-Fetch-Site: same-site\r\n" + ours), 403u);
    for (const char* other : {"Origin: http://node1:7443\r\n", "Origin: https://node1\r\n", "Origin: null\r\n", "Origin: https://evil.example\r\n",
                              "Origin: https://node1:7443\r\nOrigin: https://node1:7443\r\n"})
        EXPECT_EQ(read(host + other + site + ours), 403u) << other;
    EXPECT_EQ(read("Host: evil.example\r\nOrigin: https://evil.example\r\n" + site + ours), 403u);
}

TEST(status_report, reads_as_text) {
    const auto report = protocol::parse_json(R"({"version":"0.1.0","pid":7,"since":"then","draining":false,
        "confinement":{"systemCalls":false,"files":false,"why":"component app is of kind exec"},
        "listen":["[::]:7443"],"connections":{"now":2,"handshakes":0,"streams":1},
        "totals":{"accepted":9,"failedHandshakes":3},"limitsHit":{"source":4,"idle":0},
        "components":[{"name":"app","kind":"exec","state":"stopped","since":"14:00","position":"main.go:12",
          "reason":"breakpoint","by":"alice","dlvVersion":"1.27.1","dlvPid":11,"pid":12,
          "viewers":[{"user":"alice","address":"192.0.2.7:1","protocol":"DAP","since":"13:59"}],
          "output":"/var/x.log","warnings":["be\u0007ware"]}]})");
    ASSERT_TRUE(report);
    EXPECT_EQ(status_text(*report),
              "delvegate 0.1.0 (pid 7) listening on [::]:7443 since then\n"
              "2 connections, 1 debug streams, 0 handshakes; in all 9 accepted, 3 failed handshakes\n"
              "limits hit: source 4\n"
              "not confined: component app is of kind exec\n"
              "app (exec): stopped since 14:00 at main.go:12: breakpoint, by alice\n"
              "  dlv 1.27.1 pid 11, program pid 12\n"
              "  alice from 192.0.2.7:1 by DAP since 13:59\n"
              "  output in /var/x.log\n"
              "  warning: be ware\n");
}

// In the list that people get, when and by whom it was taken out stands beside what it does now.
TEST(status_report, taken_out_is_not_stopped) {
    const auto report = protocol::parse_json(R"({"components":[
        {"name":"kube-scheduler","kind":"launcher","state":"stopped","detail":"main.f() in main.go:12",
         "detached":true,"since":"14:00","by":"alice","deadline":"16:00"},
        {"name":"kube-proxy","kind":"launcher","state":"available","detail":"","detached":false}]})");
    ASSERT_TRUE(report);
    const auto text = status_text(*report);
    EXPECT_NE(text.find("kube-scheduler (launcher): stopped\n"
                        "  main.f() in main.go:12\n"
                        "  taken out since 14:00 by alice, put back at 16:00\n"
                        "kube-proxy (launcher): available\n"),
              std::string::npos)
        << text;
}

// Two alerts send people here for the reason.
TEST(status_report, says_what_is_wrong_with_the_audit) {
    const auto text = [](const std::string& audit) { return status_text(*protocol::parse_json(R"({"audit":)" + audit + "}")); };
    EXPECT_EQ(text(R"({"file":"/a.jsonl","ok":true,"trouble":"","lost":0,"refused":0,"anchorTrouble":""})").find("warning"), std::string::npos);
    EXPECT_EQ(text(R"({"file":"off"})").find("warning"), std::string::npos);
    const auto bad = text(R"({"file":"/a.jsonl","ok":false,"trouble":"No space left on device","fullSince":"14:00","lost":3,"refused":2,
        "anchorTrouble":"no\u0007 journal"})");
    for (const char* line : {"\nwarning: the audit /a.jsonl cannot be written since 14:00: No space left on device; what is more than reading is refused until it can\n",
                             "\nwarning: the audit /a.jsonl: 3 records lost, 2 operations refused for want of a record, since the gateway's start\n",
                             "\nwarning: the audit's head could not be anchored: no  journal\n"})
        EXPECT_NE(bad.find(line), std::string::npos) << bad;
    EXPECT_NE(text(R"({"file":"/a.jsonl","ok":true,"trouble":"the file could not be rotated"})").find("warning: the audit /a.jsonl: the file could not be rotated\n"),
              std::string::npos);
}

TEST(status_report, survives_an_answer_of_another_shape) {
    for (const char* text : {"{}", "[]", R"({"components":[1,{}]})", R"({"listen":{},"limitsHit":[1],"totals":3})"})
        EXPECT_NE(status_text(*protocol::parse_json(text)), "") << text;
}

}  // namespace
}  // namespace gateway
