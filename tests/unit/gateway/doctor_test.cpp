#include "gateway/doctor.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <map>

#include "auth/ca.h"
#include "launcher/journal.h"
#include "tests/support/trusted_directory.h"

namespace {

using namespace gateway;

constexpr long long noon = 1'795'694'400;  // 2026-11-26 12:00:00 UTC
const std::string noon_date = "Thu, 26 Nov 2026 12:00:00 GMT";

TEST(doctor, words_for_people_and_scripts) {
    const diagnoses all{{"clock", verdict::ok, "it is right", {}}, {"dlv", verdict::fail, "there is\nnone", "install it"}};
    EXPECT_EQ(doctor_text(all), "ok      clock  it is right\n"
                                "fail    dlv    there is none\n"
                                "               mend: install it\n"
                                "2 checks: 1 failed, 0 warnings, 0 skipped\n");
    EXPECT_TRUE(any_failed(all));
    EXPECT_EQ(doctor_json(all).get_int("failed"), 1);
    EXPECT_FALSE(any_failed({all.front(), {"x", verdict::warn, "y", {}}}));
}

TEST(doctor, the_directories_of_a_node) {
    EXPECT_EQ(judge_node_directory("/run/delvegate", 0, S_IFDIR | 0755).how, verdict::ok);
    const auto shut = judge_node_directory("/run/delvegate", 0, S_IFDIR | 0700);
    EXPECT_EQ(shut.how, verdict::warn);
    EXPECT_EQ(shut.mend, "chmod 755 /run/delvegate");
    EXPECT_NE(shut.text.find("mode 700"), std::string::npos) << shut.text;
    const auto open = judge_node_directory("/run/delvegate", 998, S_IFDIR | 0755);
    EXPECT_EQ(open.how, verdict::warn);
    EXPECT_EQ(open.mend, "chown root: /run/delvegate && chmod 755 /run/delvegate");
    EXPECT_NE(open.text.find("uid 998"), std::string::npos) << open.text;
}

TEST(doctor, dlvs_that_others_reach) {
    EXPECT_EQ(judge_exposed({}).how, verdict::ok);
    EXPECT_EQ(judge_exposed({{}, 2, false}).how, verdict::ok);
    EXPECT_EQ(judge_exposed({{}, 2, true}).how, verdict::warn);
    const auto found = judge_exposed({{{17, 0, "/usr/bin/dlv", {"0.0.0.0:2345"}, false, false}}, 1, false});
    EXPECT_EQ(found.how, verdict::fail);
    EXPECT_NE(found.text.find("pid 17"), std::string::npos);
    EXPECT_NE(found.text.find("0.0.0.0:2345"), std::string::npos);
    EXPECT_TRUE(found.mend.starts_with("kill 17;"));
    const auto starting = judge_exposed({{{17, 0, "/usr/bin/dlv", {"0.0.0.0:2345"}, false, false}, {18, 0, "/usr/bin/dlv", {":1"}, true, true}}, 2, true});
    EXPECT_TRUE(starting.mend.starts_with("kill 17 18 (that ends what dlv 18 has started, too); ")) << starting.mend;
}

TEST(doctor, ptrace) {
    EXPECT_EQ(judge_ptrace(-1, 0).how, verdict::ok);
    EXPECT_EQ(judge_ptrace(1, 0).how, verdict::ok);
    EXPECT_EQ(judge_ptrace(2, 0).how, verdict::warn);
    EXPECT_EQ(judge_ptrace(3, 0).how, verdict::fail);
    EXPECT_EQ(judge_ptrace(1, EPERM).how, verdict::fail);
}

TEST(doctor, clocks) {
    EXPECT_EQ(judge_skew(noon_date, noon, noon).how, verdict::ok);
    EXPECT_EQ(judge_skew(noon_date, noon - 5, noon + 5).how, verdict::ok);
    EXPECT_EQ(judge_skew(noon_date, noon + 20, noon + 20).how, verdict::ok);
    const auto behind = judge_skew(noon_date, noon + 3600, noon + 3600);
    EXPECT_EQ(behind.how, verdict::warn);
    EXPECT_NE(behind.text.find("3600 s behind"), std::string::npos) << behind.text;
    EXPECT_NE(judge_skew(noon_date, noon - 3600, noon - 3600).text.find("3600 s ahead"), std::string::npos);
    EXPECT_EQ(judge_skew("", noon, noon).how, verdict::skipped);
    EXPECT_EQ(judge_skew("yesterday", noon, noon).how, verdict::skipped);
}

TEST(doctor, policy_that_admits_nobody) {
    component_config app, web;
    app.name = "app";
    web.name = "web";
    const auth::policy none;
    EXPECT_EQ(judge_policy(none, {app}, "policy.yaml").how, verdict::fail);
    EXPECT_EQ(judge_policy(none, {}, "").how, verdict::fail);
    const auto one = none.with_component("app", {"alice"}, {});
    EXPECT_EQ(judge_policy(one, {app}, "").how, verdict::ok);
    const auto partly = judge_policy(one, {app, web}, "");
    EXPECT_EQ(partly.how, verdict::warn);
    EXPECT_NE(partly.text.find("web"), std::string::npos);
    auth::policy_binding nobody{*auth::built_in_role("admin"), {}, {}, {"*"}, {}};
    EXPECT_EQ(judge_policy(auth::policy({}, {nobody}), {app}, "").how, verdict::fail);
}

TEST(doctor, who_holds_a_port) {
    EXPECT_EQ(judge_port({"::", 7443}, {}, {}).how, verdict::ok);
    EXPECT_EQ(judge_port({"::", 7443}, {}, {true, 1, {}}).how, verdict::warn);
    // One of this very process, which is no gateway.
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in where{};
    where.sin_family = AF_INET;
    where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof where;
    ASSERT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&where), size), 0);
    ASSERT_EQ(::listen(fd, 1), 0);
    ASSERT_EQ(::getsockname(fd, reinterpret_cast<sockaddr*>(&where), &size), 0);
    struct stat info {};
    ASSERT_EQ(::fstat(fd, &info), 0);
    const auto port = ntohs(where.sin_port);
    const std::vector<launcher::tcp_listener> here{{"127.0.0.1", port, true, info.st_ino}};
    const auto found = judge_port({"127.0.0.1", port}, here, {});
    EXPECT_EQ(found.how, verdict::fail);
    EXPECT_NE(found.text.find("pid " + std::to_string(::getpid())), std::string::npos) << found.text;
    // All addresses are in the way of each, and one is not in the way of another.
    for (const std::string all : {"0.0.0.0", "::", "localhost", "::ffff:127.0.0.1", ""}) EXPECT_EQ(judge_port({all, port}, here, {}).how, verdict::fail) << all;
    for (const std::string one : {"127.0.0.2", "::1"}) EXPECT_EQ(judge_port({one, port}, here, {}).how, verdict::ok) << one;
    EXPECT_EQ(judge_port({"127.0.0.2", port}, {{"0.0.0.0", port, false, info.st_ino}}, {}).how, verdict::fail);
    EXPECT_EQ(judge_port({"127.0.0.1", port}, {{"::", port, false, info.st_ino}}, {}).how, verdict::fail);
    EXPECT_EQ(judge_port({"127.0.0.2", port}, {{"::", port, false, info.st_ino}}, {}).how, verdict::ok);  // as the kernel says: IPv6 only
    EXPECT_EQ(judge_port({"127.0.0.1", static_cast<std::uint16_t>(port - 1)}, here, {}).how, verdict::ok);
    // The gateway's, by its pid; a `connect` by its name and user, and this is none.
    EXPECT_EQ(judge_port({"127.0.0.1", port}, here, {true, ::getpid(), {}}).how, verdict::ok);
    EXPECT_EQ(judge_port({"127.0.0.1", port}, here, {true, ::getppid(), {}}).how, verdict::fail);
    EXPECT_EQ(judge_port({"127.0.0.1", port}, here, {false, ::getpid(), {}}).how, verdict::fail);
    EXPECT_EQ(judge_port({"127.0.0.1", port}, here, {false, 0, ::getuid()}).how, verdict::fail);
    ::close(fd);
    EXPECT_EQ(judge_port({"127.0.0.1", port}, here, {}).how, verdict::warn);
}

