#include "gateway/admission.h"

#include <algorithm>

namespace gateway {

std::string source_of(const boost::asio::ip::address& address) {
    namespace ip = boost::asio::ip;
    if (address.is_v4()) return address.to_string();
    const auto v6 = address.to_v6();
    if (v6.is_v4_mapped()) return ip::make_address_v4(ip::v4_mapped, v6).to_string();
    auto bytes = v6.to_bytes();
    std::fill(bytes.begin() + 8, bytes.end(), static_cast<unsigned char>(0));
    return ip::make_address_v6(bytes).to_string() + "/64";
}

admission::answer admission::knock(const std::string& source, time_point now) {
    if (connections_ >= bounds_.connections) return answer::connections;
    if (handshakes_ >= bounds_.handshakes) return answer::handshakes;

    // From more addresses than we care to remember, all newcomers share one state.
    if (sources_.size() >= max_sources && !sources_.contains(source)) forget_idle(now);
    const bool known = sources_.contains(source) || sources_.size() < max_sources;
    const auto burst = static_cast<double>(2 * bounds_.handshake_rate);
    const auto [at, fresh] = sources_.try_emplace(known ? source : std::string());
    source_state& state = at->second;
    if (fresh) {
        state.tokens = burst;
    } else {
        const std::chrono::duration<double> passed = now - state.filled;
        state.tokens = std::min(
            burst, state.tokens + passed.count() * static_cast<double>(bounds_.handshake_rate));
    }
    state.filled = now;
    if (state.handshakes >= bounds_.handshakes_per_source) return answer::source_handshakes;
    if (state.tokens < 1) return answer::source_rate;
    state.tokens -= 1;
    ++state.handshakes;
    ++handshakes_;
    ++connections_;
    return answer::yes;
}

void admission::handshake_over(const std::string& source) {
    if (handshakes_ > 0) --handshakes_;
    auto at = sources_.find(source);
    if (at == sources_.end()) at = sources_.find(std::string());
    if (at != sources_.end() && at->second.handshakes > 0) --at->second.handshakes;
}

void admission::connection_over() {
    if (connections_ > 0) --connections_;
}

bool admission::enter(const std::string& user) {
    std::size_t& count = users_[user];
    if (count >= bounds_.connections_per_identity) {
        if (count == 0) users_.erase(user);
        return false;
    }
    ++count;
    return true;
}

void admission::leave(const std::string& user) {
    const auto at = users_.find(user);
    if (at != users_.end() && --at->second == 0) users_.erase(at);
}

// A source with a full bucket and no handshake is as good as unknown.
void admission::forget_idle(time_point now) {
    std::erase_if(sources_, [now](const auto& item) {
        return item.second.handshakes == 0 && now - item.second.filled >= std::chrono::seconds(2);
    });
}

}  // namespace gateway
