#include "auth/policy.h"

#include <algorithm>
#include <utility>

#include "auth/glob.h"

namespace auth {

using protocol::class_set;
using protocol::op_class;

class policy_tables {
public:
    std::vector<policy_role> roles;  // custom
    std::vector<policy_binding> bindings;
};

namespace {

constexpr std::size_t most_named = 3;  // people or roles in one sentence

constexpr class_set all_classes{op_class::observe,    op_class::read,    op_class::trace,
                                op_class::breakpoint, op_class::control, op_class::mutate,
                                op_class::files,      op_class::lifecycle};

bool lists(const std::vector<std::string>& names, std::string_view name) {
    return !name.empty() && std::find(names.begin(), names.end(), name) != names.end();
}

bool any_glob(const std::vector<std::string>& globs, std::string_view text) {
    return std::any_of(globs.begin(), globs.end(),
                       [&](const std::string& glob) { return glob_match(glob, text); });
}

class_set with(class_set all, class_set more) {
    all.add(more);
    return all;
}

// "a", "a or b", "a, b or c".
std::string either(const std::vector<std::string>& names) {
    std::string text;
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (i > 0) text += i + 1 == names.size() ? " or " : ", ";
        text += names[i];
    }
    return text;
}

// What an operation without a class needs: nobody gets anything for nothing.
class_set at_least_observe(class_set needs) {
    return needs.empty() ? class_set{op_class::observe} : needs;
}

}  // namespace

const std::vector<policy_role>& built_in_roles() {
    static const std::vector<policy_role> roles = [] {
        class_set has{op_class::observe};
        std::vector<policy_role> all;
        const auto add = [&](const char* name, class_set more) {
            has = with(has, more);
            all.push_back({name, has, {}, {}, {}});
        };
        add("observer", {});
        add("reader", {op_class::read});
        add("tracer", {op_class::trace});
        add("debugger", {op_class::breakpoint, op_class::control});
        add("developer", {op_class::mutate});
        add("admin", all_classes);
        return all;
    }();
    return roles;
}

const policy_role* built_in_role(std::string_view name) {
    for (const auto& role : built_in_roles())
        if (role.name == name) return &role;
    return nullptr;
}

policy::policy() : tables_(std::make_shared<policy_tables>()) {}

policy::policy(std::vector<policy_role> custom_roles, std::vector<policy_binding> bindings) {
    auto tables = std::make_shared<policy_tables>();
    tables->roles = std::move(custom_roles);
    tables->bindings = std::move(bindings);
    tables_ = std::move(tables);
}

policy policy::with_component(std::string_view name, const std::vector<std::string>& users,
                              const std::vector<std::string>& groups) const {
    if (users.empty() && groups.empty()) return *this;
    auto all = tables_->bindings;
    // A component's name is a DNS label, so as a glob it matches itself and nothing else.
    all.push_back({*built_in_role("admin"), users, groups, {std::string(name)},
                   "gateway.yaml component " + std::string(name)});
    return policy(tables_->roles, std::move(all));
}

const std::vector<policy_role>& policy::roles() const { return tables_->roles; }
const std::vector<policy_binding>& policy::bindings() const { return tables_->bindings; }

grants policy::of(const identity& who, std::string_view component) const {
    grants g;
    g.tables_ = tables_;
    g.component_ = component;
    g.user_ = who.user;
    // Without a user there is no identity to admit, whatever groups it claims.
    if (who.user.empty() || component.empty()) return g;
    for (const auto& b : tables_->bindings) {
        std::string as;
        if (lists(b.users, who.user)) as = "user " + who.user;
        for (const auto& group : who.groups)
            if (as.empty() && lists(b.groups, group)) as = "group " + group;
        if (as.empty() || !any_glob(b.components, component)) continue;
        g.classes_ = with(g.classes_, b.role.classes);
        g.sees_ = g.sees_ || !b.role.classes.empty() || !b.role.allow.empty();
        g.matches_.push_back({&b, std::move(as)});
    }
    return g;
}

const grants::match* grants::denies(std::string_view operation) const {
    for (const auto& m : matches_)
        if (any_glob(m.binding->role.deny, operation)) return &m;
    return nullptr;
}

const grants::match* grants::permits(std::string_view operation) const {
    for (const auto& m : matches_)
        if (any_glob(m.binding->role.allow, operation)) return &m;
    return nullptr;
}

