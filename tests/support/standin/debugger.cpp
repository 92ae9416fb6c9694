#include "tests/support/standin/debugger.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace standin {

namespace {

constexpr std::uint64_t first_pc = 0x4a0000;
constexpr std::int64_t thread_id = 4711;

std::string hex(std::uint64_t value) {
    char digits[20];
    const auto end = std::to_chars(digits, digits + sizeof digits, value, 16).ptr;
    return std::string(digits, end);
}

std::optional<std::size_t> index_of_line(std::int64_t line) {
    const auto& lines = script();
    const auto found = std::find_if(lines.begin(), lines.end(), [&](const place& p) { return p.line == line; });
    if (found == lines.end()) return std::nullopt;
    return static_cast<std::size_t>(found - lines.begin());
}

std::optional<std::size_t> index_of_pc(std::uint64_t pc) {
    for (std::size_t i = 0; i < script().size(); ++i)
        if (pc_of(i) == pc) return i;
    return std::nullopt;
}

// "n % 7 == 3"
std::optional<std::pair<std::int64_t, std::int64_t>> remainder_in(std::string_view text) {
    constexpr std::string_view begin = "n % ", middle = " == ";
    const auto at = text.find(middle);
    if (!text.starts_with(begin) || at == text.npos) return std::nullopt;
    std::int64_t divisor = 0, rest = 0;
    const auto number = text.substr(begin.size(), at - begin.size()), wanted = text.substr(at + middle.size());
    if (std::from_chars(number.data(), number.data() + number.size(), divisor).ec != std::errc{} || divisor == 0) return std::nullopt;
    if (std::from_chars(wanted.data(), wanted.data() + wanted.size(), rest).ec != std::errc{}) return std::nullopt;
    return std::pair(divisor, rest);
}

}  // namespace

const std::vector<place>& script() {
    static const std::vector<place> lines{
        {"main.main", 10, 0}, {"main.tick", 20, 1}, {"main.tick", 21, 1}, {"main.use", 30, 2},
        {"main.use", 31, 2},  {"main.tick", 22, 1}, {"main.main", 11, 0},
    };
    return lines;
}

std::uint64_t pc_of(std::size_t index) { return first_pc + 16 * index; }

// --- runs ---------------------------------------------------------------------------------------------------------

void debugger::restart() {
    at_ = 0;
    round_ = 0;
    ++pid_;
    step_.reset();
    hit_ = 0;
    keeps_steps = false;
    reason_ = "launched";
    for (auto& [id, b] : breakpoints_) b.hits = 0;
}

void debugger::begin(std::string_view command) {
    hit_ = 0;
    reason_ = "unknown";
    if (command == "continue" || command == "directionCongruentContinue") return;
    step_ = step{std::string(command), script()[at_].depth};
}

bool debugger::holds(std::string_view condition) const {
    if (condition.empty()) return true;
    const auto wanted = remainder_in(condition);
    return wanted && round_ % wanted->first == wanted->second;
}

bool debugger::advance() {
    if (++at_ == script().size()) {
        at_ = 0;
        ++round_;
    }
    for (auto& [id, b] : breakpoints_) {
        if (b.at != at_ || b.settings.get_bool("disabled") || !holds(b.settings.get_string("Cond"))) continue;
        ++b.hits;
        hit_ = id;
        reason_ = "breakpoint";
        if (!b.settings.get_bool("continue") || !keeps_steps) step_.reset();
        // Where a step ends, it has ended.
    }
    if (step_) {
        const int depth = script()[at_].depth;
        const bool done = step_->command == "next" ? depth <= step_->depth : step_->command == "stepOut" ? depth < step_->depth : true;
        if (done) {
            step_.reset();
            reason_ = "next finished";
            return true;
        }
    }
    return hit_ != 0;
}

void debugger::halt() {
    if (!keeps_steps) step_.reset();
    reason_ = "manual";
}

// --- questions ------------------------------------------------------------------------------------------------------

json debugger::location(std::size_t index) const {
    const auto& p = script()[index];
    json function = json::object{{"name", p.function}, {"value", 4849664}, {"type", 0}, {"goType", 0}, {"optimized", false}};
    return json::object{{"pc", pc_of(index)}, {"file", std::string(file)}, {"line", p.line}, {"function", std::move(function)}};
}

json debugger::described(const breakpoint& b) const {
    json out = b.settings;
    out.set("id", b.id);
    out.set("addr", pc_of(b.at));
    out.set("addrs", b.settings.get_bool("disabled") ? json(json::array{}) : json(json::array{json(pc_of(b.at))}));
    out.set("file", std::string(file));
    out.set("line", script()[b.at].line);
    out.set("functionName", script()[b.at].function);
    out.set("hitCount", json::object{{"1", b.hits}});
    out.set("totalHitCount", b.hits);
    return out;
}

json debugger::thread() const {
    json out = location(at_);
    out.set("id", thread_id);
    out.set("goroutineID", 1);
    if (const auto found = breakpoints_.find(hit_); found != breakpoints_.end()) out.set("breakPoint", described(found->second));
    out.set("ReturnValues", nullptr);
    out.set("CallReturn", false);
    return out;
}