TEST(doctor, components_that_are_out) {
    using protocol::json;
    EXPECT_EQ(judge_out(json::object{{"name", "a"}, {"state", "available"}, {"detached", false}}).how, verdict::ok);
    EXPECT_EQ(judge_out(json::object{{"name", "a"}, {"state", "running"}, {"detached", true}, {"by", "root"}}).how, verdict::ok);
    EXPECT_EQ(judge_out(json::object{{"name", "a"}, {"state", "failed"}}).how, verdict::warn);
    const auto left = judge_out(json::object{{"name", "a"}, {"state", "not_put_back"}, {"notes", json::array{json("two versions")}}});
    EXPECT_EQ(left.how, verdict::fail);
    EXPECT_EQ(left.mend, "delvegate restore a");
    EXPECT_NE(left.text.find("two versions"), std::string::npos);
}

TEST(doctor, a_certificate_and_its_key) {
    const support::trusted_directory place;
    const std::string ca = place / "ca";
    ASSERT_TRUE(auth::ensure_ca(ca, "doctor"));
    const auto now = static_cast<long long>(::time(nullptr));
    const auto issued = [&](const std::string& name, std::chrono::seconds lifetime, std::chrono::seconds starts_in = {}) {
        auth::leaf_request request;
        request.common_name = name;
        request.lifetime = lifetime;
        request.starts_in = starts_in;
        auth::tls_files files;
        files.certificate = place / (name + ".crt");
        files.key = place / (name + ".key");
        EXPECT_TRUE(auth::issue(ca, request, files.certificate, files.key));
        return files;
    };
    const auto good = issued("good", std::chrono::hours(48));
    EXPECT_EQ(judge_pair("certificate", good, "renew", now).how, verdict::ok);
    EXPECT_EQ(judge_pair("certificate", good, "renew", now + 47 * 3600).how, verdict::warn);
    const auto over = judge_pair("certificate", good, "renew", now + 49 * 3600);
    EXPECT_EQ(over.how, verdict::fail);
    EXPECT_EQ(over.mend, "renew");
    EXPECT_NE(judge_pair("certificate", issued("later", std::chrono::hours(48), std::chrono::hours(2)), "renew", now).mend.find("clock"), std::string::npos);
    auto mixed = good;
    mixed.key = issued("other", std::chrono::hours(48)).key;
    EXPECT_NE(judge_pair("certificate", mixed, "renew", now).text.find("not of each other"), std::string::npos);
    ASSERT_EQ(::chmod(good.key.c_str(), 0644), 0);
    const auto open = judge_pair("certificate", good, "renew", now);
    EXPECT_EQ(open.how, verdict::fail);
    EXPECT_NE(open.mend.find("chmod go= " + good.key), std::string::npos);
    EXPECT_EQ(judge_pair("certificate", {place / "none", place / "none", {}, {}, {}}, "renew", now).how, verdict::fail);
}

