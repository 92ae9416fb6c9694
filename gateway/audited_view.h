// What a view records of its requests: an intent before one is done, an outcome when it is answered. One of
// a view; without an audit (unit tests) requests are done at once and nothing is written.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "gateway/audit_trail.h"
#include "gateway/session_measures.h"

namespace gateway {

class audited_view {
public:
    // An empty error: it may be done.
    using go = std::function<void(std::string error)>;

    // Requests count there, recorded or not; it outlives this.
    void count_in(protocol_measures& counts) { counts_ = &counts; }

    void begin(std::unique_ptr<audit_session> session) {
        session_ = std::move(session);
        if (session_) session_->begun();
    }
    void end(std::string_view reason) {
        if (session_) session_->ended(reason);
        session_.reset();
    }
    void rebound(const auth::identity& now) {
        if (session_) session_->rebound(now);
    }

    // True: it may be done now. False: `later` is called when the intent is on disk or cannot be, unless the
    // session ends first. `operation` is what the outcome refers to, set before either.
    bool intent(const protocol::judged& request, std::string_view rule, audit_operation& operation, go later,
                std::string& error);
    void outcome(const audit_operation& operation, std::string_view result) {
        if (session_ && operation.intent != 0) session_->outcome(operation, result);
    }
    void refusal(const protocol::judged& request, std::string_view rule, std::string_view reason) {
        if (counts_) counts_->refused.add(request.classes);
        if (session_) session_->refusal(request, {false, rule}, reason);
    }

private:
    std::unique_ptr<audit_session> session_;
    protocol_measures* counts_ = nullptr;
};

}  // namespace gateway
