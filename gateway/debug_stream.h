// An IDE's connection to a component from its first byte: which protocol it speaks, and the view that
// answers it.
#pragma once

#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "gateway/directory.h"
#include "gateway/stream.h"
#include "gateway/view_base.h"

namespace gateway {

class component;

class debug_stream final : public stream_user {
public:
    debug_stream(component& of, stream_peer& peer, caller who, std::string session);
    ~debug_stream() override;

    void received(std::string_view bytes) override;
    void writable() override;
    void ended() override;
    void lost(std::string_view reason) override;
    void rebound(const auth::identity& now) override;
    void link_is(bool up, std::string_view address) override;
    void expelled(std::string_view reason) override;
    // It ends, for somebody else needs its place: nobody is shown out.
    void displaced(std::string_view reason);

    void permissions_changed();
    void lost_breakpoint(const viewer* owner, std::int64_t id, const std::string& why);

    // Whether it takes one of the component's places; not any more once its view has ended.
    bool takes_place() const;
    const caller& who() const { return who_; }
    const std::string& session() const { return session_; }
    std::string_view protocol() const;
    std::string ide() const;  // what it says it is; empty: not yet
    std::chrono::system_clock::time_point since() const { return since_; }
    // When its link broke, if that has not come back.
    const std::optional<std::chrono::system_clock::time_point>& away() const { return away_; }

private:
    void decide();
    void refuse(std::string reason);

    component& component_;
    stream_peer& peer_;
    caller who_;
    std::string session_;
    std::string of_launcher_;  // its session, in which this one began; empty: none
    std::chrono::system_clock::time_point since_ = std::chrono::system_clock::now();

    std::optional<std::chrono::system_clock::time_point> away_;

    std::string early_;  // bytes from before there was somebody to take them
    bool early_end_ = false;
    bool over_ = false;
    std::shared_ptr<view_base> view_;
    std::unique_ptr<stream_user> refusal_;
    asio::steady_timer silence_;
    std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

}  // namespace gateway