// Checks by their names.
std::map<std::string, diagnosis> by_name(const diagnoses& all) {
    std::map<std::string, diagnosis> out;
    for (const auto& one : all) out.emplace(one.check, one);
    return out;
}

TEST(doctor, what_a_launcher_that_is_gone_has_left) {
    const support::trusted_directory place;
    node_place where;
    where.gateway.config_file = place / "gateway.yaml";  // there is none
    where.launcher_config = place / "launcher.yaml";
    std::ofstream(where.launcher_config) << "socket: " << place / "launcher.sock" << "\nstateDirectory: " << place / "state" << "\n";
    ::chmod(where.launcher_config.c_str(), 0600);
    auto found = by_name(check_node(where, noon));
    EXPECT_EQ(found.at("launcher.yaml").how, verdict::ok) << found.at("launcher.yaml").text;
    EXPECT_EQ(found.at("launcher").how, verdict::warn);
    EXPECT_EQ(found.at("left behind").how, verdict::skipped);
    EXPECT_EQ(found.at("gateway.yaml").how, verdict::fail);  // it was named
    {
        auto journal = launcher::journal::open(place / "state");
        ASSERT_TRUE(journal) << journal.error();
        found = by_name(check_node(where, noon));
        EXPECT_EQ(found.at("left behind").how, verdict::ok);
        launcher::detachment_start start;
        start.component = "kube-scheduler";
        start.started_by = "alice";
        start.plan_hash = std::string(64, 'a');
        ASSERT_TRUE(journal->begin(start));
    }
    found = by_name(check_node(where, noon));
    EXPECT_EQ(found.at("left behind").how, verdict::fail);
    EXPECT_EQ(found.at("left behind").mend, "delvegate restore kube-scheduler");
    std::ofstream(where.launcher_config) << "sockt: x\n";
    found = by_name(check_node(where, noon));
    EXPECT_EQ(found.at("launcher.yaml").how, verdict::fail);
}

