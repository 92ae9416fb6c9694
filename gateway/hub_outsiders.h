// Somebody who speaks with dlv directly: whose port is open to others (kind connect), dlv obeys whoever comes, and tells
// nobody else. So the hub looks once a second whether the program is where it left it, and whether breakpoints are as it
// knows them; what is not so is taken over, and everybody is told.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>

#include "gateway/rpc_channel.h"

namespace gateway {

class hub;
struct target_state;

// Who that is, in what people are told.
inline constexpr std::string_view outsider = "somebody outside delvegate";

class hub_outsiders {
public:
    explicit hub_outsiders(hub& of);

    void begin();   // there is a dlv
    void stands();  // a stop that everybody knows of
    void end();

private:
    // What must not have changed on our side between question and answer.
    using moment = std::tuple<std::uint64_t, std::uint64_t, std::uint64_t>;
    std::optional<moment> at_rest() const;
    std::optional<moment> quiet() const;
    void arm(std::chrono::milliseconds later);
    void look();
    void judge(rpc_outcome out);
    bool moved(const target_state& now);
    void took_over(std::optional<rpc_outcome> rest);
    void look_at_breakpoints();
    boost::asio::awaitable<void> reconcile();

    hub& hub_;
    boost::asio::steady_timer timer_;
    std::unique_ptr<rpc_channel> lists_;  // breakpoints; waits with the program if it must
    int open_ = 0;                        // questions without an answer
    std::optional<moment> suspected_;  // dlv said that it runs, at a moment at which we had something under way
    std::optional<std::pair<moment, std::int64_t>> hits_;  // dlv's count where it stands, and since when it is known
};

}  // namespace gateway