json debugger::threads() const { return json::array{thread()}; }

json debugger::state(bool running) const {
    json out = json::object{{"Pid", pid_}, {"TargetCommandLine", "/src/loop/loop"}, {"Running", running}, {"Recording", false},
                            {"CoreDumping", false}};
    if (running) {
        out.set("Threads", nullptr);
        out.set("NextInProgress", false);
        return out;
    }
    out.set("currentThread", thread());
    json goroutine = json::object{{"id", 1}, {"currentLoc", location(at_)}, {"userCurrentLoc", location(at_)}, {"threadID", thread_id}};
    out.set("currentGoroutine", std::move(goroutine));
    out.set("Threads", threads());
    out.set("NextInProgress", step_.has_value());
    out.set("WatchOutOfScope", nullptr);
    out.set("exited", false);
    out.set("exitStatus", 0);
    out.set("When", "");
    out.set("stopReason", reason_);
    return out;
}

// Where each caller goes on.
std::vector<std::size_t> debugger::callers() const {
    std::vector<std::size_t> out;
    int depth = script()[at_].depth;
    for (std::size_t i = at_ + 1; i < script().size() && depth > 0; ++i)
        if (script()[i].depth < depth) {
            depth = script()[i].depth;
            out.push_back(i);
        }
    return out;
}

json debugger::stack() const {
    json::array frames{location(at_)};
    for (const auto index : callers()) frames.push_back(location(index));
    return frames;
}

json debugger::breakpoints() const {
    json::array all;
    for (const auto& [id, b] : breakpoints_) all.push_back(described(b));
    return all;
}

debugger::answer debugger::create(const json& arguments) {
    const json* wanted = arguments.find("Breakpoint");
    if (!wanted) return {{}, "no breakpoint"};
    std::optional<std::size_t> at;
    if (const json* address = wanted->find("addr"); address && address->as_uint().value_or(0) != 0)
        at = index_of_pc(*address->as_uint());
    else
        at = index_of_line(wanted->get_int("line"));
    if (!at) return {{}, "could not find statement at " + std::string(file) + ":" + std::to_string(wanted->get_int("line")) + ", please use a line with a statement"};
    for (const auto& [id, b] : breakpoints_)
        if (b.at == *at)
            return {{}, "Breakpoint exists at " + std::string(file) + ":" + std::to_string(script()[*at].line) + " at " + hex(pc_of(*at))};
    breakpoint made{next_id_++, *at, *wanted, 0};
    const auto& kept = breakpoints_[made.id] = std::move(made);
    return {json::object{{"Breakpoint", described(kept)}}, {}};
}

debugger::answer debugger::amend(const json& arguments) {
    const json* wanted = arguments.find("Breakpoint");
    const auto found = breakpoints_.find(wanted ? wanted->get_int("id") : 0);
    if (found == breakpoints_.end()) return {{}, "no breakpoint with ID " + std::to_string(wanted ? wanted->get_int("id") : 0)};
    found->second.settings = *wanted;
    return {json::object{}, {}};
}

debugger::answer debugger::clear(std::int64_t id) {
    const auto found = breakpoints_.find(id);
    if (found == breakpoints_.end()) return {{}, "no breakpoint with ID " + std::to_string(id)};
    json gone = described(found->second);
    breakpoints_.erase(found);
    if (hit_ == id) hit_ = 0;
    return {json::object{{"Breakpoint", std::move(gone)}}, {}};
}

debugger::answer debugger::get(std::int64_t id) const {
    const auto found = breakpoints_.find(id);
    if (found == breakpoints_.end()) return {{}, "no breakpoint with ID " + std::to_string(id)};
    return {json::object{{"Breakpoint", described(found->second)}}, {}};
}

debugger::answer debugger::find_location(std::string_view what) const {
    const auto colon = what.find_last_of(':');
    std::int64_t line = 0;
    const auto digits = colon == what.npos ? std::string_view() : what.substr(colon + 1);
    std::from_chars(digits.data(), digits.data() + digits.size(), line);
    const auto at = index_of_line(line);
    if (!at) return {{}, "could not find statement at " + std::string(what) + ", please use a line with a statement"};
    json found = location(*at);
    found.set("pcs", json::array{json(pc_of(*at))});
    return {json::object{{"Locations", json::array{std::move(found)}}}, {}};
}

debugger::answer debugger::evaluate(std::string_view expression) const {
    json variable = json::object{{"name", expression}, {"addr", 0}, {"type", "int"}, {"kind", 2}, {"value", std::to_string(round_)},
                                 {"children", json::array{}}, {"unreadable", ""}};
    if (expression != "n") {
        if (!remainder_in(expression)) return {{}, "could not find symbol value for " + std::string(expression)};
        variable.set("type", "bool");
        variable.set("kind", 1);
        variable.set("value", holds(expression) ? "true" : "false");
    }
    return {json::object{{"Variable", std::move(variable)}}, {}};
}

}  // namespace standin
