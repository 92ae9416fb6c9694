#include "protocol/path_rewriter.h"

#include <algorithm>
#include <utility>

namespace protocol {

namespace {

constexpr std::size_t longest_key = 32;

template <std::size_t N>
bool one_of(std::string_view key, const std::string_view (&all)[N]) {
    return std::find(std::begin(all), std::end(all), key) != std::end(all);
}

}  // namespace

path_field rpc_reply_field(std::string_view key, std::size_t depth) {
    constexpr std::string_view paths[] = {"file", "Sources", "DirectoryPath", "Files", "Path", "TraceDirectory"};
    // Name: of a group of goroutines; List: of the debug info directories. Both are of other things elsewhere,
    // which no rule fits.
    constexpr std::string_view texts[] = {"Name", "Err", "LoadError", "ExprString", "SubstituteLocExpr", "VerboseDescr",
                                          "Reason", "TargetCommandLine", "CmdLine", "List"};
    if (key == "labels") return path_field::foreign;
    if (one_of(key, paths)) return path_field::path;
    if (one_of(key, texts) || (key == "error" && depth == 1)) return path_field::text;
    return path_field::none;
}

path_field dap_reply_field(std::string_view key, std::size_t depth) {
    if (key == "path") return path_field::path;
    if (key == "stackTrace") return path_field::text;
    return dap_failure_field(key, depth);
}

path_field dap_failure_field(std::string_view key, std::size_t) {
    return key == "message" || key == "format" ? path_field::text : path_field::none;
}

path_field dap_sources_field(std::string_view key, std::size_t depth) {
    return key == "result" ? path_field::text : dap_failure_field(key, depth);
}

bool rpc_shows_paths(std::string_view method) {
    // Values, names and numbers: megabytes of them.
    constexpr std::string_view without[] = {"Eval", "ListLocalVars", "ListFunctionArgs", "ListPackageVars", "ListRegisters",
                                            "ExamineMemory", "ListFunctions", "ListTypes", "TypeInfo", "BuildID",
                                            "FunctionReturnLocations", "GuessSubstitutePath", "Set", "GetVersion"};
    return !one_of(method, without);
}

void path_rewriter::structural(char c) {
    switch (c) {
        case '{':
        case '[': {
            as_it_is_ = open_.size() >= deepest;
            if (as_it_is_) return;
            const bool foreign = open_.back().foreign || field_ == path_field::foreign;
            // Strings are only those of an array right under its key.
            open_.push_back({c == '{', foreign, c == '[' && open_.back().object ? field_ : path_field::none});
            key_next_ = c == '{';
            field_ = open_.back().items;
            return;
        }
        case '}':
        case ']':
            if (open_.size() > 1) open_.pop_back();
            key_next_ = false;
            field_ = open_.back().items;
            return;
        case ',':
            key_next_ = open_.back().object;
            field_ = open_.back().items;
            return;
        default:
            return;
    }
}

void path_rewriter::begin_string() {
    escaped_ = false;
    if (std::exchange(key_next_, false)) {
        where_ = inside::key;
        key_.clear();
    } else {
        const bool ours = field_ == path_field::path || field_ == path_field::text;
        where_ = ours && !open_.back().foreign ? inside::held : inside::passing;
    }
}

// Whether the string ends in `bytes`; `at` is moved behind its quote, or to the end.
bool path_rewriter::skip_string(std::string_view bytes, std::size_t& at) {
    while (at < bytes.size()) {
        if (std::exchange(escaped_, false)) {
            ++at;
            continue;
        }
        at = std::min(bytes.find_first_of("\"\\", at), bytes.size());
        if (at == bytes.size()) return false;
        if (bytes[at++] == '"') return true;
        escaped_ = true;
    }
    return false;
}

void path_rewriter::end_key() {
    field_ = open_.back().foreign || key_.size() > longest_key ? path_field::none : fields_(key_, open_.size());
}

void path_rewriter::end_held(std::string& out) {
    const auto raw = std::exchange(held_, {});
    std::string decoded;
    const bool plain = raw.find('\\') == raw.npos && valid_utf8(raw);
    if (!plain) {
        const auto parsed = parse_json("\"" + raw + "\"");
        if (!parsed || !parsed->if_string()) {
            out += raw;
            return;
        }
        decoded = *parsed->if_string();
    }
    const std::string_view was = plain ? std::string_view(raw) : std::string_view(decoded);
    const auto now = field_ == path_field::path ? map_->to_client(was) : map_->text_to_client(was);
    if (now == was) {
        out += raw;
        return;
    }
    const auto written = to_text(json(now));
    out.append(written, 1, written.size() - 2);
}

void path_rewriter::feed(std::string_view bytes, std::string& out) {
    std::size_t copied = 0;
    for (std::size_t at = 0; at < bytes.size() && !as_it_is_;) {
        if (where_ == inside::structure) {
            const char c = bytes[at++];
            if (c != '"') {
                structural(c);
                continue;
            }
            begin_string();
            if (where_ != inside::held) continue;
            out += bytes.substr(copied, at - copied);
            copied = at;
            continue;
        }
        const auto begin = at;
        const bool ended = skip_string(bytes, at);
        const auto part = bytes.substr(begin, at - begin - (ended ? 1 : 0));
        if (where_ == inside::key && key_.size() <= longest_key) key_ += part.substr(0, longest_key + 1);
        if (where_ == inside::held) {
            held_ += part;
            copied = at - (ended ? 1 : 0);
            if (held_.size() > longest) {
                out += std::exchange(held_, {});
                where_ = inside::passing;
            }
        }
        if (!ended) continue;
        if (where_ == inside::key) end_key();
        if (where_ == inside::held) end_held(out);
        where_ = inside::structure;
    }
    out += bytes.substr(copied);
}

void path_rewriter::finish(std::string& out) { out += std::exchange(held_, {}); }

std::string rewrite_paths(const path_map& map, path_fields fields, std::string_view text, std::size_t most) {
    constexpr std::size_t piece = 16 * 1024;  // of which no more comes than is small beside any limit
    std::string out;
    out.reserve(std::min(text.size() + text.size() / 8, most));
    path_rewriter pass(map, fields);
    for (std::size_t at = 0; at < text.size() && out.size() <= most; at += piece) pass.feed(text.substr(at, piece), out);
    pass.finish(out);
    return out;
}

}  // namespace protocol
