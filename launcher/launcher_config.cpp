#include "launcher/launcher_config.h"

#include <pwd.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <set>
#include <utility>

#include "launcher/config_values.h"
#include "launcher/launcher_config_table.h"
#include "storage/trusted_file.h"

namespace launcher {
namespace {

constexpr std::size_t max_file = 1024 * 1024;
constexpr std::size_t max_components = 64;

// The first error wins; after it nothing is read any more.
class reader {
public:
    explicit reader(const std::string& file) : file_(file) {}

    launcher_config read(const YAML::Node& root) {
        launcher_config out;
        std::vector<std::string_view> known{"components"};
        for (const auto& key : launcher_keys()) known.push_back(key.name);
        if (!root.IsNull())
            each(root, "the file", known, [&](const std::string& key, const YAML::Node& where, const YAML::Node& value) {
                if (key == "components")
                    components(out, value);
                else
                    set(out, launcher_keys(), key, where, value);
            });
        return out;
    }

    launcher_config salvage(const YAML::Node& root) {
        launcher_config out;
        if (!root.IsMap()) return out;
        for (const auto& entry : root) {
            if (!entry.first.IsScalar()) continue;
            const auto& keys = launcher_keys();
            const std::string key = entry.first.Scalar();
            const bool known = std::any_of(keys.begin(), keys.end(), [&](const auto& one) { return one.name == key; });
            error_.clear();
            if (known) set(out, keys, key, entry.first, entry.second);
            if (key != "components" || !entry.second.IsSequence()) continue;
            for (const auto& each : entry.second) {
                error_.clear();
                auto one = component(each);
                if (ok() && out.components.size() < max_components && clash_of(out, one).empty()) out.components.push_back(std::move(one));
            }
        }
        error_.clear();
        return out;
    }

    bool ok() const { return error_.empty(); }
    const std::string& error() const { return error_; }

private:
    void fail(const YAML::Node& where, const std::string& what) {
        if (!ok()) return;
        const YAML::Mark mark = where.Mark();
        error_ = file_;
        if (!mark.is_null()) error_ += ":" + std::to_string(mark.line + 1) + ":" + std::to_string(mark.column + 1);
        error_ += ": " + what;
    }

    template <class Take>
    void each(const YAML::Node& node, const std::string& what, const std::vector<std::string_view>& known, const Take& take) {
        if (!node.IsMap()) return fail(node, what + " must be a map of keys");
        std::set<std::string> seen;
        for (const auto& entry : node) {
            if (!ok()) return;
            if (!entry.first.IsScalar()) return fail(entry.first, "a key must be a name");
            const std::string key = entry.first.Scalar();
            if (!seen.insert(key).second) return fail(entry.first, "`" + key + "` is given twice");
            if (std::find(known.begin(), known.end(), key) == known.end()) {
                const std::string near = nearest_name(key, known);
                return fail(entry.first, "unknown key `" + key + "`" + (near.empty() ? "" : "; did you mean `" + near + "`?"));
            }
            take(key, entry.first, entry.second);
        }
    }

    std::string text(const std::string& key, const YAML::Node& value) {
        if (value.IsScalar() && value.Scalar().find('\0') == std::string::npos) return value.Scalar();
        fail(value, "`" + key + "` must be one piece of text");
        return {};
    }

    template <class Target>
    void set(Target& to, const std::vector<config_key<Target>>& keys, const std::string& key, const YAML::Node&,
             const YAML::Node& value) {
        const auto row = std::find_if(keys.begin(), keys.end(), [&key](const auto& one) { return one.name == key; });
        std::vector<std::string> items;
        if (row->list) {
            if (!value.IsSequence()) return fail(value, "`" + key + "` must be a list, such as [a, b]");
            for (const auto& item : value) items.push_back(text(key, item));
        } else {
            items.push_back(text(key, value));
        }
        if (!ok()) return;
        const std::string fault = row->set(to, items);
        if (!fault.empty()) fail(value, "`" + key + "`" + (fault.front() == ':' ? "" : " ") + fault);
    }

    void components(launcher_config& out, const YAML::Node& value) {
        if (!value.IsSequence()) return fail(value, "`components` must be a list");
        if (value.size() > max_components)
            return fail(value, "`components` has more than " + std::to_string(max_components) + " entries");
        for (const auto& entry : value) {
            if (!ok()) return;
            component_definition one = component(entry);
            if (!ok()) return;
            if (const auto clash = clash_of(out, one); !clash.empty()) return fail(entry, clash);
            out.components.push_back(std::move(one));
        }
    }

    component_definition component(const YAML::Node& entry) {
        component_definition out;
        std::vector<std::string_view> known;
        for (const auto& key : component_keys()) known.push_back(key.name);
        std::vector<std::pair<std::string, YAML::Node>> given;
        each(entry, "a component", known, [&](const std::string& key, const YAML::Node& where, const YAML::Node& value) {
            set(out, component_keys(), key, where, value);
            given.emplace_back(key, where);
        });
        if (!ok()) return out;
        if (out.name.empty()) fail(entry, "a component needs a `name`");
        for (const auto& [key, where] : given)
            if (const auto kinds = kinds_of_key(key); !kinds.empty() && !std::ranges::count(kinds, out.kind))
                fail(where, "`" + key + "` belongs to kind " + names_of(kinds) + ", and `" + out.name + "` is of kind " +
                                std::string(to_string(out.kind)));
        const bool ceiling_given = std::ranges::any_of(given, [](const auto& one) { return one.first == "ceiling"; });
        if (const auto fault = settle(out, ceiling_given); ok() && !fault.empty()) fail(entry, "`" + out.name + "` " + fault);
        return out;
    }

