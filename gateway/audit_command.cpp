#include "gateway/audit_command.h"

#include <sys/stat.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "auth/audit_reader.h"
#include "auth/audit_text.h"
#include "gateway/audit_anchors.h"
#include "gateway/audit_report.h"
#include "gateway/config.h"
#include "gateway/output_option.h"
#include "gateway/usual_state.h"
#include "protocol/printable.h"

namespace gateway {
namespace {

struct arguments {
    std::string path;
    std::string config_file;
    std::string output = "text";
    // verify
    std::string anchor, key, journal_name;
    bool retained = false;
    // show
    std::string user, component, session, since;
    std::vector<std::string> classes, kinds;
    bool follow = false;
};

int complain(const std::string& text, int code) {
    std::fprintf(stderr, "delvegate: %s\n", protocol::printable(text).c_str());
    return code;
}

// The file or directory to read: what was given, or where the configuration has it.
launcher::outcome<std::string> path_of(const arguments& a) {
    using result = launcher::outcome<std::string>;
    if (!a.path.empty()) return result(boost::system::in_place_value, a.path);
    if (a.config_file.empty()) {
        const auto state = find_usual_state();
        if (!state) return result(boost::system::in_place_error, state.error());
        return result(boost::system::in_place_value, audit_file_of(state->audit, state->directory));
    }
    const auto configuration = read_config(a.config_file);
    if (!configuration) return result(boost::system::in_place_error, configuration.error());
    return result(boost::system::in_place_value, audit_file_of(configuration->audit, configuration->state_directory));
}

// The audit as the gateway named it in the journal, and whose it is.
std::string journal_name(const arguments& a, const std::string& path) {
    if (!a.journal_name.empty()) return a.journal_name;
    std::error_code ec;
    std::filesystem::path file = std::filesystem::absolute(path, ec);
    if (std::filesystem::is_directory(file, ec)) file /= "audit.jsonl";
    return file.lexically_normal().native();
}

int verify(const arguments& a) {
    const auto path = path_of(a);
    if (!path) return complain(path.error(), 2);
    auth::audit_chain::expectations what;
    what.retained = a.retained;
    auth::key_ptr key;
    if (!a.key.empty()) {
        auto loaded = auth::load_anchor_key(a.key);
        if (!loaded) return complain(loaded.error(), 2);
        key = std::move(*loaded);
        what.key = key.get();
    }
    if (!a.anchor.empty()) {
        struct stat owner {};
        const bool there = ::stat(path->c_str(), &owner) == 0;
        auto anchors = a.anchor == "journal" ? read_journal_anchors(journal_name(a, *path), there ? owner.st_uid : 0)
                                             : auth::read_anchors(a.anchor);
        // Anchors that were asked for and are not to be had are no reason to call the audit whole.
        if (!anchors) return complain(anchors.error(), 1);
        if (anchors->empty()) return complain("there are no anchors in " + a.anchor, 1);
        what.anchors = std::move(*anchors);
    }
    const auto sum = auth::verify_audit(*path, std::move(what));
    if (!sum) return complain(sum.error(), 1);
    say(a.output, audit_verdict(*path, *sum), audit_verdict_json(*path, *sum));
    return sum->faults.empty() ? 0 : 1;
}

// "2h" ago, or a moment: "2026-11-25", "2026-11-25T20:56:58Z".
bool moment(const std::string& text, std::int64_t& into) {
    if (const auto ago = parse_duration(text)) {
        into = auth::wall_clock() - std::chrono::nanoseconds(*ago).count();
        return true;
    }
    std::string full = text;
    if (full.size() == 10) full += "T00:00:00Z";
    if (full.size() == 20 && full.back() == 'Z') full = full.substr(0, 19) + ".000000000Z";
    const auto time = auth::parse_time(full);
    if (time) into = *time;
    return time.has_value();
}

launcher::outcome<auth::audit_filter> filter_of(const arguments& a) {
    using result = launcher::outcome<auth::audit_filter>;
    auth::audit_filter out{.user = a.user, .component = a.component, .session = a.session};
    if (!a.since.empty() && !moment(a.since, out.since))
        return result(boost::system::in_place_error, "--since takes a duration such as 2h, a day such as 2026-11-25 or a time such as "
                                                     "2026-11-25T20:56:58Z; not \"" + a.since + "\"");
    for (const auto& name : a.kinds) {
        const auto kind = auth::audit_kind_of(name);
        if (!kind) return result(boost::system::in_place_error, "--kind: there is no \"" + name + "\"; see docs/audit.md");
        out.kinds.insert(*kind);
    }
    for (const auto& name : a.classes) {
        bool known = false;
        for (unsigned i = 0; i <= static_cast<unsigned>(protocol::op_class::lifecycle); ++i) {
            const auto one = static_cast<protocol::op_class>(i);
            if (to_string(one) != name) continue;
            out.classes.add(one);
            known = true;
        }
        if (!known) return result(boost::system::in_place_error, "--class: there is no \"" + name + "\"; see docs/audit.md");
    }
    return out;
}

// One line; false when nobody reads any more.
bool print(const arguments& a, const auth::audit_entry& entry) {
    const std::string text = (a.output == "json" ? to_audit_line(entry) : audit_text(entry)) + "\n";
    return std::fputs(text.c_str(), stdout) >= 0 && (!a.follow || std::fflush(stdout) == 0);
}

int show(const arguments& a) {
    const auto filter = filter_of(a);
    if (!filter) return complain(filter.error(), 2);
    const auto path = path_of(a);
    if (!path) return complain(path.error(), 2);
    auto stream = auth::audit_stream::open(*path);
    if (!stream) return complain(stream.error(), 1);
    ::signal(SIGPIPE, SIG_IGN);  // `| head` is no fault
    int code = 0;
    const auto damaged = [&](const std::string& what) {
        code = complain(stream->name() + ":" + std::to_string(stream->line()) + ": " + what, 1);
    };
    for (;;) {
        using step = auth::audit_stream::step;
        const step now = stream->next();
        if (now == step::line) {
            const auto entry = auth::parse_audit_line(stream->text());
            if (!entry) damaged("not a record: " + entry.error());
            else if (filter->takes(*entry) && !print(a, *entry)) return code;
        } else if (now == step::too_long || now == step::incomplete) {
            damaged(now == step::too_long ? "longer than any record" : "the line has no end");
        } else if (now == step::end) {
            if (!a.follow) break;
            std::this_thread::sleep_for(std::chrono::milliseconds(200));
        }
    }
    return std::fflush(stdout) == 0 ? code : 0;
}

constexpr const char* verify_footer = R"(
Finds a record that was changed, removed, moved or copied, and says where. What was cut off at the end, or
written anew as a whole, only anchors show: heads of the chain that the gateway sent elsewhere.

Example:
  delvegate audit verify --anchor journal --public-key /etc/delvegate/audit-anchor.pub

Exit codes: 0 all is well; 1 something is wrong, or could not be read; 2 command line or configuration.)";

constexpr const char* show_footer = R"(
Example:
  delvegate audit show --user alice --class mutate --since 2h --follow

Exit codes: 0 shown; 1 it could not be read, or some lines are no records; 2 command line or configuration.)";

