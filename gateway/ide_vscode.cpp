// VS Code: an entry of .vscode/launch.json, and one of .vscode/tasks.json that starts `delvegate connect` before it.
#include <algorithm>

#include "gateway/ide.h"
#include "protocol/json.h"
#include "protocol/jsonc_edit.h"

namespace gateway {
namespace {

using protocol::json;
using protocol::jsonc;

constexpr std::string_view folder_variable = "${workspaceFolder}";
constexpr std::string_view launch_prefix = "delvegate: ", task_prefix = "delvegate: connect ";

// A file, the list in it that has an entry of ours, and how that one is known.
struct place {
    const char* file;
    const char* list;
    const char* name;     // the member that names an entry
    const char* version;  // of the file's format
    std::string_view prefix;
    bool launch;
};
constexpr place launch_file{".vscode/launch.json", "configurations", "name", "0.2.0", launch_prefix, true};
constexpr place tasks_file{".vscode/tasks.json", "tasks", "label", "2.0.0", task_prefix, false};

std::string text_of(const jsonc& entry, std::string_view member) {
    const auto* found = entry.find(member);
    return found && found->what == jsonc::kind::string ? found->text : std::string();
}

// The component of an entry that we wrote.
std::string ours(const place& where, const jsonc& entry) {
    const auto name = text_of(entry, where.name);
    if (!name.starts_with(where.prefix)) return {};
    const auto component = name.substr(where.prefix.size());
    const auto* matcher = entry.find("problemMatcher");
    const bool marked = where.launch ? text_of(entry, "preLaunchTask") == std::string(task_prefix) + component
                                     : matcher && text_of(*matcher, "owner") == "delvegate";
    return marked ? component : std::string();
}

json launch_entry(const ide_session& what, const std::string& folder) {
    json::array rules;
    for (const auto& rule : what.rules)
        rules.push_back(json::object{{"from", in_folder(rule.client, folder, folder_variable)}, {"to", rule.server}});
    return json::object{{"name", std::string(launch_prefix) + what.component},
                        {"type", "go"},
                        {"request", "attach"},
                        {"debugAdapter", "dlv-dap"},
                        {"mode", "remote"},
                        {"host", "127.0.0.1"},
                        {"port", static_cast<int>(what.port)},
                        {"substitutePath", std::move(rules)},
                        {"preLaunchTask", std::string(task_prefix) + what.component}};
}

json task_entry(const ide_session& what, const std::string& folder) {
    json::array arguments{"connect", what.component, "--listen", "127.0.0.1:" + std::to_string(what.port)};
    for (const auto& word : what.connect) arguments.push_back(in_folder(word, folder, folder_variable));
    if (!what.source.empty()) {
        arguments.push_back("--source");
        arguments.push_back(in_folder(what.source, folder, folder_variable));
    }
    // A matcher must have a pattern for problems in files; there are none, and this one fits nothing. What begins and
    // ends the waiting for the port is what gateway/connect.cpp prints.
    json matcher = json::object{
        {"owner", "delvegate"},
        {"pattern", json::object{{"kind", "file"}, {"regexp", "(?!)()()"}, {"file", 1}, {"message", 2}}},
        {"background", json::object{{"activeOnStart", true}, {"beginsPattern", "^\\S+ on \\S+ is "}, {"endsPattern", "^ready on "}}}};
    return json::object{{"label", std::string(task_prefix) + what.component},
                        {"type", "process"},
                        {"command", in_folder(what.program, folder, folder_variable)},
                        {"args", std::move(arguments)},
                        {"isBackground", true},
                        {"presentation", json::object{{"reveal", "silent"}, {"panel", "dedicated"}, {"showReuseMessage", false}}},
                        {"problemMatcher", std::move(matcher)}};
}

// A file that has nothing yet.
std::string skeleton(const place& where) {
    return "{\n    \"version\": \"" + std::string(where.version) + "\",\n    \"" + where.list + "\": []\n}\n";
}

// A file's text, read.
struct document {
    document() = default;  // no aggregate: an error's text must not look like one
    std::optional<std::string> was;
    std::string text;
    jsonc root;