TEST(doctor, configurations_that_were_named_must_be_there) {
    const support::trusted_directory place;
    node_place where;
    where.gateway.runtime_directory = place / "run";
    where.launcher_config = place / "launcher.yaml";
    auto found = by_name(check_node(where, noon));
    EXPECT_EQ(found.at("launcher.yaml").how, verdict::skipped);
    EXPECT_EQ(found.count("left behind"), 1u);  // looked for all the same
    where.launcher_named = true;
    where.gateway = {};
    where.gateway.config_file = place / "gateway.yaml";
    found = by_name(check_node(where, noon));
    EXPECT_EQ(found.at("launcher.yaml").how, verdict::fail);
    EXPECT_EQ(found.at("gateway.yaml").how, verdict::fail);
    // Components of the launcher's need one.
    where.launcher_named = false;
    std::ofstream(where.gateway.config_file) << "runtimeDirectory: " << place / "run"
                                             << "\ncomponents: [{name: kube-proxy, kind: launcher}, {name: web, kind: connect, address: \"127.0.0.1:1\"}]\n";
    found = by_name(check_node(where, noon));
    EXPECT_EQ(found.at("gateway.yaml").how, verdict::ok) << found.at("gateway.yaml").text;
    EXPECT_EQ(found.at("launcher.yaml").how, verdict::fail);
    EXPECT_NE(found.at("launcher.yaml").text.find("kube-proxy"), std::string::npos) << found.at("launcher.yaml").text;
    EXPECT_EQ(found.at("launcher.yaml").text.find("web"), std::string::npos) << found.at("launcher.yaml").text;
}