void add_path(CLI::App* command, const std::shared_ptr<arguments>& a) {
    auto* path = command->add_option("FILE", a->path, "The audit: audit.jsonl, its directory, or one rotated file");
    command->add_option("--config", a->config_file, "The configuration of the gateway whose audit it is")
        ->type_name("FILE")
        ->excludes(path);
}

}  // namespace

void add_audit_command(CLI::App& app, int& exit_code) {
    auto* audit = app.add_subcommand("audit", "Read and check what a gateway has recorded");
    audit->footer("\nExample:\n  delvegate audit show --since 1h\n\nEach subcommand has --help with its exit codes.");
    audit->require_subcommand(1);

    const auto v = std::make_shared<arguments>();
    auto* verify_command = audit->add_subcommand("verify", "Check that nothing was changed, removed or reordered");
    verify_command->footer(verify_footer);
    add_path(verify_command, v);
    verify_command->add_option("--anchor", v->anchor, "`journal`, or the file with the anchors")->type_name("WHERE");
    verify_command->add_option("--public-key", v->key, "The signer's key (PEM); only heads signed by it count")->type_name("FILE");
    verify_command->add_option("--journal-name", v->journal_name, "The audit's path as the gateway had it, when it has been moved")
        ->type_name("PATH");
    verify_command->add_flag("--retained", v->retained, "Older files were removed on purpose");
    add_output_option(*verify_command, v->output);
    verify_command->callback([v, &exit_code] { exit_code = verify(*v); });

    const auto s = std::make_shared<arguments>();
    auto* show_command = audit->add_subcommand("show", "Print records");
    show_command->footer(show_footer);
    add_path(show_command, s);
    show_command->add_option("--user", s->user, "Only this user's")->type_name("USER");
    show_command->add_option("--component", s->component, "Only of this component")->type_name("NAME");
    show_command->add_option("--session", s->session, "Only of this session")->type_name("ID");
    show_command->add_option("--since", s->since, "Only from then on: 2h, 2026-11-25 or 2026-11-25T20:56:58Z")->type_name("WHEN");
    show_command->add_option("--class", s->classes, "Only operations of one of these classes")->type_name("CLASS")->allow_extra_args(false)->delimiter(',');
    show_command->add_option("--kind", s->kinds, "Only records of these kinds")->type_name("KIND")->allow_extra_args(false)->delimiter(',');
    show_command->add_flag("--follow", s->follow, "Go on as records are added");
    add_output_option(*show_command, s->output, "text, or json for the lines as they are");
    show_command->callback([s, &exit_code] { exit_code = show(*s); });
}

}  // namespace gateway
