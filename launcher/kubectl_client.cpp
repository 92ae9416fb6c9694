#include "launcher/kubectl_client.h"

#include <unistd.h>

#include <cstdlib>

#include "launcher/failed.h"
#include "launcher/guarded_path.h"
#include "launcher/run_program.h"

namespace launcher {

namespace {

constexpr std::size_t longest_trouble = 400;
constexpr const char* system_path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

outcome<std::string> find_program(const std::string& program) {
    if (program.find('/') != std::string::npos) return text(program);
    const char* given = std::getenv("PATH");
    const std::string path = given != nullptr && *given != '\0' ? given : system_path;
    for (std::size_t at = 0; at <= path.size();) {
        const auto colon = std::min(path.find(':', at), path.size());
        const auto candidate = path.substr(at, colon - at) + "/" + program;
        if (candidate.front() == '/' && ::access(candidate.c_str(), X_OK) == 0) return text(candidate);
        at = colon + 1;
    }
    return error_text(program + " is not installed, and a DaemonSet is reached by it only: install it, or set `kubectl` in "
                                "launcher.yaml");
}

outcome<protocol::json> read(const std::string& bytes, const std::string& what) {
    // Labels are a map: their keys are not fields of a struct.
    protocol::json_limits limits;
    limits.fold_keys = false;
    auto value = protocol::parse_json(bytes, limits);
    if (!value || !value->is_object()) return failed<protocol::json>(what + ": kubectl's answer is no JSON object");
    return outcome<protocol::json>(boost::system::in_place_value, std::move(*value));
}

}  // namespace

std::string kubectl_trouble(const std::string& errors) {
    // The last line that says so; what comes before it are warnings and retries.
    std::string line, any;
    for (std::size_t at = 0; at < errors.size();) {
        const auto end = std::min(errors.find('\n', at), errors.size());
        const auto each = errors.substr(at, end - at);
        if (!each.empty()) any = each;
        if (each.starts_with("Error") || each.starts_with("error:") || each.starts_with("The ") || each.starts_with("Unable"))
            line = each;
        at = end + 1;
    }
    if (line.empty()) line = any;
    std::string out;
    for (const char c : line) out += static_cast<unsigned char>(c) < ' ' || c == 0x7f ? ' ' : c;
    if (out.size() > longest_trouble) out = out.substr(0, longest_trouble) + "…";
    return out.empty() ? "it failed without a word" : out;
}

// "the server could not find the requested resource" is what kubectl makes of anybody's 404: a proxy's, or of a server that is
// just starting.
bool is_not_found(const std::string& errors) {
    const auto at = errors.find("Error from server (NotFound)");
    if (at == std::string::npos) return false;
    const auto line = errors.substr(at, errors.find('\n', at) - at);
    return line.find("\" not found") != std::string::npos &&
           line.find("could not find the requested resource") == std::string::npos;
}

// Both are root's to trust: what the program does is done as root, and a kubeconfig may name a program to run.
outcome<void> check_roots(const std::string& path) {
    const auto file = open_guarded(path);
    if (!file) return error_text(file.error());
    if (!file->unsafe.empty()) return path + " is not used: " + file->unsafe + (file->mend.empty() ? "" : "; " + file->mend);
    return {};
}

std::string query_text(const std::string& text) {
    static constexpr char digits[] = "0123456789ABCDEF";
    std::string out;
    for (const char c : text) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                           c == '.' || c == '_' || c == '~';
        if (plain) {
            out += c;
            continue;
        }
        out += '%';
        out += digits[static_cast<unsigned char>(c) >> 4];
        out += digits[static_cast<unsigned char>(c) & 15];
    }
    return out;
}

outcome<kubectl_client::answer> kubectl_client::run(std::vector<std::string> words, const std::string& input) const {
    auto program = find_program(setup_.program);
    if (!program) return failed<answer>(program.error());
    for (const auto& path : {*program, setup_.kubeconfig})
        if (auto fine = check_roots(path); !fine) return failed<answer>(fine.error());
    std::vector<std::string> argv{*program, "--kubeconfig=" + setup_.kubeconfig,
                                  "--request-timeout=" + std::to_string(setup_.patience.count()) + "s"};
    if (!setup_.cache_directory.empty()) argv.push_back("--cache-dir=" + setup_.cache_directory);
    argv.insert(argv.end(), std::make_move_iterator(words.begin()), std::make_move_iterator(words.end()));
    program_options options;
    options.patience = setup_.patience + std::chrono::seconds(5);
    options.errors_apart = true;
    options.input = input;
    auto result = run_program(argv, options);
    if (!result) return failed<answer>(result.error());
    answer out;
    out.fine = result->status == 0;
    out.not_found = !out.fine && is_not_found(result->errors);
    out.output = std::move(result->output);
    if (!out.fine) out.trouble = kubectl_trouble(result->errors);
    return outcome<answer>(boost::system::in_place_value, std::move(out));
}

outcome<std::optional<protocol::json>> kubectl_client::get(const std::string& path) const {
    using found = std::optional<protocol::json>;
    auto said = run({"get", "--raw", path});
    if (!said) return failed<found>(said.error());
    if (said->not_found) return outcome<found>(boost::system::in_place_value, std::nullopt);
    if (!said->fine) return failed<found>("the API server was asked for " + path + ": " + said->trouble);
    auto value = read(said->output, path);
    if (!value) return failed<found>(value.error());
    return outcome<found>(boost::system::in_place_value, std::move(*value));
}

outcome<protocol::json> kubectl_client::need(const std::string& path, const std::string& what) const {
    auto found = get(path);
    if (!found) return failed<protocol::json>(found.error());
    if (!*found) return failed<protocol::json>("there is no " + what + " in the cluster that " + setup_.kubeconfig + " names");
    return outcome<protocol::json>(boost::system::in_place_value, std::move(**found));
}

outcome<protocol::json> kubectl_client::create(const std::string& path, const protocol::json& body) const {
    auto said = run({"create", "--raw", path, "-f", "-"}, protocol::to_text(body));
    if (!said) return failed<protocol::json>(said.error());
    if (!said->fine) return failed<protocol::json>("the API server was asked to make " + path + ": " + said->trouble);
    return read(said->output, path);
}

outcome<protocol::json> kubectl_client::patch_daemon_set(const std::string& name_space, const std::string& name,
                                                         const protocol::json& patch) const {
    const auto what = "DaemonSet " + name_space + "/" + name;
    // Nothing of a patch is secret, and --patch-file is not in every kubectl that is still around.
    auto said = run({"patch", "daemonsets.apps", name, "--namespace=" + name_space, "--type=json", "--output=json",
                     "--patch=" + protocol::to_text(patch)});
    if (!said) return failed<protocol::json>(said.error());
    if (!said->fine) return failed<protocol::json>(what + " was not patched: " + said->trouble);
    return read(said->output, what);
}

outcome<void> kubectl_client::patch_node(const std::string& node, const protocol::json& patch) const {
    auto said = run({"patch", "nodes", node, "--type=merge", "--output=name", "--patch=" + protocol::to_text(patch)});
    if (!said) return said.error();
    if (!said->fine) return "node " + node + " was not patched: " + said->trouble;
    return {};
}

}  // namespace launcher