std::string grants::roles() const {
    std::vector<std::string_view> names;
    for (const auto& m : matches_)
        if (std::find(names.begin(), names.end(), m.binding->role.name) == names.end()) names.push_back(m.binding->role.name);
    std::string out;
    for (const auto name : names) out += (out.empty() ? "" : ", ") + std::string(name);
    return out;
}

bool grants::same_as(const grants& other) const {
    return std::equal(matches_.begin(), matches_.end(), other.matches_.begin(), other.matches_.end(),
                      [](const match& a, const match& b) {
                          const auto& mine = a.binding->role;
                          const auto& theirs = b.binding->role;
                          return mine.classes == theirs.classes && mine.allow == theirs.allow &&
                                 mine.deny == theirs.deny;
                      });
}

bool grants::allows(std::string_view operation, class_set needs) const {
    if (!sees_ || denies(operation)) return false;
    return at_least_observe(needs).within(classes_) || permits(operation);
}

std::string grants::rule_of(const match& m) const {
    return m.binding->where + ": role " + m.binding->role.name + " for " + m.as;
}

decision grants::decide(std::string_view operation, class_set needs) const {
    needs = at_least_observe(needs);
    decision d;
    const auto refused = [&](class_set missing, std::string rule) {
        d.missing = missing;
        d.rule = std::move(rule);
        d.remedy = remedy(operation, needs);
        return d;
    };
    if (matches_.empty())
        return refused(needs, "no binding names " + (user_.empty() ? "anybody" : user_) +
                                  " or a group of theirs for " + component_);
    if (const auto* m = denies(operation))
        return refused({}, rule_of(*m) + " denies " + std::string(operation));
    if (const auto* m = permits(operation)) {
        d.allowed = true;
        d.rule = rule_of(*m) + " allows " + std::string(operation);
        return d;
    }
    if (!needs.within(classes_)) {
        std::string rule;
        for (const auto& m : matches_) rule += (rule.empty() ? "" : "; ") + rule_of(m);
        return refused(needs.without(classes_), "not given by " + rule);
    }
    d.allowed = true;
    // One binding that gives all, or else those that together do.
    for (const auto& m : matches_)
        if (needs.within(m.binding->role.classes)) {
            d.rule = rule_of(m);
            return d;
        }
    class_set left = needs;
    for (const auto& m : matches_) {
        const auto rest = left.without(m.binding->role.classes);
        if (rest == left) continue;
        d.rule += (d.rule.empty() ? "" : "; ") + rule_of(m);
        left = rest;
    }
    return d;
}

std::string grants::remedy(std::string_view operation, class_set needs) const {
    // Custom roles that do, and the least of the built-in ones, each of which has what those before it
    // have.
    std::vector<std::string> roles;
    if (tables_)
        for (const auto& role : tables_->roles) {
            if (roles.size() >= most_named || any_glob(role.deny, operation)) continue;
            if (needs.within(role.classes) || any_glob(role.allow, operation))
                roles.push_back(role.name);
        }
    const auto& ladder = built_in_roles();
    const auto least = std::find_if(ladder.begin(), ladder.end(),
                                    [&](const auto& role) { return needs.within(role.classes); });
    roles.push_back(least->name);
    std::string text = "role " + either(roles);
    if (least + 1 != ladder.end()) text += " or a higher one";
    text += " gives it";

    std::vector<std::string> people;
    const auto name = [&](const std::string& who, const char* prefix) {
        std::string shown = prefix + who;
        if (people.size() < most_named && who != user_ && !lists(people, shown))
            people.push_back(std::move(shown));
    };
    if (tables_)
        for (const auto& b : tables_->bindings) {
            if (!all_classes.within(b.role.classes) || !any_glob(b.components, component_)) continue;
            for (const auto& user : b.users) name(user, "");
            for (const auto& group : b.groups) name(group, "group ");
        }
    text += "; ask " + (people.empty() ? std::string("the gateway's administrator")
                                       : either(people) + ", admin there");
    return text;
}

std::string refusal_text(const decision& d, std::string_view user, std::string_view operation,
                         std::string_view component) {
    std::string text(user);
    text += " may not do ";
    text += operation;
    text += " on ";
    text += component;
    text += d.missing.empty() ? ": it is denied to a role of theirs"
                              : ": it needs " + to_string(d.missing);
    return text + "; " + d.remedy;
}

}  // namespace auth
