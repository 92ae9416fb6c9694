// Every way a decision can come out.
#include "auth/policy.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "auth/glob.h"
#include "auth/policy_file.h"
#include "auth/policy_query.h"

namespace auth {
namespace {

using protocol::class_set;
using protocol::op_class;

identity person(std::string user, std::vector<std::string> groups = {}) {
    identity who;
    who.user = std::move(user);
    who.groups = std::move(groups);
    return who;
}

policy of(const std::string& text) {
    auto parsed = parse_policy(text + "...\n", "policy.yaml");
    EXPECT_TRUE(parsed) << (parsed ? "" : parsed.error());
    return parsed ? *parsed : policy();
}

const char* const example = R"(roles:
  - {name: stepper, classes: [observe, control]}
  - {name: peeker, allow: [evaluate, State]}
  - {name: no-calls, deny: ["* call", setVariable]}
bindings:
  - {role: observer, groups: [everybody], components: ["*"]}
  - {role: developer, users: [alice], components: ["kube-*"]}
  - {role: stepper, users: [bob], components: [kube-scheduler]}
  - {role: peeker, users: [eve], components: [kube-scheduler]}
  - {role: no-calls, groups: [interns], components: ["*"]}
  - {role: admin, users: [carol], groups: [sre], components: [kube-scheduler]}
)";

struct given {
    const char* what;
    identity who;
    const char* component;
    const char* operation;
    class_set needs;
    bool allowed;
    class_set missing;
    const char* rule;
};

TEST(policy, decides) {
    const auto rules = of(example);
    const class_set observe{op_class::observe}, read{op_class::read}, control{op_class::control},
        mutate{op_class::mutate};
    const given cases[] = {
        {"a class by a group", person("dan", {"everybody"}), "web", "State", observe, true, {},
         "policy.yaml:6:5, binding 1: role observer for group everybody"},
        {"a class by a user", person("alice"), "kube-proxy", "setVariable", mutate, true, {},
         "policy.yaml:7:5, binding 2: role developer for user alice"},
        {"another component", person("alice"), "etcd", "State", observe, false, observe,
         "no binding names alice or a group of theirs for etcd"},
        {"the glob is anchored", person("alice"), "my-kube-proxy", "State", observe, false, observe,
         "no binding names alice or a group of theirs for my-kube-proxy"},
        {"a class that is missing", person("dan", {"everybody"}), "web", "next", control, false, control,
         "not given by policy.yaml:6:5, binding 1: role observer for group everybody"},
        {"all classes of an operation are needed", person("bob"), "kube-scheduler", "setDataBreakpoints",
         {op_class::read, op_class::breakpoint}, false, {op_class::read, op_class::breakpoint},
         "not given by policy.yaml:8:5, binding 3: role stepper for user bob"},
        {"only what is missing is named", person("bob"), "kube-scheduler", "x",
         {op_class::read, op_class::control}, false, read,
         "not given by policy.yaml:8:5, binding 3: role stepper for user bob"},
        {"a custom role", person("bob"), "kube-scheduler", "next", control, true, {},
         "policy.yaml:8:5, binding 3: role stepper for user bob"},
        {"a single operation with all its classes", person("eve"), "kube-scheduler", "evaluate", read, true, {},
         "policy.yaml:9:5, binding 4: role peeker for user eve allows evaluate"},
        {"and no other of that class", person("eve"), "kube-scheduler", "variables", read, false, read,
         "not given by policy.yaml:9:5, binding 4: role peeker for user eve"},
        {"nor one that begins alike", person("eve"), "kube-scheduler", "evaluate call", mutate, false, mutate,
         "not given by policy.yaml:9:5, binding 4: role peeker for user eve"},
        {"a deny beats a class", person("alice", {"interns"}), "kube-proxy", "evaluate call", mutate, false, {},
         "policy.yaml:10:5, binding 5: role no-calls for group interns denies evaluate call"},
        {"a deny beats admin", person("carol", {"interns"}), "kube-scheduler", "Command call", mutate, false, {},
         "policy.yaml:10:5, binding 5: role no-calls for group interns denies Command call"},
        {"a deny is of its operation only", person("alice", {"interns"}), "kube-proxy", "Set", mutate, true, {},
         "policy.yaml:7:5, binding 2: role developer for user alice"},
        {"admin has everything", person("x", {"sre"}), "kube-scheduler", "Restart", {op_class::lifecycle}, true, {},
         "policy.yaml:11:5, binding 6: role admin for group sre"},
        {"admin of one component only", person("x", {"sre"}), "web", "Restart", {op_class::lifecycle}, false,
         {op_class::lifecycle}, "no binding names x or a group of theirs for web"},
        {"a stranger", person("mallory", {"other"}), "kube-scheduler", "State", observe, false, observe,
         "no binding names mallory or a group of theirs for kube-scheduler"},
        {"no user, whatever the groups", person("", {"sre"}), "kube-scheduler", "State", observe, false, observe,
         "no binding names anybody or a group of theirs for kube-scheduler"},
        {"a user is not a group", person("sre"), "kube-scheduler", "State", observe, false, observe,
         "no binding names sre or a group of theirs for kube-scheduler"},
        {"a group is not a user", person("x", {"carol"}), "kube-scheduler", "State", observe, false, observe,
         "no binding names x or a group of theirs for kube-scheduler"},
        {"names are compared byte for byte", person("Alice"), "kube-proxy", "State", observe, false, observe,
         "no binding names Alice or a group of theirs for kube-proxy"},
        {"an operation without a class is not free", person("mallory"), "kube-scheduler", "x", {}, false, observe,
         "no binding names mallory or a group of theirs for kube-scheduler"},
    };
    for (const auto& c : cases) {
        const auto d = rules.decide(c.who, c.component, c.operation, c.needs);
        EXPECT_EQ(d.allowed, c.allowed) << c.what;
        EXPECT_EQ(to_string(d.missing), to_string(c.missing)) << c.what;
        EXPECT_EQ(d.rule, c.rule) << c.what;
        EXPECT_EQ(d.remedy.empty(), c.allowed) << c.what;
        EXPECT_EQ(rules.of(c.who, c.component).allows(c.operation, c.needs), c.allowed) << c.what;
    }
}

TEST(policy, classes_come_together_from_several_bindings) {
    const auto rules = of(example);
    const auto who = person("bob", {"everybody", "readers"});
    const auto more = of(R"(bindings:
  - {role: reader, groups: [readers], components: ["*"]}
  - {role: debugger, users: [bob], components: [web]}
  - {role: observer, users: [bob], components: [web]}
)");
    const auto d = more.decide(who, "web", "x", {op_class::read, op_class::control});
    EXPECT_TRUE(d.allowed);
    EXPECT_EQ(d.rule, "policy.yaml:3:5, binding 2: role debugger for user bob");
    const auto two = rules.with_component("kube-scheduler", {}, {"readers"});
    EXPECT_TRUE(two.decide(who, "kube-scheduler", "x", {op_class::control, op_class::files}).allowed);
    const auto both = of(R"(roles: [{name: a, classes: [read]}, {name: b, classes: [control]}]
bindings:
  - {role: a, users: [bob], components: [web]}
  - {role: b, users: [bob], components: [web]}
)").decide(who, "web", "x", {op_class::read, op_class::control});
    EXPECT_TRUE(both.allowed);
    EXPECT_EQ(both.rule,
              "policy.yaml:3:5, binding 1: role a for user bob; policy.yaml:4:5, binding 2: role b for user bob");
}

TEST(policy, nobody_without_a_policy) {
    EXPECT_FALSE(policy().decide(person("alice", {"sre"}), "web", "State", {op_class::observe}).allowed);
    EXPECT_FALSE(policy().sees(person("alice"), "web"));
    EXPECT_FALSE(of("bindings: []\n").sees(person("alice"), "web"));
    EXPECT_FALSE(grants().allows("State", {op_class::observe}));
    EXPECT_FALSE(grants().decide("State", {op_class::observe}).allowed);
    EXPECT_FALSE(policy().with_component("web", {}, {}).sees(person("alice"), "web"));
}

TEST(policy, sees_what_grants_anything) {
    const auto rules = of(example);
    EXPECT_TRUE(rules.sees(person("eve"), "kube-scheduler"));  // an operation
    EXPECT_FALSE(rules.sees(person("x", {"interns"}), "kube-scheduler"));  // a deny alone
    EXPECT_EQ(to_string(rules.granted(person("bob", {"everybody"}), "kube-scheduler")), "observe, control");
    EXPECT_TRUE(rules.granted(person("eve"), "kube-scheduler").empty());
}

TEST(policy, a_component_of_the_configuration_lists_admins) {
    const auto both = of(example).with_component("web", {"dan"}, {"ops"});
    const auto d = both.decide(person("dan"), "web", "Restart", {op_class::lifecycle});
    EXPECT_TRUE(d.allowed);
    EXPECT_EQ(d.rule, "gateway.yaml component web: role admin for user dan");
    EXPECT_FALSE(both.sees(person("dan"), "web-2"));
    EXPECT_TRUE(both.decide(person("x", {"ops"}), "web", "next", {op_class::control}).allowed);
    EXPECT_TRUE(both.sees(person("alice"), "kube-proxy"));  // the policy applies as well
    EXPECT_FALSE(both.decide(person("dan", {"interns"}), "web", "Command call", {op_class::mutate}).allowed);
}

TEST(policy, built_in_roles_are_a_ladder) {
    const auto& roles = built_in_roles();
    ASSERT_EQ(roles.size(), 6u);
    for (std::size_t i = 1; i < roles.size(); ++i) {
        EXPECT_TRUE(roles[i - 1].classes.within(roles[i].classes)) << roles[i].name;
        EXPECT_FALSE(roles[i].classes.within(roles[i - 1].classes)) << roles[i].name;
    }
    EXPECT_EQ(to_string(built_in_role("debugger")->classes), "observe, read, trace, breakpoint, control");
    EXPECT_EQ(to_string(built_in_role("admin")->classes),
              "observe, read, trace, breakpoint, control, mutate, files, lifecycle");
    EXPECT_EQ(built_in_role("Admin"), nullptr);
}

TEST(policy, tells_who_can_grant) {
    const auto rules = of(example);
    EXPECT_EQ(rules.decide(person("bob"), "kube-scheduler", "setVariable", {op_class::mutate}).remedy,
              "role developer or a higher one gives it; ask carol or group sre, admin there");
    EXPECT_EQ(rules.decide(person("bob"), "kube-scheduler", "Restart", {op_class::lifecycle}).remedy,
              "role admin gives it; ask carol or group sre, admin there");
    EXPECT_EQ(rules.decide(person("carol", {"interns"}), "kube-scheduler", "Command call", {op_class::mutate}).remedy,
              "role developer or a higher one gives it; ask group sre, admin there");
    // Nobody is admin of this one.
    EXPECT_EQ(rules.decide(person("bob", {"everybody"}), "web", "next", {op_class::control}).remedy,
              "role stepper or debugger or a higher one gives it; ask the gateway's administrator");
    const auto many = policy().with_component("web", {"a", "b", "c", "d"}, {"e"});
    EXPECT_EQ(many.with_component("x", {"z"}, {}).decide(person("z"), "web", "next", {op_class::control}).remedy,
              "role debugger or a higher one gives it; ask a, b or c, admin there");
}

TEST(policy, a_refusal_in_one_line) {
    const auto rules = of(example);
    const auto who = person("alice", {"interns"});
    auto d = rules.decide(who, "kube-proxy", "evaluate call", {op_class::mutate});
    EXPECT_EQ(refusal_text(d, "alice", "evaluate call", "kube-proxy"),
              "alice may not do evaluate call on kube-proxy: it is denied to a role of theirs; role developer or "
              "a higher one gives it; ask the gateway's administrator");
    d = rules.decide(who, "kube-proxy", "Restart", {op_class::lifecycle});
    EXPECT_EQ(refusal_text(d, "alice", "Restart", "kube-proxy"),
              "alice may not do Restart on kube-proxy: it needs lifecycle; role admin gives it; ask the gateway's "
              "administrator");
}

TEST(policy, grants_outlive_their_policy) {
    grants g;
    {
        g = of(example).of(person("alice"), "kube-proxy");
    }
    EXPECT_TRUE(g.allows("Set", {op_class::mutate}));
    EXPECT_EQ(g.decide("Set", {op_class::mutate}).rule,
              "policy.yaml:7:5, binding 2: role developer for user alice");
}

TEST(policy, tells_whether_another_one_decides_alike) {
    const auto before = of(example).of(person("alice", {"interns"}), "kube-proxy");
    // Other people's bindings, places and names do not matter.
    const auto alike = of(R"(roles: [{name: quiet, deny: ["* call", setVariable]}]
bindings:
  - {role: admin, users: [zoe], components: ["*"]}
  - {role: developer, groups: [interns], components: [kube-proxy]}
  - {role: quiet, users: [alice], components: ["*"]}
)").of(person("alice", {"interns"}), "kube-proxy");
    EXPECT_TRUE(before.same_as(alike));
    EXPECT_TRUE(grants().same_as(policy().of(person("alice"), "x")));
    EXPECT_FALSE(before.same_as(grants()));
    const auto without_deny = of("bindings: [{role: developer, users: [alice], components: [kube-proxy]}]\n")
                                  .of(person("alice"), "kube-proxy");
    EXPECT_FALSE(before.same_as(without_deny));
    EXPECT_EQ(before.classes(), without_deny.classes());
    EXPECT_FALSE(of("bindings: [{role: reader, users: [alice], components: [kube-proxy]}]\n")
                     .of(person("alice"), "kube-proxy")
                     .same_as(without_deny));
}

TEST(grants, name_their_roles) {
    const auto both = of("bindings:\n  - {role: tracer, groups: [sre], components: [\"*\"]}\n"
                         "  - {role: developer, users: [alice], components: [kube-*]}\n"
                         "  - {role: tracer, users: [alice], components: [kube-proxy]}\n");
    EXPECT_EQ(both.of(person("alice", {"sre"}), "kube-proxy").roles(), "tracer, developer");
    EXPECT_EQ(both.of(person("alice"), "kube-scheduler").roles(), "developer");
    EXPECT_EQ(both.of(person("bob"), "kube-proxy").roles(), "");
    EXPECT_EQ(grants().roles(), "");
}

TEST(glob, matches) {
    EXPECT_TRUE(glob_match("", ""));
    EXPECT_TRUE(glob_match("*", ""));
    EXPECT_TRUE(glob_match("**", "abc"));
    EXPECT_TRUE(glob_match("a*c*e", "abcde"));
    EXPECT_TRUE(glob_match("a*bc", "abcabc"));
    EXPECT_TRUE(glob_match("?b?", "abc"));
    EXPECT_FALSE(glob_match("?", ""));
    EXPECT_FALSE(glob_match("a", "A"));
    EXPECT_FALSE(glob_match("a*", "ba"));
    EXPECT_FALSE(glob_match("*a", "ab"));
    EXPECT_FALSE(glob_match("", "a"));
    EXPECT_TRUE(glob_match("[a]", "[a]"));  // no classes
    // Would take for ever if every star tried every length.
    EXPECT_FALSE(glob_match("*a*a*a*a*a*a*a*a*a*a*a*a*b", std::string(5000, 'a')));
}

std::string names(std::string_view text) {
    std::string all;
    for (const auto& one : operations_named(text))
        all += (all.empty() ? "" : ", ") + (one.operation.empty() ? "class " + to_string(one.classes) : one.operation);
    return all;
}

TEST(policy_query, finds_what_people_mean) {
    EXPECT_EQ(names("call"), "Command call, evaluate call");
    EXPECT_EQ(names("evaluate call"), "evaluate call");
    EXPECT_EQ(names("continue"), "Command continue, continue");
    EXPECT_EQ(names("RPCServer.Eval"), "Eval");
    EXPECT_EQ(names("setvariable"), "setVariable");
    EXPECT_EQ(names("Disassemble"), "Disassemble, disassemble");
    EXPECT_EQ(names("config"), "evaluate dlv config");
    EXPECT_EQ(names("control"), "class control");
    EXPECT_EQ(names("frobnicate"), "");
    EXPECT_EQ(names(""), "");
    EXPECT_EQ(operations_like("breakpnt"), operations_like("BREAKPNT"));
    EXPECT_FALSE(operations_like("watchpoint").empty());
    EXPECT_LE(operations_like("e").size(), 8u);
}

TEST(policy_query, knows_every_operation_by_the_name_decisions_use) {
    for (const auto& one : all_operations()) {
        const auto found = operations_named(one.operation);
        EXPECT_TRUE(std::any_of(found.begin(), found.end(),
                                [&](const auto& f) { return f.operation == one.operation; }))
            << one.operation;
        EXPECT_FALSE(one.operation.starts_with("RPCServer."));
        // And a policy may name it.
        EXPECT_TRUE(parse_policy("roles: [{name: x, allow: [\"" + one.operation + "\"]}]\nbindings: []\n...\n", "p"))
            << one.operation;
    }
}

}  // namespace
}  // namespace auth
