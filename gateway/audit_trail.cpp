#include "gateway/audit_trail.h"

#include <boost/asio/post.hpp>

#include <filesystem>

#include "gateway/audit_anchors.h"
#include "gateway/audit_touched.h"
#include "gateway/log.h"
#include "protocol/printable.h"

namespace gateway {
namespace {

using auth::audit_kind;
using auth::audit_record;
using auth::durability;

void fill(audit_record& record, const auth::identity& who) {
    record.user = who.user;
    record.groups = who.groups;
    record.issuer = who.issuer;
    record.serial = who.serial;
    record.fingerprint = who.fingerprint;
}

std::vector<auth::audit_touch> views(const std::vector<std::pair<std::string, std::string>>& touched) {
    std::vector<auth::audit_touch> out;
    for (const auto& [what, text] : touched) out.push_back({what, text});
    return out;
}

std::uint64_t nanoseconds_since(std::chrono::steady_clock::time_point since) {
    return static_cast<std::uint64_t>(std::chrono::nanoseconds(std::chrono::steady_clock::now() - since).count());
}

}  // namespace

launcher::outcome<std::unique_ptr<audit_trail>> audit_trail::open(
    boost::asio::io_context& io, const audit_config& configuration, const std::string& state_directory,
    std::function<auth::outcome<std::string>(std::string_view bytes)> sign) {
    using result = launcher::outcome<std::unique_ptr<audit_trail>>;
    auth::audit_options options;
    // As `audit verify` looks for it in the journal.
    options.files.file = std::filesystem::path(audit_file_of(configuration, state_directory)).lexically_normal().native();
    options.files.rotate_size = configuration.rotate_size;
    options.files.rotate_age = configuration.rotate_age;
    options.files.keep_files = configuration.keep_files;
    options.files.keep_age = configuration.keep_age;
    options.files.reserve = configuration.reserve;
    options.redact = configuration.redact;
    options.anchor_records = configuration.anchor_records;
    options.anchor_time = configuration.anchor_time;
    options.post = [&io](std::function<void()> work) { boost::asio::post(io, std::move(work)); };
    options.report = [](const std::string& line) { log().warn("{}", protocol::printable(line)); };
    options.sign = std::move(sign);
    auto publish = make_anchor_sink(configuration.anchors, options.files.file);
    if (!publish) return result(boost::system::in_place_error, publish.error());
    options.publish = std::move(*publish);
    if (!options.publish) options.sign = nullptr;  // auditAnchors: off

    auto out = std::make_unique<audit_trail>();
    out->file_ = options.files.file;
    auto writer = auth::audit_writer::open(std::move(options));
    if (!writer) return result(boost::system::in_place_error, writer.error());
    out->writer_ = std::move(*writer);
    return result(std::move(out));
}

void audit_trail::connected(const caller& who) {
    audit_record record;
    record.kind = audit_kind::connect;
    fill(record, who.who);
    record.address = who.address;
    record.speaks = who.client;
    submit(record);
}

void audit_trail::disconnected(const caller& who, std::string_view reason, std::chrono::nanoseconds duration) {
    audit_record record;
    record.kind = audit_kind::disconnect;
    fill(record, who.who);
    record.address = who.address;
    record.speaks = who.client;
    record.result = reason;
    record.duration = static_cast<std::uint64_t>(duration.count());
    submit(record);
}

void audit_trail::refused_connection(std::string_view address, std::string_view reason, const auth::identity* who) {
    audit_record record;
    record.kind = audit_kind::refused_connection;
    if (who) fill(record, *who);
    record.address = address;
    record.decision = "deny";
    record.result = reason;
    submit(record);
}

void audit_trail::reloaded(std::string_view what) {
    audit_record record;
    record.kind = audit_kind::reload;
    record.result = what;
    submit(record);
}

void audit_trail::administration(std::string_view address, std::string_view what) {
    audit_record record;
    record.kind = audit_kind::administration;
    record.address = address;
    record.result = what;
    submit(record);
}

void audit_trail::revoked(const auth::identity& who, std::string_view session, std::string_view reason) {
    audit_record record;
    record.kind = audit_kind::revoked;
    fill(record, who);
    record.session = session;
    record.result = reason;
    submit(record);
}

void audit_trail::submit(const audit_record& record) {
    if (on_record) on_record({auth::to_string(record.kind), record.user, {}, {}, record.decision, writer_->redacted(record.result)});
    writer_->submit(record, durability::lazy);
}

protocol::json audit_trail::status() const {
    using protocol::json;
    const auth::audit_health now = health();
    const auto time = [](std::int64_t at) {
        std::string text;
        if (at) auth::append_time(text, at);
        return json(text);
    };
    return json::object{
        {"file", file_},
        {"ok", now.ok},
        {"trouble", now.trouble},
        {"fullSince", time(now.full_since)},
        {"records", now.sequence},
        {"synced", now.synced},
        {"lost", now.lost},
        {"refused", now.refused},
        {"queuedBytes", now.queued_bytes},
        {"lagMilliseconds", static_cast<std::int64_t>(now.lag.count() / 1'000'000)},
        {"reserveUsed", now.reserve_used},
        {"reserveSize", now.reserve_size},
        {"rotations", now.rotations},
        {"anchored", now.anchored},
        {"anchoredAt", time(now.anchored_at)},
        {"anchorTrouble", now.anchor_trouble},
    };
}

audit_session::audit_session(audit_trail& trail, caller who, std::string session, std::string component)
    : trail_(trail), who_(std::move(who)), session_(std::move(session)), component_(std::move(component)) {
    prepare();
}

void audit_session::speaks(std::string protocol) {
    protocol_ = std::move(protocol);
    prepare();
}

void audit_session::rebound(const auth::identity& now) {
    who_.who = now;
    prepare();
}

// What was to be forwarded and no longer will be: an intent without an outcome would look like more.
audit_session::~audit_session() {
    for (const auto& one : waiting_) outcome(one->operation, "not forwarded: the session ended first");
}

void audit_session::prepare() {
    audit_record out;
    out.session = session_;
    fill(out, who_.who);
    out.address = who_.address;
    out.component = component_;
    out.speaks = protocol_;
    who_text_ = auth::audit_who(out);
}

audit_record audit_session::record(audit_kind kind) const {
    audit_record out;
    out.kind = kind;
    out.who = who_text_;
    return out;
}

void audit_session::glimpse(const audit_record& of) const {
    if (trail_.on_record)
        trail_.on_record({auth::to_string(of.kind), who_.who.user, component_, of.operation, of.decision, trail_.writer().redacted(of.result)});
}

void audit_session::begun() {
    glimpse(record(audit_kind::connect));
    trail_.writer().submit(record(audit_kind::connect), durability::lazy);
}

void audit_session::ended(std::string_view reason) {
    audit_record out = record(audit_kind::disconnect);
    out.result = reason;
    out.duration = nanoseconds_since(since_);
    glimpse(out);
    trail_.writer().submit(out, durability::lazy);
}

audit_operation audit_session::intent(const protocol::judged& request, const audit_decision& by,
                                      std::function<void(std::string error)> go) {
    using protocol::op_class;
    const auto touched = touched_by(request);
    const auto touched_views = views(touched);
    audit_record out = record(audit_kind::intent);
    out.operation = request.operation;
    out.classes = request.classes;
    out.decision = "allow";
    out.rule = by.rule;
    out.touched = touched_views;
    out.releases = only_releases(request);
    // Looks are most of what there is, and would push out what is looked for.
    const bool looks = request.classes.within({op_class::observe, op_class::read});
    if (!looks) glimpse(out);
    audit_operation operation{0, request.operation, request.classes, std::chrono::steady_clock::now()};

    if (looks) {
        operation.intent = trail_.writer().submit(out, durability::lazy);
        if (waiting_.empty()) {
            go({});
            return operation;
        }
        waiting_.push_back(std::make_shared<waiting>(waiting{true, {}, std::move(go), operation}));
        return operation;
    }
    auto slot = std::make_shared<waiting>();
    slot->go = std::move(go);
    waiting_.push_back(slot);
    operation.intent = trail_.writer().submit(
        out, durability::before, [this, slot, alive = std::weak_ptr<int>(alive_)](std::string error) {
            if (alive.expired()) return;
            slot->ready = true;
            slot->error = std::move(error);
            advance();
        });
    slot->operation = operation;
    return operation;
}

// A `go` may end this session.
void audit_session::advance() {
    const std::weak_ptr<int> alive = alive_;
    while (!alive.expired() && !waiting_.empty() && waiting_.front()->ready) {
        const auto one = waiting_.front();
        waiting_.pop_front();
        if (!one->error.empty()) outcome(one->operation, "not forwarded: " + one->error);
        one->go(one->error);
    }
}

void audit_session::outcome(const audit_operation& operation, std::string_view result) {
    audit_record out = record(audit_kind::outcome);
    out.ref = operation.intent;
    out.operation = operation.name;
    out.classes = operation.classes;
    out.result = result;
    out.duration = nanoseconds_since(operation.since);
    trail_.writer().submit(out, durability::lazy);
}

void audit_session::refusal(const protocol::judged& request, const audit_decision& by, std::string_view reason) {
    const auto touched = touched_by(request);
    const auto touched_views = views(touched);
    audit_record out = record(audit_kind::refusal);
    out.operation = request.operation;
    out.classes = request.classes;
    out.decision = "deny";
    out.rule = by.rule;
    out.touched = touched_views;
    out.result = reason;
    glimpse(out);
    trail_.writer().submit(out, durability::lazy);
}

}  // namespace gateway