    const jsonc& list(const place& where) const { return *root.find(where.list); }
    std::vector<std::string> components(const place& where) const {
        std::vector<std::string> out;
        for (const auto& item : list(where).items)
            if (const auto component = ours(where, item.value); !component.empty()) out.push_back(component);
        return out;
    }
    void become(std::string now) {
        text = std::move(now);
        root = *protocol::read_jsonc(text);  // what we have edited can be read: protocol/jsonc_edit.h
    }
};

or_reason<document> open(const project_files& files, const place& where) {
    const auto failed = [&](const std::string& why) {
        return or_reason<document>(boost::system::in_place_error, files.folder() + "/" + where.file + ": " + why + "; delvegate leaves it alone");
    };
    auto was = files.read(where.file);
    if (!was) return or_reason<document>(boost::system::in_place_error, was.error());
    document out;
    out.was = std::move(*was);
    const bool blank = !out.was || out.was->find_first_not_of(" \t\r\n") == std::string::npos;
    out.text = blank ? skeleton(where) : *out.was;
    auto read = protocol::read_jsonc(out.text);
    if (!read) return failed(read.error());
    out.root = std::move(*read);
    if (out.root.what != jsonc::kind::object) return failed("it is no object");
    if (const auto* version = out.root.find("version"); version && version->text != where.version)
        return failed("its version is not " + std::string(where.version));
    if (!out.root.find(where.list)) out.become(protocol::add_item(out.text, out.root, where.list, json::array{}));
    if (out.list(where).what != jsonc::kind::array) return failed("\"" + std::string(where.list) + "\" is no list");
    return out;
}

// Members that somebody has added to an entry of ours stay.
or_reason<void> enter(document& in, const project_files& files, const place& where, const std::string& component, const json& entry) {
    const auto name = std::string(where.prefix) + component;
    const auto index = [&] {
        const auto& items = in.list(where).items;
        const auto named = [&](const auto& item) { return text_of(item.value, where.name) == name; };
        return static_cast<std::size_t>(std::find_if(items.begin(), items.end(), named) - items.begin());
    };
    const auto at = index();
    if (at == in.list(where).items.size()) {
        in.become(protocol::add_item(in.text, in.list(where), {}, entry));
        return {};
    }
    if (ours(where, in.list(where).items[at].value) != component)
        return or_reason<void>(boost::system::in_place_error, files.folder() + "/" + where.file + " has a \"" + name +
                                                                  "\" that is not delvegate's; give it another name");
    for (const auto& [key, value] : *entry.if_object()) {
        const auto& there = in.list(where).items[at].value;
        const auto* member = there.find(key);
        // Without --map nothing is known of the paths: what is there may be somebody's own.
        if (member && key == "substitutePath" && value.if_array() && value.if_array()->empty()) continue;
        if (!member)
            in.become(protocol::add_item(in.text, there, key, value));
        else if (to_json(*member, in.text) != value)
            in.become(protocol::replace_value(in.text, *member, value));
    }
    return {};
}

class vscode final : public ide {
public:
    or_reason<changes> write(const project_files& files, const ide_session& what) const override {
        using answer = or_reason<changes>;
        auto tasks = open(files, tasks_file);
        if (!tasks) return answer(boost::system::in_place_error, tasks.error());
        auto launch = open(files, launch_file);
        if (!launch) return answer(boost::system::in_place_error, launch.error());
        const bool in_tasks = !tasks->components(tasks_file).empty(), in_launch = !launch->components(launch_file).empty();
        if (const auto done = enter(*tasks, files, tasks_file, what.component, task_entry(what, files.folder())); !done)
            return answer(boost::system::in_place_error, done.error());
        if (const auto done = enter(*launch, files, launch_file, what.component, launch_entry(what, files.folder())); !done)
            return answer(boost::system::in_place_error, done.error());
        // The task first, for the other names it.
        changes out;
        const auto first = files.put(tasks_file.file, tasks->was, tasks->text, in_tasks);
        if (!first) return answer(boost::system::in_place_error, first.error());
        const auto second = files.put(launch_file.file, launch->was, launch->text, in_launch);
        if (!second) return answer(boost::system::in_place_error, second.error());
        return changes{{launch_file.file, *second}, {tasks_file.file, *first}};
    }

    or_reason<changes> remove(const project_files& files, const std::string& component) const override {
        using answer = or_reason<changes>;
        changes out;
        for (const auto& where : {launch_file, tasks_file}) {
            auto file = open(files, where);
            if (!file) return answer(boost::system::in_place_error, file.error());
            const auto& list = file->list(where);
            for (std::size_t index = list.items.size(); index-- > 0;) {
                if (ours(where, list.items[index].value) != component) continue;
                file->become(protocol::remove_item(file->text, list, index));
                // Made for delvegate, and now without anything of anybody's: the entry may have been changed by its user.
                // Where the record of that is lost (another folder by now), a file of which just our beginning is left is ours all the same.
                const bool empty = file->text == skeleton(where) || (file->root.items.size() <= 2 && file->list(where).items.empty() && file->text.find("//") == std::string::npos &&
                                   file->text.find("/*") == std::string::npos && files.made(where.file));
                const auto done = files.take(where.file, file->was, empty ? std::nullopt : std::optional(file->text), !file->components(where).empty());
                if (!done) return answer(boost::system::in_place_error, done.error());
                out.emplace_back(where.file, *done);
                break;
            }
        }
        return out;
    }

    or_reason<std::vector<std::string>> written(const project_files& files) const override {
        std::set<std::string> out;
        for (const auto& where : {launch_file, tasks_file}) {
            const auto file = open(files, where);
            if (!file) return or_reason<std::vector<std::string>>(boost::system::in_place_error, file.error());
            const auto more = file->components(where);
            out.insert(more.begin(), more.end());
        }
        return std::vector<std::string>(out.begin(), out.end());
    }

    std::vector<std::pair<std::string, std::string>> texts(const project_files& files, const ide_session& what) const override {
        const auto shown = [](const place& where, const json& entry) {
            const auto empty = skeleton(where);
            const auto root = *protocol::read_jsonc(empty);
            return std::pair(std::string(where.file), protocol::add_item(empty, *root.find(where.list), {}, entry));
        };
        return {shown(launch_file, launch_entry(what, files.folder())), shown(tasks_file, task_entry(what, files.folder()))};
    }
    std::string heading(const std::string& file) const override { return "// in " + file + "\n"; }

    std::string next(const ide_session& what) const override {
        return "in VS Code, choose \"" + std::string(launch_prefix) + what.component + "\" under Run and Debug, and press F5";
    }

    ide_ports ports(const project_files& files) const override {
        ide_ports out;
        const auto file = open(files, launch_file);
        if (!file) return out;
        for (const auto& item : file->list(launch_file).items) {
            const auto* port = item.value.find("port");
            const auto number = port ? to_json(*port, file->text).as_uint() : std::nullopt;
            if (!number || *number == 0 || *number > 0xFFFF) continue;
            if (const auto component = ours(launch_file, item.value); !component.empty())
                out.ours.emplace(component, static_cast<std::uint16_t>(*number));
            else
                out.others.insert(static_cast<std::uint16_t>(*number));
        }
        return out;
    }
};

}  // namespace

std::unique_ptr<ide> make_vscode() { return std::make_unique<vscode>(); }

}  // namespace gateway
