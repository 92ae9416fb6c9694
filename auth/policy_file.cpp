#include "auth/policy_file.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <initializer_list>
#include <optional>
#include <set>
#include <sstream>

#include "auth/glob.h"
#include "storage/trusted_file.h"

namespace auth {
namespace {

using protocol::class_set;
using protocol::op_class;

struct fault {
    YAML::Mark where;
    std::string what;
};

std::string place(const std::string& file, const YAML::Mark& mark) {
    if (mark.is_null()) return file;
    return file + ":" + std::to_string(mark.line + 1) + ":" + std::to_string(mark.column + 1);
}

// Looks at the text before anything is built from it: what a policy never needs is where a few bytes
// could become millions of nodes, or one text be read in two ways.
class gate final : public YAML::EventHandler {
public:
    explicit gate(const policy_limits& limits) : limits_(limits) {}

    void OnDocumentStart(const YAML::Mark& mark) override {
        if (++documents_ > 1) throw fault{mark, "a policy is one document"};
    }
    void OnDocumentEnd() override {}
    void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override { node(mark, {}, anchor); }
    void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
        throw fault{mark, "anchors and aliases are not taken"};
    }
    void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  const std::string&) override {
        node(mark, tag, anchor);
    }
    void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                         YAML::EmitterStyle::value) override {
        enter(mark, tag, anchor);
    }
    void OnSequenceEnd() override { --depth_; }
    void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                    YAML::EmitterStyle::value) override {
        enter(mark, tag, anchor);
    }
    void OnMapEnd() override { --depth_; }

private:
    void enter(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
        node(mark, tag, anchor);
        if (++depth_ > limits_.depth) throw fault{mark, "nested too deeply"};
    }
    void node(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
        // YAML's own: "?" is no tag at all, "!" one of a quoted scalar.
        if (!tag.empty() && tag != "?" && tag != "!") throw fault{mark, "tags are not taken"};
        if (anchor != YAML::NullAnchor) throw fault{mark, "anchors and aliases are not taken"};
        if (++nodes_ > limits_.nodes) throw fault{mark, "too many entries"};
    }

    const policy_limits& limits_;
    std::size_t documents_ = 0, depth_ = 0, nodes_ = 0;
};

std::string joined(const std::vector<std::string>& names) {
    std::string text;
    for (const auto& name : names) text += (text.empty() ? "" : ", ") + name;
    return text;
}

std::optional<op_class> class_named(std::string_view name) {
    for (auto c : {op_class::observe, op_class::read, op_class::trace, op_class::breakpoint,
                   op_class::control, op_class::mutate, op_class::files, op_class::lifecycle})
        if (to_string(c) == name) return c;
    return std::nullopt;
}

bool is_operation(std::string_view glob) {
    constexpr std::string_view prefix = "RPCServer.";
    const auto& table = protocol::operation_table();
    return std::any_of(table.begin(), table.end(), [&](const protocol::operation_row& row) {
        const auto name = row.name.starts_with(prefix) ? row.name.substr(prefix.size()) : row.name;
        return glob_match(glob, name);
    });
}

// Every key of a policy: what is read, what an error lists, and what the documentation says.
struct policy_key {
    std::string_view above;  // whose member it is; empty: the file's
    std::string_view name;
    std::string_view kind;
    bool required = false;
    std::string_view sentence;
};
constexpr policy_key policy_keys[]{
    {"", "roles", "list of roles", false, "Roles beside the built-in ones."},
    {"", "bindings", "list of bindings", true, "Who has which role where. `[]` admits nobody."},
    {"roles[]", "name", "text", true, "What bindings call it; no built-in role's name, and no other's."},
    {"roles[]", "classes", "list of classes", false, "What it grants, whole classes at a time."},
    {"roles[]", "allow", "list of globs of operations", false, "Single operations it grants, whatever classes they have."},
    {"roles[]", "deny", "list of globs of operations", false, "Operations it refuses, whatever else grants them."},
    {"bindings[]", "role", "text", true, "A built-in role, or one of `roles`."},
    {"bindings[]", "users", "list of text", false, "Users (certificate CN, or SPIFFE ID), byte for byte. Users or groups must be given."},
    {"bindings[]", "groups", "list of text", false, "Groups (certificate O), byte for byte."},
    {"bindings[]", "components", "list of globs", true, "Components it is for; `[\"*\"]` is all of them."},
};

std::vector<std::string> keys_of(std::string_view above) {
    std::vector<std::string> out;
    for (const auto& key : policy_keys)
        if (key.above == above) out.emplace_back(key.name);
    return out;
}

class reader {
public:
    reader(const std::string& file, const policy_limits& limits) : file_(file), limits_(limits) {}

