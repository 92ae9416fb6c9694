// The gateway's audit: who did what, from the io_context's thread, without ever waiting in it.
//
//   auto trail = audit_trail::open(io, configuration.audit, configuration.state_directory, sign);
//   audit_session session(**trail, who, "session id", "scheduler");   // one for each view
//   auto operation = session.intent(judged, decision, [=](std::string error) {
//       error.empty() ? forward() : refuse(error);                    // may come before intent() returns
//   });
//   session.outcome(operation, "ok");
#pragma once

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "auth/audit_writer.h"
#include "gateway/config_audit.h"
#include "gateway/directory.h"
#include "launcher/outcome.h"
#include "protocol/operations.h"

namespace gateway {

struct audit_decision {
    bool allowed = true;
    std::string_view rule;  // of the policy: which one decided
};

// An operation whose intent was recorded, and whose outcome is to come.
struct audit_operation {
    std::uint64_t intent = 0;  // sequence
    std::string name;
    protocol::class_set classes;
    std::chrono::steady_clock::time_point since;
};

// A record in short, for whoever follows the audit as it grows: nothing of what was touched, no outcome.
struct audit_glimpse {
    std::string_view kind, user;
    std::string_view component;  // empty: of the gateway itself
    std::string_view operation, decision, result;
};

class audit_trail {
public:
    // Called with each record as it is handed to the writer, before it is on the disk. Empty: nobody follows.
    std::function<void(const audit_glimpse&)> on_record;

    // `sign` runs on a thread of its own and asks the process that has the key; without it anchors are
    // published unsigned. Errors: those of auth::audit_writer::open, and an anchors file that cannot be
    // written. What a person should know later is logged.
    static launcher::outcome<std::unique_ptr<audit_trail>> open(
        boost::asio::io_context& io, const audit_config& configuration, const std::string& state_directory,
        std::function<auth::outcome<std::string>(std::string_view bytes)> sign = {});

    // Verified connections; `reason` of an end is one line. They are written soon, not waited for.
    void connected(const caller& who);
    void disconnected(const caller& who, std::string_view reason, std::chrono::nanoseconds duration);
    // Nobody, or somebody whom nothing here admits (`who` may be null).
    // Certificates given out, sessions ended: what was done, and from where.
    void administration(std::string_view address, std::string_view what);
    void refused_connection(std::string_view address, std::string_view reason, const auth::identity* who = nullptr);
    // The gateway's start, and whatever it reads anew: "policy.yaml, 3 roles".
    void reloaded(std::string_view what);
    void revoked(const auth::identity& who, std::string_view session, std::string_view reason);

    auth::audit_writer& writer() { return *writer_; }
    const std::string& file() const { return file_; }
    auth::audit_health health() const { return writer_->health(); }
    // For the control API and metrics: {"file","ok","trouble","records","synced","lost","refused",…}.
    protocol::json status() const;

    // Writes what is queued and makes the last anchor; may block for as long as the signer takes.
    void close() { writer_->close(); }

private:
    void submit(const auth::audit_record& record);

    std::string file_;
    std::unique_ptr<auth::audit_writer> writer_;
};

// One view's part: its identity, and the order of its operations. On the io_context's thread only.
class audit_session {
public:
    audit_session(audit_trail& trail, caller who, std::string session, std::string component);
    ~audit_session();
    audit_session(const audit_session&) = delete;
    audit_session& operator=(const audit_session&) = delete;

    void speaks(std::string protocol);            // "json-rpc", "dap"
    void rebound(const auth::identity& now);      // by a renewed certificate
    void begun();
    void ended(std::string_view reason);

    // Before an operation is forwarded. `go` gets "" when that may be done; else why not, for a person:
    // the intent could not be put on disk, and the operation is not one that only releases. observe and
    // read are written in order but not waited for. `go`s are called in the order of the intents, so a
    // request never overtakes an earlier one of the same view; after this object is gone none is called.
    audit_operation intent(const protocol::judged& request, const audit_decision& by,
                           std::function<void(std::string error)> go);
    // After it: "ok", or the error as the IDE got it. Never a value.
    void outcome(const audit_operation& operation, std::string_view result);
    // What is not forwarded.
    void refusal(const protocol::judged& request, const audit_decision& by, std::string_view reason);

private:
    struct waiting {
        bool ready = false;
        std::string error;
        std::function<void(std::string)> go;
        audit_operation operation;
    };

    auth::audit_record record(auth::audit_kind kind) const;
    void glimpse(const auth::audit_record& record) const;
    void prepare();
    void advance();

    audit_trail& trail_;
    caller who_;
    std::string session_, component_, protocol_;
    std::string who_text_;  // the part of each record that is the same
    std::chrono::steady_clock::time_point since_ = std::chrono::steady_clock::now();
    std::deque<std::shared_ptr<waiting>> waiting_;
    std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

}  // namespace gateway
