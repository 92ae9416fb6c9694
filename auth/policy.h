// Who may do what: roles (sets of operation classes) bound to users and groups, per component.
//
// Pure: decides from values, knows no files (auth/policy_file.h reads them) and no clock. Safe to share
// between threads, because a policy never changes once it is made; a new one replaces it.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "auth/identity.h"
#include "protocol/operations.h"

namespace auth {

struct policy_role {
    std::string name;
    protocol::class_set classes;
    std::vector<std::string> allow;  // globs of operations granted whole, whatever classes they have
    std::vector<std::string> deny;   // globs of operations refused, whoever else allows them
    std::string where;               // "policy.yaml:3:5"; empty: built in
};

struct policy_binding {
    policy_role role;
    std::vector<std::string> users;       // byte for byte
    std::vector<std::string> groups;      // byte for byte
    std::vector<std::string> components;  // globs
    std::string where;  // "policy.yaml:12:5, binding 2" or "gateway.yaml component NAME"
};

// observer, reader, tracer, debugger, developer, admin (in this order: each has what those before it
// have). Null when it is none of them.
const std::vector<policy_role>& built_in_roles();
const policy_role* built_in_role(std::string_view name);

struct decision {
    bool allowed = false;
    protocol::class_set missing;  // of a refusal; empty when a `deny` decided
    // The rule that decided, in words: "policy.yaml:12:5, binding 2: role debugger for group sre".
    std::string rule;
    // Of a refusal, who can grant it, in words for the person: "role debugger or a higher one gives
    // it; ask carol or group sre, admin there".
    std::string remedy;
};

class policy_tables;

// What one identity has on one component: the bindings that name it, gathered once, asked for every
// message. Keeps its policy alive; a newer policy does not change it.
class grants {
public:
    grants() = default;  // nothing

    // Whether any class or operation is granted: without it the component is not there for this person.
    bool sees() const { return sees_; }
    // Over all bindings, without regard to allow and deny of single operations.
    protocol::class_set classes() const { return classes_; }

    // `operation` is judged.operation. Every class it has is needed; an operation without any needs
    // observe. A deny of any binding wins, then an allow of any binding, then the classes of all.
    bool allows(std::string_view operation, protocol::class_set needs) const;
    // The same with reasons.
    decision decide(std::string_view operation, protocol::class_set needs) const;

    // Their names, each once, in the policy's order: "debugger, db-writer".
    std::string roles() const;

    // Whether both come from the same roles, in the same order: every decision is the same.
    bool same_as(const grants& other) const;

private:
    friend class policy;
    struct match {
        const policy_binding* binding = nullptr;
        std::string as;  // "user alice", "group sre"
    };
    const match* denies(std::string_view operation) const;
    const match* permits(std::string_view operation) const;
    std::string rule_of(const match& m) const;
    std::string remedy(std::string_view operation, protocol::class_set needs) const;

    std::shared_ptr<const policy_tables> tables_;
    std::string component_, user_;
    std::vector<match> matches_;
    protocol::class_set classes_;
    bool sees_ = false;
};

class policy {
public:
    policy();  // nobody may do anything
    policy(std::vector<policy_role> custom_roles, std::vector<policy_binding> bindings);

    // This policy, and `users` and `groups` as admin of exactly the component `name`: what gateway.yaml
    // lists for it. Without users and groups nothing is added.
    policy with_component(std::string_view name, const std::vector<std::string>& users,
                          const std::vector<std::string>& groups) const;

    grants of(const identity& who, std::string_view component) const;

    decision decide(const identity& who, std::string_view component, std::string_view operation,
                    protocol::class_set needs) const {
        return of(who, component).decide(operation, needs);
    }
    protocol::class_set granted(const identity& who, std::string_view component) const {
        return of(who, component).classes();
    }
    bool sees(const identity& who, std::string_view component) const {
        return of(who, component).sees();
    }

    const std::vector<policy_role>& roles() const;  // custom ones
    const std::vector<policy_binding>& bindings() const;

private:
    std::shared_ptr<const policy_tables> tables_;
};

// "alice may not do setVariable on kube-scheduler: it needs mutate; role developer or a higher
// one gives it; ask carol, admin there": one line for the person who was refused.
std::string refusal_text(const decision& d, std::string_view user, std::string_view operation,
                         std::string_view component);

}  // namespace auth