    policy read(const YAML::Node& root) {
        if (!root.IsMap()) fail(root, "a policy is a map with the keys roles and bindings");
        const auto keys = map(root, "the policy", keys_of(""));
        if (const auto* node = keys.find("roles"))
            for (const auto& item : list(*node, "roles", limits_.roles)) role(item);
        const auto* node = keys.find("bindings");
        if (!node) fail(root, "a policy needs `bindings`; `bindings: []` admits nobody");
        for (const auto& item : list(*node, "bindings", limits_.bindings)) binding(item);
        return policy(std::move(roles_), std::move(bindings_));
    }

private:
    struct members {
        std::vector<std::pair<std::string, YAML::Node>> all;
        const YAML::Node* find(std::string_view key) const {
            for (const auto& [name, value] : all)
                if (name == key) return &value;
            return nullptr;
        }
    };

    [[noreturn]] static void fail(const YAML::Node& where, std::string what) {
        throw fault{where.Mark(), std::move(what)};
    }

    static members map(const YAML::Node& node, const std::string& what,
                       const std::vector<std::string>& known) {
        if (!node.IsMap()) fail(node, what + " must be a map of keys");
        members out;
        for (const auto& entry : node) {
            if (!entry.first.IsScalar()) fail(entry.first, "a key must be a name");
            const std::string key = entry.first.Scalar();
            if (std::find(known.begin(), known.end(), key) == known.end())
                fail(entry.first, "unknown key \"" + shown(key) + "\"; there are " + joined(known));
            if (out.find(key)) fail(entry.first, "`" + key + "` is given twice");
            out.all.emplace_back(key, entry.second);
        }
        return out;
    }

    static std::vector<YAML::Node> list(const YAML::Node& node, const std::string& key,
                                        std::size_t most) {
        if (!node.IsSequence()) fail(node, "`" + key + "` must be a list, such as [a, b]");
        if (node.size() > most)
            fail(node, "`" + key + "` has more than " + std::to_string(most) + " entries");
        return {node.begin(), node.end()};
    }

    // One that is safe to print: a policy's own errors end up on terminals too.
    static std::string shown(std::string_view text) {
        std::string out;
        for (const char c : text.substr(0, 64)) {
            const auto byte = static_cast<unsigned char>(c);
            out += byte < 0x20 || byte == 0x7f ? '?' : c;
        }
        return text.size() > 64 ? out + "…" : out;
    }

    static std::string word(const YAML::Node& node, const std::string& key, std::size_t most) {
        if (!node.IsScalar()) fail(node, "`" + key + "` must be text");
        const std::string text = node.Scalar();
        if (text.empty()) fail(node, "`" + key + "` has an empty name");
        if (text.size() > most)
            fail(node, "`" + key + "` has a name of more than " + std::to_string(most) + " bytes");
        if (!protocol::valid_utf8(text)) fail(node, "`" + key + "` has a name that is not UTF-8");
        for (const char c : text)
            if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
                fail(node, "`" + key + "` has a name with control characters");
        return text;
    }

    std::vector<std::string> words(const members& from, const std::string& key, std::size_t most) const {
        std::vector<std::string> out;
        const auto* node = from.find(key);
        if (!node) return out;
        std::set<std::string> seen;
        for (const auto& item : list(*node, key, limits_.names)) {
            out.push_back(word(item, key, most));
            if (!seen.insert(out.back()).second)
                fail(item, "`" + key + "` names \"" + shown(out.back()) + "\" twice");
        }
        return out;
    }

    std::vector<std::string> operations(const members& from, const std::string& key) const {
        const auto globs = words(from, key, limits_.glob);
        for (std::size_t i = 0; i < globs.size(); ++i)
            if (!is_operation(globs[i]))
                fail((*from.find(key))[i],
                     "`" + key + "` names no operation: \"" + shown(globs[i]) +
                         "\"; `delvegate policy operations` lists them");
        return globs;
    }

    void role(const YAML::Node& node) {
        const auto keys = map(node, "a role", keys_of("roles[]"));
        const auto* name = keys.find("name");
        if (!name) fail(node, "a role needs a `name`");
        policy_role made;
        made.name = word(*name, "name", limits_.name);
        made.where = place(file_, node.Mark());
        if (built_in_role(made.name))
            fail(*name, "role \"" + made.name + "\" is built in and cannot be defined anew");
        for (const auto& other : roles_)
            if (other.name == made.name) fail(*name, "role \"" + shown(made.name) + "\" is defined twice");
        const auto classes = words(keys, "classes", limits_.name);
        for (std::size_t i = 0; i < classes.size(); ++i) {
            const auto c = class_named(classes[i]);
            if (!c)
                fail((*keys.find("classes"))[i],
                     "unknown class \"" + shown(classes[i]) +
                         "\"; there are observe, read, trace, breakpoint, control, mutate, files, "
                         "lifecycle");
            made.classes.add(*c);
        }
        made.allow = operations(keys, "allow");
        made.deny = operations(keys, "deny");
        if (made.classes.empty() && made.allow.empty() && made.deny.empty())
            fail(node, "role \"" + shown(made.name) + "\" neither grants nor denies anything");
        roles_.push_back(std::move(made));
    }