    const std::string& file_;
    std::string error_;
};

outcome<launcher_config> failed(std::string why) { return outcome<launcher_config>(boost::system::in_place_error, std::move(why)); }

std::string one_line(std::string text) {
    std::replace(text.begin(), text.end(), '\n', ' ');
    return text;
}

template <class Target>
std::string example_of(const config_key<Target>& key) {
    return std::string(key.name) + ": " + (key.fallback.empty() ? std::string(key.example) : key.fallback) + "\n";
}

}  // namespace

const component_definition* launcher_config::find(std::string_view name) const {
    for (const auto& one : components)
        if (one.name == name) return &one;
    return nullptr;
}

outcome<launcher_config> parse_launcher_config(std::string_view text, const std::string& file) {
    try {
        const YAML::Node root = YAML::Load(std::string(text));
        reader in(file);
        launcher_config out = in.read(root);
        if (!in.ok()) return failed(in.error());
        return out;
    } catch (const YAML::Exception& error) {
        const auto& mark = error.mark;
        return failed(file + (mark.is_null() ? "" : ":" + std::to_string(mark.line + 1) + ":" + std::to_string(mark.column + 1)) +
                      ": " + one_line(error.msg));
    }
}

outcome<launcher_config> read_launcher_config(const std::string& file) {
    const auto bytes = storage::read_root_file(file, max_file);
    if (!bytes) return failed(bytes.error());
    return parse_launcher_config(*bytes, file);
}

launcher_config salvage_launcher_config(const std::string& file) {
    const auto bytes = storage::read_root_file(file, max_file);
    if (!bytes) return {};
    try {
        return reader(file).salvage(YAML::Load(*bytes));
    } catch (const YAML::Exception&) {
        return {};  // not even YAML
    }
}

std::string default_launcher_config_text() {
    std::string out =
        "# Configuration of `delvegate launcher`, root's. What is shown is the default; a key may be left out.\n"
        "# Durations: 10s, 15m, 12h, 7d. Bytes: 65536, 64MiB, 1GiB. Paths are absolute.\n";
    for (const auto& key : launcher_keys())
        out += "\n# " + std::string(key.sentence) + "\n# (" + std::string(key.kind) + ")\n" + example_of(key);
    out += "\n# What may be taken out on this node; none by default. One entry, with every key:\ncomponents: []\n";
    bool first = true;
    for (const auto& key : component_keys()) {
        out += "#     # " + std::string(key.sentence) + " (" + std::string(key.kind) + ")\n";
        out += (std::exchange(first, false) ? "#   - " : "#     ") + example_of(key);
    }
    return out;
}

std::string launcher_config_reference() {
    const auto row = [](std::string_view prefix, const auto& key) {
        return "| `" + std::string(prefix) + std::string(key.name) + "` | " + std::string(key.kind) + " | " +
               (key.fallback.empty() ? "–" : "`" + key.fallback + "`") + " | " + std::string(key.sentence) + " |\n";
    };
    const std::string head = "| key | value | default | meaning |\n|---|---|---|---|\n";
    std::string out = "### The launcher\n\n" + head;
    for (const auto& key : launcher_keys()) out += row("", key);
    out += "\n### What it may take out\n\n" + head;
    for (const auto& key : component_keys()) out += row("components[].", key);
    return out;
}

std::vector<uid_t> gateway_uids_of(const launcher_config& configuration) {
    std::vector<uid_t> out = configuration.gateway_uids;
    std::vector<char> room(16 * 1024);
    passwd entry{};
    passwd* found = nullptr;
    if (::getpwnam_r(configuration.gateway_user.c_str(), &entry, room.data(), room.size(), &found) == 0 && found)
        out.push_back(found->pw_uid);
    std::erase(out, uid_t{0});
    return out;
}

std::string_view to_string(component_kind kind) {
    switch (kind) {
        case component_kind::static_pod: return "static-pod";
        case component_kind::systemd: return "systemd";
        case component_kind::daemon_set: return "daemon-set";
        case component_kind::attach: return "attach";
        case component_kind::core: return "core";
    }
    return "static-pod";
}

std::optional<component_kind> kind_named(std::string_view text) {
    for (const auto kind : {component_kind::static_pod, component_kind::daemon_set, component_kind::systemd,
                            component_kind::attach, component_kind::core})
        if (to_string(kind) == text) return kind;
    return std::nullopt;
}

std::string_view to_string(remote_start remote) {
    switch (remote) {
        case remote_start::never: return "never";
        case remote_start::armed: return "armed";
        case remote_start::always: return "always";
    }
    return "never";
}

}  // namespace launcher
