// The bytes between one IDE and its gateway, cut into messages on the laptop: what arrives there of a gateway's message is
// passed on when it is whole, so that nothing is left half said when the gateway dies.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/remembered_view.h"
#include "protocol/message_edges.h"

namespace gateway {

class conversation {
public:
    // A message larger than that passes as it comes; a gateway that dies in the middle of it takes the view with it.
    static constexpr std::size_t largest_held = 256 * 1024;

    explicit conversation(view_ends& ends) : ends_(ends) {}
    conversation(const conversation&) = delete;
    conversation& operator=(const conversation&) = delete;

    // Which of the protocols it is is seen from the IDE's first byte. What is neither, or is not cut into messages as it must
    // be, is passed on byte by byte: the gateway says what is wrong with it.
    void from_ide(std::string_view bytes);
    void from_gateway(std::string_view bytes);
    // Half a message of the IDE's, to be passed on though nothing may follow; from now on what it says is not read.
    std::string release();

    // As remembered_view's. gateway_gone() drops what has come of a message that will not be finished.
    std::string hindrance() const;
    void gateway_gone();
    void begin_again();
    void end(std::string_view reason);
    std::size_t kept() const { return view_ ? view_->kept() : 0; }

private:
    struct direction {
        std::optional<protocol::message_edges> edges;
        std::string held;      // of a message that is not whole
        bool passes = false;   // it passes as it comes
        bool raw = false;      // nothing is read any more
    };
    template <class Whole, class Start, class Pass>
    static void cut(direction& way, std::string_view bytes, Whole whole, Start start, Pass pass);

    view_ends& ends_;
    std::unique_ptr<remembered_view> view_;
    protocol::dialect dialect_ = protocol::dialect::rpc;
    direction up_, down_;
    bool large_ = false;  // the IDE has made a request that is not remembered
};

}  // namespace gateway
