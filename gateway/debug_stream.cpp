#include "gateway/debug_stream.h"

#include <algorithm>

#include "gateway/component.h"
#include "gateway/audit_trail.h"
#include "gateway/dap_view.h"
#include "gateway/log.h"
#include "gateway/rpc_view.h"
#include "gateway/session_log.h"
#include "protocol/detect.h"
#include "protocol/printable.h"

namespace gateway {

namespace {
constexpr std::size_t early_limit = 4u << 20;  // bytes taken while dlv starts; carriers hold back at 1 MiB
}  // namespace

debug_stream::debug_stream(component& of, stream_peer& peer, caller who, std::string session)
    : component_(of), peer_(peer), who_(std::move(who)), session_(std::move(session)), silence_(of.context_) {
    component_.streams_.push_back(this);
    if (auto* life = component_.of_launcher()) of_launcher_ = life->session();
    const session_mark mark(session_, component_.name(), of_launcher_);
    const std::string within = of_launcher_.empty() ? "" : ", in session " + of_launcher_ + " of the launcher";
    log().info("{} at {}: session {} with {}{}", protocol::printable(who_.who.user), who_.address, session_, component_.name(), within);
    if (component_.audit_ && !within.empty()) component_.audit_->administration(who_.address, "session " + session_ + " with " + component_.name() + within);
    // Every IDE speaks first, and at once. One that says nothing would hold a place for ever.
    const auto patience = of.bounds_.handshake_time;
    silence_.expires_after(patience);
    silence_.async_wait([this, patience](error_code ec) {
        if (ec || view_ || over_) return;
        over_ = true;
        peer_.abort("the IDE said nothing for " + format_duration(patience));
    });
}

debug_stream::~debug_stream() {
    if (view_) view_->close();
    component_.streams_.remove(this);
    const session_mark mark(session_, component_.name(), of_launcher_);
    log().info("{} at {}: session {} with {} is over", protocol::printable(who_.who.user), who_.address, session_, component_.name());
}

void debug_stream::rebound(const auth::identity& now) {
    who_.who = now;
    if (view_) view_->rebound(now);
}

void debug_stream::link_is(bool up, std::string_view address) {
    away_ = std::nullopt;
    if (up)
        who_.address = address;
    else
        away_ = std::chrono::system_clock::now();
    if (view_) view_->link_is(up);
}

bool debug_stream::takes_place() const { return !over_ && !refusal_ && !(view_ && view_->finished()); }

std::string_view debug_stream::protocol() const {
    if (!view_) return "connecting";
    return view_->speaks_dap() ? "DAP" : "JSON-RPC";
}

std::string debug_stream::ide() const { return view_ ? view_->ide() : std::string(); }

void debug_stream::received(std::string_view bytes) {
    if (view_) return view_->received(bytes);
    if (refusal_) return refusal_->received(bytes);
    if (over_) return;
    early_ += bytes;
    silence_.cancel();
    if (early_.size() > early_limit) {
        over_ = true;
        return peer_.abort("more was sent than fits before dlv has started");
    }
    decide();
}

// Opens the view as soon as the protocol is known and dlv is there.
void debug_stream::decide() {
    if (view_ || refusal_ || over_) return;
    // It may have waited for dlv meanwhile.
    if (!component_.admits(who_.who))
        return refuse(who_.who.user + " may not debug " + component_.name() +
                      "; ask the gateway's administrator for a role there");
    switch (component_.hub_.now()) {
        case phase::down:
            return refuse(component_.failure_.empty() ? component_.hub_.down_reason() : component_.failure_);
        case phase::starting:
            component_.waiting_.push_back([this, alive = std::weak_ptr<int>(alive_)] {
                if (alive.lock()) decide();
            });
            return;
        default: break;
    }
    if (who_.again && !component_.hub_.same_program()) return refuse(component_.hub_.another_program_words());
    std::size_t skip = 0;
    auto dialect = protocol::detect(early_, skip);
    if (!dialect) {
        over_ = true;
        return peer_.abort("the first byte is neither DAP's nor JSON-RPC's");
    }
    if (!*dialect) {
        if (early_end_) {
            over_ = true;
            peer_.finish();
        }
        return;
    }
    silence_.cancel();
    auto limits = component_.limits_for_views();
    if (**dialect == protocol::dialect::dap) {
        auto made = std::make_shared<dap_view>(component_.hub_, component_.rights_, peer_, who_, limits, session_);
        view_ = made;
        if (component_.audit_) made->record_in(*component_.audit_, component_.name());
        made->start();
    } else {
        auto made = std::make_shared<rpc_view>(component_.hub_, component_.rights_, peer_, who_, limits, session_);
        view_ = made;
        if (component_.audit_) made->record_in(*component_.audit_, component_.name());
        made->start();
    }
    auto early = std::exchange(early_, {});
    if (skip) peer_.consumed(skip);
    view_->received(std::string_view(early).substr(skip));
    if (early_end_) view_->ended();
}

void debug_stream::refuse(std::string reason) {
    silence_.cancel();
    refusal_ = make_refusal(peer_, std::move(reason));
    auto early = std::exchange(early_, {});
    if (!early.empty()) refusal_->received(early);
    if (early_end_) refusal_->ended();
}

void debug_stream::permissions_changed() {
    if (view_) return view_->permissions_changed();
    if (!refusal_ && !over_ && !component_.admits(who_.who)) decide();
}

void debug_stream::lost_breakpoint(const viewer* owner, std::int64_t id, const std::string& why) {
    if (owner && view_.get() == owner) view_->lost_breakpoint(id, why);
}

void debug_stream::writable() {
    if (view_) view_->writable();
    if (refusal_) refusal_->writable();
}

void debug_stream::ended() {
    if (view_) return view_->ended();
    if (refusal_) return refusal_->ended();
    if (over_) return;
    early_end_ = true;
    if (early_.empty()) {
        // Connected and closed, as probes do.
        over_ = true;
        return peer_.finish();
    }
    decide();
}

void debug_stream::lost(std::string_view reason) {
    over_ = true;
    if (view_) view_->close();
    if (refusal_) refusal_->lost(reason);
}

void debug_stream::expelled(std::string_view reason) {
    silence_.cancel();
    if (view_) return view_->expel(reason);
    displaced(reason);
}

void debug_stream::displaced(std::string_view reason) {
    silence_.cancel();
    if (view_) return view_->displace(reason);
    if (over_) return;
    // Not a view yet: whatever it has asked for is answered with the reason.
    if (!refusal_) refuse(std::string(reason));
    refusal_->ended();
}

}  // namespace gateway