    void binding(const YAML::Node& node) {
        const auto keys = map(node, "a binding", keys_of("bindings[]"));
        const auto* name = keys.find("role");
        if (!name) fail(node, "a binding needs a `role`");
        policy_binding made;
        made.where =
            place(file_, node.Mark()) + ", binding " + std::to_string(bindings_.size() + 1);
        const std::string wanted = word(*name, "role", limits_.name);
        const auto* found = built_in_role(wanted);
        for (const auto& custom : roles_)
            if (custom.name == wanted) found = &custom;
        if (!found) {
            std::vector<std::string> known;
            for (const auto& one : built_in_roles()) known.push_back(one.name);
            for (const auto& one : roles_) known.push_back(shown(one.name));
            fail(*name, "unknown role \"" + shown(wanted) + "\"; there are " + joined(known));
        }
        made.role = *found;
        made.users = words(keys, "users", limits_.name);
        made.groups = words(keys, "groups", limits_.name);
        for (const char* key : {"users", "groups"})
            if (const auto* names = keys.find(key))
                for (const auto& item : *names)
                    if (item.Scalar() == "*")
                        fail(item, std::string("`") + key + "` are names, not globs; \"*\" would be "
                                   "nobody. Bind a group that everybody is in");
        if (made.users.empty() && made.groups.empty())
            fail(node, "a binding needs `users` or `groups`");
        made.components = words(keys, "components", limits_.glob);
        if (made.components.empty())
            fail(node, "a binding needs `components`; [\"*\"] is all of them");
        bindings_.push_back(std::move(made));
    }

    const std::string& file_;
    const policy_limits& limits_;
    std::vector<policy_role> roles_;
    std::vector<policy_binding> bindings_;
};

// Whether the last line that says anything is the document's end mark.
bool is_whole(std::string_view text) {
    const auto last = text.find_last_not_of(" \t\r\n");
    if (last == text.npos) return false;
    text = text.substr(0, last + 1);
    const auto start = text.rfind('\n');
    return text.substr(start == text.npos ? 0 : start + 1) == "...";
}

outcome<policy> refused(std::string why) { return {boost::system::in_place_error, std::move(why)}; }

}  // namespace

outcome<policy> parse_policy(std::string_view text, const std::string& file,
                             const policy_limits& limits) {
    if (text.size() > limits.file)
        return refused(file + ": longer than " + std::to_string(limits.file) + " bytes");
    if (text.find('\0') != text.npos) return refused(file + ": has a NUL byte; is it half written?");
    if (!protocol::valid_utf8(text)) return refused(file + ": is not UTF-8");
    try {
        gate checks(limits);
        std::istringstream in{std::string(text)};
        YAML::Parser parser(in);
        while (parser.HandleNextDocument(checks)) {
        }
        if (!is_whole(text))
            return refused(file + ": is only half written, or lacks its last line, which is `...`");
        return reader(file, limits).read(YAML::Load(std::string(text)));
    } catch (const fault& wrong) {
        return refused(place(file, wrong.where) + ": " + wrong.what);
    } catch (const YAML::Exception& error) {
        return refused(place(file, error.mark) + ": not valid YAML: " + error.msg);
    } catch (const std::exception& error) {
        return refused(file + ": not valid YAML: " + error.what());
    }
}

outcome<policy> read_policy(const std::string& file, const policy_limits& limits) {
    const auto text = storage::read_trusted(file, limits.file);
    if (!text) return refused(text.error());
    return parse_policy(*text, file, limits);
}

std::string policy_reference() {
    std::string out = "| key | value | needed | meaning |\n|---|---|---|---|\n";
    for (const auto& key : policy_keys)
        out += "| `" + std::string(key.above) + (key.above.empty() ? "" : ".") + std::string(key.name) + "` | " + std::string(key.kind) +
               " | " + (key.required ? "yes" : "–") + " | " + std::string(key.sentence) + " |\n";
    const policy_limits most;
    return out + "\nAt most: " + std::to_string(most.file / 1024) + " KiB, " + std::to_string(most.roles) + " roles, " +
           std::to_string(most.bindings) + " bindings, " + std::to_string(most.names) + " names a list, names of " +
           std::to_string(most.name) + " and globs of " + std::to_string(most.glob) + " bytes.\n";
}

}  // namespace auth
