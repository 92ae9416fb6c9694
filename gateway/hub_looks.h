// The few JSON-RPC connections that viewers share for looks.
#pragma once

#include <memory>

#include "gateway/hub.h"

namespace gateway {

// One connection and the reply on it. A slot serves one look at a time, so that a large reply delays
// only those who come after it on the same connection.
struct hub::look_slot : reply_sink {
    explicit look_slot(hub& h);

    bool piece(std::string_view bytes, bool last) override;
    void broken(std::string_view reason) override;
    void sent() override {
        if (sink) sink->sent();
    }

    hub& owner;
    const viewer* v = nullptr;  // whose look it is; only to be compared
    passing_answer answer;      // kept for others
    reply_sink* sink = nullptr;  // null while busy: its owner has gone, the rest is dropped
    bool busy = false;
    bool heard = false;  // dlv has said something on it
    rpc_channel channel;

private:
    void lost(std::string reason);
};

}  // namespace gateway
