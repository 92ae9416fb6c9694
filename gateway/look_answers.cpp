#include "gateway/look_answers.h"

#include <algorithm>
#include <utility>

namespace gateway {

bool look_answers::shareable(std::string_view what) {
    constexpr std::string_view rpc = "RPCServer.";
    // Sorted, both protocols'. What tells of progress or is taken by who asks for it (dumps, tracepoints) is not here.
    constexpr std::string_view all[] = {
        "Ancestors",     "Disassemble",   "Eval",          "ExamineMemory",    "FindLocation", "FunctionReturnLocations",
        "GetThread",     "ListFunctionArgs", "ListGoroutines", "ListLocalVars", "ListPackageVars", "ListRegisters",
        "ListThreads",   "Stacktrace",    "disassemble",   "evaluate",         "exceptionInfo", "readMemory",
        "scopes",        "stackTrace",    "threads",       "variables"};
    if (what.starts_with(rpc)) what.remove_prefix(rpc.size());
    return std::binary_search(std::begin(all), std::end(all), what);
}

std::shared_ptr<const std::string> look_answers::find(const std::string& key) const {
    const auto found = known_.find(key);
    return found == known_.end() ? nullptr : found->second;
}

std::vector<look_answers::waiter> look_answers::answered(const std::string& key, std::string answer) {
    if (bytes_ + key.size() + answer.size() <= max_all && !known_.contains(key)) {
        bytes_ += key.size() + answer.size();
        known_.emplace(key, std::make_shared<const std::string>(std::move(answer)));
    }
    return given_up(key);
}

std::vector<look_answers::waiter> look_answers::given_up(const std::string& key) {
    const auto found = flights_.find(key);
    if (found == flights_.end()) return {};
    auto waiting = std::move(found->second);
    flights_.erase(found);
    return waiting;
}

std::vector<look_answers::waiter> look_answers::take(const viewer& v) {
    std::vector<waiter> taken;
    for (auto& [key, waiting] : flights_)
        std::erase_if(waiting, [&](waiter& w) {
            if (w.v != &v) return false;
            taken.push_back(std::move(w));
            return true;
        });
    return taken;
}

void look_answers::clear() {
    known_.clear();
    bytes_ = 0;
}

}  // namespace gateway