TEST(doctor, what_a_gateway_tells_of_itself) {
    const auto found = [](const char* status) { return by_name(judge_status(*protocol::parse_json(status))); };
    auto all = found(R"({"components":[
        {"name":"app","kind":"exec","state":"unavailable","reason":"there is no dlv"},
        {"name":"proxy","kind":"launcher","state":"unknown","launcher":{"state":"unknown","trouble":"no launcher answers"}},
        {"name":"web","kind":"launcher","state":"available","launcher":{"state":"available","trouble":"it has gone"}},
        {"name":"left","kind":"launcher","state":"not_put_back","launcher":{"state":"not_put_back"}},
        {"name":"fine","kind":"launcher","state":"available","reason":"not taken out","launcher":{"state":"available"}},
        {"name":"busy","kind":"exec","state":"running"}]})");
    for (const auto* down : {"app", "proxy", "web", "left"}) EXPECT_EQ(all.at(std::string("component ") + down).how, verdict::fail) << down;
    EXPECT_NE(all.at("component app").text.find("there is no dlv"), std::string::npos);
    EXPECT_NE(all.at("component proxy").text.find("no launcher answers"), std::string::npos);
    EXPECT_NE(all.at("component proxy").mend.find("systemctl start delvegate-launcher"), std::string::npos);
    EXPECT_EQ(all.at("component left").mend, "delvegate restore left");
    for (const auto* up : {"fine", "busy"}) EXPECT_EQ(all.at(std::string("component ") + up).how, verdict::ok) << up;
    EXPECT_EQ(all.count("audit"), 0u);

    all = found(R"({"audit":{"file":"/a","ok":true,"trouble":"","records":7,"lost":0,"refused":0,"anchored":7,"anchorTrouble":""}})");
    EXPECT_EQ(all.at("audit").how, verdict::ok);
    EXPECT_EQ(all.at("anchors").how, verdict::ok);
    all = found(R"({"audit":{"file":"/a","ok":false,"trouble":"No space left on device","lost":2,"anchorTrouble":"no journal"}})");
    EXPECT_EQ(all.at("audit").how, verdict::fail);
    EXPECT_NE(all.at("audit").text.find("No space left on device"), std::string::npos);
    EXPECT_EQ(all.at("anchors").how, verdict::warn);
    EXPECT_NE(all.at("anchors").text.find("no journal"), std::string::npos);
    EXPECT_EQ(found(R"({"audit":{"file":"/a","ok":true,"lost":2}})").at("audit").how, verdict::warn);
    EXPECT_EQ(found(R"({"audit":{"file":"/a","ok":true,"trouble":"the file could not be rotated"}})").at("audit").how, verdict::warn);
    EXPECT_EQ(found(R"({"audit":{"file":"/a","ok":true,"anchored":0}})").at("anchors").how, verdict::skipped);
    EXPECT_EQ(found(R"({"audit":{"file":"off"}})").at("audit").how, verdict::skipped);

    EXPECT_EQ(found(R"({"trust":{"files":[{"name":"policy","error":"half written"},{"name":"x"}],"warnings":["soon"]}})").at("in effect").how, verdict::fail);
    EXPECT_EQ(found(R"({"trust":{"files":[],"warnings":["soon"]}})").at("in effect").how, verdict::warn);
    EXPECT_TRUE(found(R"({"components":[1,{}],"audit":3,"trust":[]})").count("component ") == 1);
}

TEST(doctor, kubectl_is_mended_by_what_it_says) {
    const auto mend = [](const std::string& why) { return kubectl_mend(why, "/etc/kubernetes/admin.conf"); };
    EXPECT_TRUE(mend("kubectl is not installed, and a DaemonSet is reached by it only: install it").starts_with("apt install"));
    EXPECT_NE(mend("").find("`kubeconfig` of the component"), std::string::npos);
    for (const auto* why : {"The connection to the server localhost:8080 was refused - did you specify the right host or port?",
                            "Unable to connect to the server: dial tcp: lookup api: no such host"})
        EXPECT_NE(mend(why).find("is the API server up"), std::string::npos) << why;
    for (const auto* why : {"error: You must be logged in to the server (Unauthorized)",
                            "Unable to connect to the server: x509: certificate has expired or is not yet valid"})
        EXPECT_NE(mend(why).find("is not let in"), std::string::npos) << why;
    EXPECT_TRUE(mend("/etc/kubernetes/admin.conf is not used: it belongs to uid 7").starts_with("as it says"));
    EXPECT_EQ(mend("it failed without a word").find("apt"), std::string::npos);
}

TEST(doctor, dlv_that_is_not_there) {
    const auto found = check_dlv("app", "/nonexistent/dlv", "");
    EXPECT_EQ(found.how, verdict::fail);
    EXPECT_TRUE(found.mend.starts_with("go install "));
}

}  // namespace
