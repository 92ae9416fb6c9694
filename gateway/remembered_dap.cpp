#include "gateway/remembered_dap.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "protocol/operations.h"

namespace gateway {

using protocol::json;

namespace {

constexpr int gone_with_the_gateway = 4102;        // ours, beside those of dap_view.h
constexpr std::int64_t own_seqs = 2'000'000'000;   // no IDE counts so far
constexpr std::string_view greeting = "\"Type 'dlv help' for list of commands.\\n\"";
constexpr std::string_view of_before_words =
    "this is of before the gateway was restarted, and has no meaning any more; ask for the stack again";

// As read_dap_message_head leaves it: what follows the numbers.
bool says_success(std::string_view rest) { return rest.starts_with(",\"success\":true"); }

// `{"seq":N…` with another number.
std::string numbered(std::string_view body, std::int64_t seq) {
    constexpr std::string_view head = "{\"seq\":";
    const auto rest = body.find_first_not_of("0123456789", head.size());
    return std::string(head) + std::to_string(seq) + std::string(body.substr(std::min(rest, body.size())));
}

std::int64_t seq_of(std::string_view body) {
    constexpr std::string_view head = "{\"seq\":";
    std::int64_t seq = 0;
    if (body.starts_with(head)) std::from_chars(body.data() + head.size(), body.data() + body.size(), seq);
    return seq;
}

bool is_one_of(std::string_view command, std::initializer_list<std::string_view> list) {
    return std::find(list.begin(), list.end(), command) != list.end();
}

bool runs(std::string_view command) {
    return is_one_of(command, {"continue", "next", "stepIn", "stepOut", "stepBack", "reverseContinue", "goto"});
}
bool sets(std::string_view command) {
    return is_one_of(command, {"setBreakpoints", "setFunctionBreakpoints", "setInstructionBreakpoints", "setDataBreakpoints",
                               "setExceptionBreakpoints"});
}
// What changes nothing, or only as it is said, and does not speak of frames or variables.
bool may_be_said_again(std::string_view command) {
    return sets(command) || is_one_of(command, {"initialize", "attach", "configurationDone", "threads", "pause", "disconnect", "terminate",
                                                "modules", "loadedSources", "breakpointLocations"});
}

// A source's breakpoints replace those of that source, others those of their kind.
std::string group_of(const protocol::dap_request& r) {
    const auto* source = r.command == "setBreakpoints" ? r.arguments.find("source") : nullptr;
    return r.command + (source ? " " + std::string(source->get_string("path")) : std::string());
}

json::array shown_in(std::string_view body) {
    const auto parsed = protocol::parse_json(body, {.max_depth = 64, .fold_keys = false});
    const auto* content = parsed ? parsed->find("body") : nullptr;
    const auto* list = content ? content->find("breakpoints") : nullptr;
    const auto* all = list ? list->if_array() : nullptr;
    return all ? *all : json::array{};
}

}  // namespace

// --- from the IDE -----------------------------------------------------------------------------------------

void remembered_dap::from_ide(std::string_view message, std::size_t header) {
    auto parsed = protocol::parse_dap_request(message.substr(header));
    // The gateway says what is wrong with it.
    if (!parsed) return ends_.to_gateway(message);
    if (away_ && (parsed->command == "disconnect" || parsed->command == "terminate")) {
        respond(*parsed, {});
        event("terminated", {});
        over_ = true;
        return ends_.not_rebuilt({});
    }
    if (blank_ && of_before(*parsed)) return fail(*parsed, of_before_words);
    // What is not going to be rebuilt need not be known.
    if (!too_much_) {
        open_.push_back({std::move(*parsed), message.size(), ends_.now()});
        kept_ += message.size();
        too_much_ = kept_ > most_remembered;
    }
    ends_.to_gateway(message);
}

// Until the IDE has been given a stack it has frames of the old gateway only, and with them their variables.
bool remembered_dap::of_before(const request& r) {
    const auto frame = r.arguments.get_int("frameId");
    return frame > 0 || r.arguments.get_int("variablesReference") > 0;
}

// --- from the gateway -------------------------------------------------------------------------------------

void remembered_dap::from_gateway(std::string_view message, std::size_t header) {
    const auto body = message.substr(header);
    const auto head = protocol::read_dap_message_head(body);
    if (!head) return ends_.to_ide(message);
    if (head->is_response) {
        const bool success = says_success(body.substr(head->prefix));
        if (const auto own = own_.find(head->request_seq); own != own_.end()) {
            const auto what = std::move(own->second);
            own_.erase(own);
            return own_answer(what, body, success);
        }
        const auto at = std::find_if(open_.begin(), open_.end(), [&](const auto& o) { return o.asked.seq == head->request_seq; });
        if (at != open_.end()) {
            const auto of = std::move(*at);
            kept_ -= of.size;
            open_.erase(at);
            heard(of, body, success);
        }
    } else if (!heard_event(body, head->prefix)) {
        return;
    }
    if (again_) return ends_.to_ide(protocol::frame(numbered(body, ++last_seq_)));
    last_seq_ = seq_of(body);
    ends_.to_ide(message);
}

std::string remembered_dap::passing(std::string_view start, std::size_t header) {
    const auto body = start.substr(header);
    const auto head = protocol::read_dap_message_head(body);
    if (!head) return std::string(start);
    const auto at = std::find_if(open_.begin(), open_.end(), [&](const auto& o) { return o.asked.seq == head->request_seq; });
    if (head->is_response && at != open_.end()) {
        too_much_ = too_much_ || sets(at->asked.command);
        if (at->asked.command == "stackTrace" && says_success(body.substr(head->prefix))) blank_ = false;
        kept_ -= at->size;
        open_.erase(at);
    }
    if (head->is_response && own_.contains(head->request_seq)) {
        own_.clear();
        too_much_ = true;
        ends_.not_rebuilt(std::string(too_much_answered));
        return {};
    }
    if (!again_) {
        last_seq_ = seq_of(body);
        return std::string(start);
    }
    const auto length = protocol::read_frame_head(start);
    const auto rewritten = numbered(body, ++last_seq_);
    const auto whole = (length && *length ? (*length)->body : 0) + rewritten.size() - body.size();
    return "Content-Length: " + std::to_string(whole) + "\r\n\r\n" + rewritten;
}

void remembered_dap::heard(const open_request& of, std::string_view body, bool success) {
    const auto& r = of.asked;
    if (!success) return;
    if (r.command == "initialize") initialize_ = protocol::to_text(r.arguments);
    if (r.command == "attach") attach_ = protocol::to_text(r.arguments);
    if (r.command == "configurationDone") configured_ = true;
    if (r.command == "stackTrace") blank_ = false;
    if (runs(r.command)) stands_ = false;
    if (r.command == "disconnect" || r.command == "terminate") over_ = true;
    if (sets(r.command)) keep_breakpoints(of, body);
}

void remembered_dap::keep_breakpoints(const open_request& of, std::string_view body) {
    if (too_much_) return;
    const auto group = group_of(of.asked);
    const auto* wanted = of.asked.arguments.find("breakpoints");
    if (const auto* list = wanted ? wanted->if_array() : nullptr; list && list->empty()) {
        // None is what a new gateway begins with: those of the last one have been cleared.
        const auto was = said_.find(group);
        if (was == said_.end()) return;
        said_size_ -= was->second.size;
        said_.erase(was);
        return;
    }
    auto& slot = said_[group];
    said_size_ += of.size + body.size() - slot.size;
    slot = {of.asked, shown_in(body), of.size + body.size(), ++order_};
    too_much_ = too_much_ || said_size_ > most_remembered;
}

bool remembered_dap::heard_event(std::string_view body, std::size_t prefix) {
    auto name = body.substr(prefix);
    constexpr std::string_view before = ",\"type\":\"event\",\"event\":\"";
    name.remove_prefix(std::min(before.size(), name.size()));
    name = name.substr(0, name.find('"'));
    if (name == "stopped") stands_ = told_stop_ = true;
    if (name == "continued") stands_ = false;
    if (name == "terminated") over_ = true;
    if (name == "initialized") return !std::exchange(initialized_, true);
    // It has been greeted already.
    return name != "output" || own_.empty() || body.find(greeting) == body.npos;
}

// --- another gateway --------------------------------------------------------------------------------------

void remembered_dap::begin_again() {
    again_ = true;
    away_ = told_stop_ = false;
    blank_ = true;
    own_.clear();
    std::vector<open_request> again;
    for (auto& one : std::exchange(open_, {}))
        if (!settle_now(one)) again.push_back(std::move(one));
    kept_ = 0;
    const auto parsed = [](const std::string& text) {
        const auto value = protocol::parse_json(text, {.max_depth = 64});
        return value ? *value : json();
    };
    if (!initialize_.empty()) say_as_own({0, "initialize", parsed(initialize_)}, "initialize");
    if (!attach_.empty()) {
        auto arguments = parsed(attach_);
        // Its configurationDone has been done: this one only joins.
        if (configured_) arguments.set("stopOnEntry", true);
        say_as_own({0, "attach", std::move(arguments)}, "attach");
        std::map<std::uint64_t, std::string> in_order;
        for (const auto& [group, one] : said_) in_order[one.order] = group;
        for (const auto& [number, group] : in_order) say_as_own(said_[group].asked, "set " + group);
    }
    if (configured_) say_as_own({0, "configurationDone", {}}, "configurationDone");
    for (const auto& one : again) say(one);
    if (own_.empty()) ends_.rebuilt();
}

// Answers what is not to be said again: a run has its answer, and where the program is follows as an event.
bool remembered_dap::settle_now(const open_request& one) {
    const auto& r = one.asked;
    if (r.command == "pause" && ends_.now() - one.since > longest_halt_wait) {
        fail(r, halt_is_old);
        return true;
    }
    if (may_be_said_again(r.command)) return false;
    if (runs(r.command)) {
        json body;
        if (r.command == "continue") body.set("allThreadsContinued", true);
        respond(r, body);
        stands_ = false;
        return true;
    }
    const bool changes = protocol::judge(r).how == protocol::service::call;
    fail(r, changes ? "the gateway was restarted before this was answered; whether it was done is not known"
                    : "the gateway was restarted before this was answered; ask again");
    return true;
}

void remembered_dap::say_as_own(request r, std::string what) {
    r.seq = own_seqs + ++next_own_;
    own_[r.seq] = std::move(what);
    ends_.to_gateway(protocol::encode(r));
}

void remembered_dap::say(const open_request& one) {
    const auto text = protocol::encode(one.asked);
    kept_ += text.size();
    open_.push_back({one.asked, text.size(), one.since});
    ends_.to_gateway(text);
}

void remembered_dap::own_answer(const std::string& what, std::string_view body, bool success) {
    if (what.starts_with("set ")) {
        const auto at = said_.find(what.substr(4));
        if (at != said_.end()) compare_breakpoints(at->second, body, success);
    } else if (!success) {
        const auto parsed = protocol::parse_json(body, {.max_depth = 64, .fold_keys = false});
        own_.clear();
        const auto* content = parsed ? parsed->find("body") : nullptr;
        const auto* error = content ? content->find("error") : nullptr;
        auto why = std::string(error ? error->get_string("format") : parsed ? parsed->get_string("message") : "");
        return ends_.not_rebuilt(why.empty() ? "the gateway refused " + what : why);
    }
    if (own_.empty()) finish_rebuilding();
}

// Breakpoints are the same ones where the gateway remembered them; an IDE is told of those that are others.
void remembered_dap::compare_breakpoints(breakpoints& known, std::string_view body, bool success) {
    const auto tell = [this](std::string_view reason, json one) {
        json what;
        what.set("reason", reason);
        what.set("breakpoint", std::move(one));
        event("breakpoint", what);
    };
    const auto now = shown_in(body);
    for (std::size_t i = 0; i < known.shown.size(); ++i) {
        const auto& old = known.shown[i];
        const auto id = old.get_int("id");
        if (id == 0) continue;
        if (!success || i >= now.size() || now[i].get_int("id") == 0) {
            json lost;
            lost.set("id", id);
            lost.set("verified", false);
            const auto why = i < now.size() ? now[i].get_string("message") : std::string_view();
            lost.set("message", why.empty() ? "the gateway was restarted, and could not set it again" : why);
            tell("changed", std::move(lost));
        } else if (now[i].get_int("id") != id) {
            json gone;
            gone.set("id", id);
            gone.set("verified", false);
            tell("removed", std::move(gone));
            tell("new", now[i]);
        } else if (!(now[i] == old)) {
            tell("changed", now[i]);
        }
    }
    if (success) known.shown = now;
}

void remembered_dap::finish_rebuilding() {
    // A view that was told of no stop is one of a program that runs.
    if (configured_ && !told_stop_ && std::exchange(stands_, false)) {
        json body;
        body.set("threadId", 1);
        body.set("allThreadsContinued", true);
        event("continued", body);
    }
    ends_.rebuilt();
}

void remembered_dap::end(std::string_view reason) {
    for (const auto& one : std::exchange(open_, {})) fail(one.asked, reason);
    kept_ = 0;
    if (over_ || initialize_.empty()) return;
    over_ = true;
    json body;
    body.set("category", "important");
    body.set("output", "delvegate: " + std::string(reason) + "\n");
    event("output", body);
    event("terminated", {});
}

std::string remembered_dap::hindrance() const {
    if (over_) return "its session was over";
    return too_much_ ? "more was said there than is remembered" : "";
}

// --- to the IDE -------------------------------------------------------------------------------------------

void remembered_dap::respond(const request& r, const json& body) {
    ends_.to_ide(protocol::encode_dap_response(++last_seq_, r, body));
}

void remembered_dap::fail(const request& r, std::string_view why) {
    ends_.to_ide(protocol::encode_dap_error(++last_seq_, r, gone_with_the_gateway, "delvegate", why, false));
}

void remembered_dap::event(std::string_view name, const json& body) {
    ends_.to_ide(protocol::encode_dap_event(++last_seq_, name, body));
}

std::unique_ptr<remembered_view> remember_dap(view_ends& ends) { return std::make_unique<remembered_dap>(ends); }

}  // namespace gateway
