#include "gateway/config.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "gateway/config_table.h"

namespace gateway {
namespace {

launcher::outcome<config> parse(const std::string& text) { return parse_config(text, "gateway.yaml", "/etc/delvegate"); }

std::string error_of(const std::string& text) {
    const auto parsed = parse(text);
    return parsed ? "accepted" : parsed.error();
}

TEST(config, an_empty_file_is_all_defaults) {
    const auto parsed = parse("");
    ASSERT_TRUE(parsed) << parsed.error();
    ASSERT_EQ(parsed->listen.size(), 1u);
    EXPECT_EQ(to_string(parsed->listen[0]), "[::]:7443");
    EXPECT_TRUE(parsed->components.empty());
    EXPECT_EQ(parsed->state_directory, default_state_directory());
}

TEST(config, reads_every_key) {
    const auto parsed = parse(R"(
listen: ["127.0.0.1:0", "[::1]:7443", node1:7444]
certificate: gateway.crt
key: /secret/gateway.key
clientCA: clients.crt
stateDirectory: /var/lib/x
runtimeDirectory: /run/x
logLevel: warn
logFormat: json
limits: {handshakeTime: 500ms, connections: 7, viewerBuffer: 2MiB, drainTime: 0s, linkIdleTime: 2d}
components:
  - name: scheduler
    users: [alice, "bob smith"]
    groups: [sre]
    binary: bin/kube-scheduler
    args: [--v=4, ""]
    env: {GOTRACEBACK: all, PORT: 8080}
    workingDirectory: /srv
    user: nobody
    dlv: /usr/local/bin/dlv
    stopOnEntry: false
    memoryLimit: 512MiB
    maxViewers: 3
  - {name: other, kind: connect, address: "127.0.0.1:2345"}
)");
    ASSERT_TRUE(parsed) << parsed.error();
    EXPECT_EQ(parsed->listen.size(), 3u);
    EXPECT_EQ(to_string(parsed->listen[1]), "[::1]:7443");
    EXPECT_EQ(parsed->listen[2].host, "node1");
    EXPECT_EQ(parsed->certificate, "/etc/delvegate/gateway.crt");  // beside the file
    EXPECT_EQ(parsed->key, "/secret/gateway.key");
    EXPECT_EQ(parsed->log_level, "warn");
    EXPECT_EQ(parsed->log_format, "json");
    EXPECT_EQ(parsed->bounds.handshake_time, std::chrono::milliseconds(500));
    EXPECT_EQ(parsed->bounds.connections, 7u);
    EXPECT_EQ(parsed->bounds.viewer_buffer, 2u << 20);
    EXPECT_EQ(parsed->bounds.drain_time.count(), 0);
    EXPECT_EQ(parsed->bounds.link_idle_time, std::chrono::hours(48));
    EXPECT_EQ(parsed->bounds.handshakes, limits{}.handshakes);
    ASSERT_EQ(parsed->components.size(), 2u);
    const auto& first = parsed->components[0];
    EXPECT_EQ(first.name, "scheduler");
    EXPECT_EQ(first.users, (std::vector<std::string>{"alice", "bob smith"}));
    EXPECT_EQ(first.groups, std::vector<std::string>{"sre"});
    EXPECT_EQ(first.exec.binary, "/etc/delvegate/bin/kube-scheduler");
    EXPECT_EQ(first.exec.args, (std::vector<std::string>{"--v=4", ""}));
    ASSERT_EQ(first.exec.env.size(), 2u);
    EXPECT_EQ(first.exec.env[1], (std::pair<std::string, std::string>{"PORT", "8080"}));
    EXPECT_EQ(first.exec.working_directory, "/srv");
    EXPECT_EQ(first.exec.user, "nobody");
    EXPECT_EQ(first.exec.dlv, "/usr/local/bin/dlv");
    EXPECT_FALSE(first.stop_on_entry);
    EXPECT_EQ(first.exec.memory_limit, 512u << 20);
    EXPECT_EQ(first.max_viewers, 3u);
    EXPECT_EQ(parsed->components[1].how, component_config::kind::connect);
    EXPECT_EQ(parsed->components[1].address.port, 2345);
}

struct wrong {
    const char* text;
    const char* error;  // what the line begins with, or has in it behind "..."
};

TEST(config, every_error_is_one_line_with_its_place) {
    const wrong all[] = {
        {"certifcate: x\n", "gateway.yaml:1:1: unknown key `certifcate`; did you mean `certificate`?"},
        {"\n\n  clientca: x\n", "gateway.yaml:3:3: unknown key `clientca`; did you mean `clientCA`?"},
        {"zzzzzzzzzzzz: x\n", "gateway.yaml:1:1: unknown key `zzzzzzzzzzzz`"},
        {"limits:\n  handshakTime: 3s\n", "gateway.yaml:2:3: unknown key `handshakTime`; did you mean `handshakeTime`?"},
        {"limits: {handshakeTime: 3}\n", "gateway.yaml:1:25: `handshakeTime`: \"3\" is not a duration"},
        {"limits: {handshakeTime: 0s}\n", "gateway.yaml:1:25: `handshakeTime` must be longer than nothing"},
        {"limits: {handshakeTime: -1s}\n", "gateway.yaml:1:25: `handshakeTime`: \"-1s\" is not a duration"},
        {"limits: {connections: many}\n", "gateway.yaml:1:23: `connections` must be a number above zero"},
        {"limits: {connections: 1KiB}\n", "gateway.yaml:1:23: `connections` must be a number above zero"},
        {"limits: {streamsPerLink: 2001}\n", "gateway.yaml:1:26: `streamsPerLink` must be at most 2000"},
        {"limits: {connections: 0}\n", "gateway.yaml:1:23: `connections` must be a number above zero"},
        {"limits: {viewerBuffer: 99999999999GiB}\n", "gateway.yaml:1:24: `viewerBuffer` must be a size above zero"},
        {"limits: [1]\n", "gateway.yaml:1:9: `limits` must be a map of keys"},
        {"listen: 7443\n", "gateway.yaml:1:9: `listen` must be a list"},
        {"listen: []\n", "gateway.yaml:1:9: `listen` names no address"},
        {"listen: [nonsense]\n", "gateway.yaml:1:9: `listen`: \"nonsense\" is not HOST:PORT"},
        {"listen: [\"::1:7443\"]\n", "gateway.yaml:1:9: `listen`: \"::1:7443\" is not HOST:PORT"},
        {"listen: [\"h:70000\"]\n", "gateway.yaml:1:9: `listen`: \"h:70000\" is not HOST:PORT"},
        {"logLevel: loud\n", "gateway.yaml:1:11: `logLevel` is one of debug, info, warn, error; not \"loud\""},
        {"logLevel: [info]\n", "gateway.yaml:1:11: `logLevel` must be one piece of text"},
        {"logLevel: info\nlogLevel: warn\n", "gateway.yaml:2:1: `logLevel` is given twice"},
        {"certificate: a\n", "gateway.yaml:1:1: certificate, key and clientCA go together"},
        {"certificate: \"\"\n", "gateway.yaml:1:14: `certificate` must not be empty"},
        {"- a\n", "gateway.yaml:1:1: the file must be a map of keys"},
        {"a: [\n", "gateway.yaml:"},
        {"components: {}\n", "gateway.yaml:1:13: `components` must be a list"},
        {"components: [x]\n", "gateway.yaml:1:14: a component must be a map of keys"},
        {"components: [{binary: /b}]\n", "gateway.yaml:1:14: a component needs a `name`"},
        {"components: [{name: A, binary: /b}]\n", "gateway.yaml:1:21: `name` must be of lower-case letters"},
        {"components: [{name: a}]\n", "gateway.yaml:1:14: component a needs a `binary`"},
        {"components: [{name: a, kind: attach}]\n", "gateway.yaml:1:30: `kind` is one of exec, connect, launcher; not \"attach\""},
        {"components: [{name: a, kind: connect}]\n", "gateway.yaml:1:14: component a needs an `address`"},
        {"components: [{name: a, kind: connect, address: \"10.0.0.1:2345\"}]\n", "gateway.yaml:1:48: `address`: "},
        {"components: [{name: a, kind: connect, address: \"127.0.0.1:1\", binary: /b}]\n",
         "gateway.yaml:1:71: `binary` belongs to kind exec"},
        {"components: [{name: a, binary: /b, address: \"127.0.0.1:1\"}]\n",
         "gateway.yaml:1:45: `address` belongs to kind connect"},
        {"components: [{name: a, binary: /b}, {name: a, binary: /c}]\n",
         "gateway.yaml:1:44: two components are called a"},
        {"components: [{name: a, binary: /b, args: --v}]\n", "gateway.yaml:1:42: `args` must be a list"},
        {"components: [{name: a, binary: /b, users: [\"\"]}]\n", "gateway.yaml:1:44: `users` must not be empty"},
        {"components: [{name: a, binary: /b, env: [A]}]\n", "gateway.yaml:1:41: `env` must be a map"},
        {"components: [{name: a, binary: /b, env: {\"A=B\": c}}]\n", "gateway.yaml:1:42: \"A=B\" is not a name"},
        {"components: [{name: a, binary: /b, stopOnEntry: yes}]\n",
         "gateway.yaml:1:49: `stopOnEntry` is one of true, false; not \"yes\""},
        {"components: [{name: a, binary: /b, memoryLimit: 4GB}]\n", "gateway.yaml:1:49: `memoryLimit`: \"4GB\" is not a size"},
        {"components: [{name: a, binary: /b, maxViewers: 0}]\n", "gateway.yaml:1:48: `maxViewers` must be a number above zero"},
        {"components: [{name: a, kind: launcher, binary: /b}]\n",
         "gateway.yaml:1:48: `binary` is not for kind launcher"},
        {"components: [{name: a, kind: launcher, stopBudget: 9s}]\n",
         "gateway.yaml:1:52: `stopBudget` is not for kind launcher"},
        {"components: [{name: a, binary: /b, stopBudget: 9}]\n",
         "gateway.yaml:1:48: `stopBudget`: \"9\" is not a duration"},
        {"components: [{name: a, binary: /b, stopBudget: 9ms}]\n",
         "gateway.yaml:1:48: `stopBudget` must be between 100ms and 1d"},
        {"components: [{name: a, binary: /b, duty: 9s}]\n",
         "gateway.yaml:1:14: component a has a `duty` and no `stopBudget`"},
        {"components: [{name: a, kind: launcher, park: 9s}]\n", "gateway.yaml:1:46: `park` is not for kind launcher"},
        {"components: [{name: a, binary: /b, park: 8d}]\n", "gateway.yaml:1:42: `park` must be of whole seconds, at most 7d"},
        {"components: [{name: a, binary: /b, park: 1500ms}]\n", "gateway.yaml:1:42: `park` must be of whole seconds"},
        {"components: [{name: a, binnary: /b}]\n", "gateway.yaml:1:24: unknown key `binnary`; did you mean `binary`?"},
    };
    for (const auto& one : all) {
        const std::string error = error_of(one.text);
        EXPECT_TRUE(error.starts_with(one.error)) << one.text << " gave: " << error;
        EXPECT_EQ(error.find('\n'), std::string::npos) << error;
    }
}

TEST(config, a_component_of_the_launcher_is_a_name_and_its_people) {
    const auto read = parse_config("launcherSocket: launcher.sock\ncomponents: [{name: kube-scheduler, kind: launcher, groups: [sre]}, "
                                   "{name: a, binary: /b, stopBudget: 8s}]\n", "gateway.yaml", "/etc/delvegate");
    ASSERT_TRUE(read) << read.error();
    EXPECT_EQ(read->launcher_socket, "/etc/delvegate/launcher.sock");
    EXPECT_EQ(read->components[0].how, component_config::kind::launcher);
    EXPECT_FALSE(read->components[0].budget.any());
    EXPECT_EQ(read->components[1].budget.damage, std::chrono::seconds(8));
    EXPECT_EQ(read->components[1].budget.whole_duty(), std::chrono::seconds(2));
}

TEST(config, a_stop_may_be_parked_for_an_hour_where_there_is_no_budget) {
    const auto read = parse_config("components: [{name: a, binary: /b}, {name: b, binary: /b, stopBudget: 8s}, {name: c, binary: /b, "
                                   "stopBudget: 8s, park: 10m}, {name: d, binary: /b, park: 0s}, {name: e, kind: connect, "
                                   "address: \"127.0.0.1:1\", park: 2h}]\n", "gateway.yaml", "/etc/delvegate");
    ASSERT_TRUE(read) << read.error();
    const int minutes[] = {60, 0, 10, 0, 120};
    for (std::size_t i = 0; i < 5; ++i) EXPECT_EQ(read->components[i].longest_park(), std::chrono::minutes(minutes[i])) << i;
}

TEST(config, how_long_who_set_a_breakpoint_comes_first) {
    const auto read = parse_config("components: [{name: a, binary: /b}, {name: b, binary: /b, batonFirst: 0s}, {name: c, kind: launcher, "
                                   "batonFirst: 5m}]\n", "gateway.yaml", "/etc/delvegate");
    ASSERT_TRUE(read) << read.error();
    const int seconds[] = {30, 0, 300};
    for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(read->components[i].baton.first_right, std::chrono::seconds(seconds[i])) << i;
    EXPECT_NE(error_of("components: [{name: a, binary: /b, batonFirst: 61m}]\n").find("`batonFirst` must be at most 1h"), std::string::npos);
}

TEST(config, of_what_is_kept_for_others_there_may_be_nothing) {
    const auto read = parse_config("limits: {outputKept: 0, followers: 3, followersPerUser: 2}\n", "gateway.yaml", "/etc/delvegate");
    ASSERT_TRUE(read) << read.error();
    EXPECT_EQ(read->bounds.output_kept, 0u);
    EXPECT_EQ(read->bounds.followers, 3u);
    EXPECT_EQ(read->bounds.followers_per_user, 2u);
    EXPECT_NE(error_of("limits: {followers: 0}\n").find("`followers` must be a number above zero"), std::string::npos);
}

TEST(config, names_are_dns_labels) {
    for (const char* good : {"a", "kube-scheduler", "0", "a0-b"}) EXPECT_TRUE(is_dns_label(good)) << good;
    for (const char* bad : {"", "A", "a.b", "-a", "a-", "a_b", "a b", "\xc3\xa4"}) EXPECT_FALSE(is_dns_label(bad)) << bad;
    EXPECT_TRUE(is_dns_label(std::string(63, 'a')));
    EXPECT_FALSE(is_dns_label(std::string(64, 'a')));
}

TEST(config, durations_and_sizes_come_back_as_written) {
    for (const char* text : {"1ms", "500ms", "10s", "15m", "12h", "7d", "1500ms"}) {
        const auto parsed = parse_duration(text);
        ASSERT_TRUE(parsed) << text;
        EXPECT_EQ(format_duration(*parsed), text);
    }
    for (const char* text : {"1", "4096KiB", "1025", "64KiB", "4MiB", "1GiB"}) {
        const auto parsed = parse_size(text);
        ASSERT_TRUE(parsed) << text;
        EXPECT_EQ(*parse_size(format_size(*parsed)), *parsed);
    }
    for (const char* bad : {"", "s", "1 s", "1.5s", "+1s", "1S", "0x1s", "18446744073709551616s", "9223372036854775807d"})
        EXPECT_FALSE(parse_duration(bad)) << bad;
    for (const char* bad : {"", "KiB", "1kb", "1 KiB", "-1", "18446744073709551615"}) EXPECT_FALSE(parse_size(bad)) << bad;
}

TEST(config, what_is_printed_as_default_is_the_default) {
    const auto parsed = parse(default_config_text());
    ASSERT_TRUE(parsed) << parsed.error();
    const config defaults = *parse("");
    for (const limit_key& key : limit_keys())
        EXPECT_EQ(format_limit(key, parsed->bounds), format_limit(key, defaults.bounds)) << key.name;
    EXPECT_EQ(to_string(parsed->listen.at(0)), to_string(defaults.listen.at(0)));
    EXPECT_EQ(parsed->state_directory, defaults.state_directory);
    EXPECT_EQ(parsed->runtime_directory, defaults.runtime_directory);
    EXPECT_EQ(parsed->log_level, defaults.log_level);
    EXPECT_EQ(parsed->log_format, defaults.log_format);
    EXPECT_EQ(parsed->certificate, "");
}

// The example of a component is commented out; without its marks it is read, too.
TEST(config, every_component_key_of_the_default_text_is_read) {
    std::istringstream lines(default_config_text());
    std::string example = "components:\n";
    bool inside = false;
    for (std::string line; std::getline(lines, line);) {
        if (line == "components: []") {
            inside = true;
            continue;
        }
        if (inside) example += line.substr(1) + "\n";
    }
    // One that belongs to the other kind is refused by name; without it all is well.
    EXPECT_NE(error_of(example).find("`address` belongs to kind connect"), std::string::npos) << error_of(example);
    const auto parsed = parse(example.substr(0, example.rfind("     address")));
    ASSERT_TRUE(parsed) << parsed.error() << example;
    ASSERT_EQ(parsed->components.size(), 1u);
    const component_config defaults;
    EXPECT_EQ(parsed->components[0].stop_on_entry, defaults.stop_on_entry);
    EXPECT_EQ(parsed->components[0].max_viewers, defaults.max_viewers);
    EXPECT_EQ(parsed->components[0].exec.memory_limit, defaults.exec.memory_limit);
    EXPECT_EQ(parsed->components[0].exec.dlv, defaults.exec.dlv);
}

TEST(config, paths_are_taken_from_where_the_file_is) {
    char pattern[] = "/tmp/delvegate-config-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern), nullptr);
    const std::filesystem::path directory = pattern;
    std::ofstream(directory / "gateway.yaml") << "components: [{name: a, binary: ./app}]\n";
    const auto parsed = read_config((directory / "gateway.yaml").string());
    ASSERT_TRUE(parsed) << parsed.error();
    EXPECT_EQ(parsed->components.at(0).exec.binary, directory.string() + "/./app");
    std::filesystem::remove_all(directory);
    const auto missing = read_config((directory / "gateway.yaml").string());
    ASSERT_FALSE(missing);
    EXPECT_NE(missing.error().find("cannot be read"), std::string::npos);
}

}  // namespace
}  // namespace gateway
